"""What a simulated fleet is asked to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from fleet.frozen import frozen


class Fault:
    """One rule: which hosts misbehave, and how.

    `fault` is a name or an alias from `FAULTS`. `match` picks hosts: a glob on the address
    (`127.1.0.*`), several of them separated by commas, or a percentage of the fleet (`5%`, at least one
    host; percentages of one fleet never pick the same host twice). `path` limits it to requests whose
    path matches a glob; `times` to that many first requests of each host. What is left are the
    parameters of the fault.
    """

    __slots__ = ("fault", "match", "params", "path", "times")

    def __init__(
        self,
        fault: str,
        match: str = "*",
        *,
        path: str | None = None,
        times: int | None = None,
        **params: Any,
    ) -> None:
        self.fault: str = fault
        self.match: str = match
        self.path: str | None = path
        self.times: int | None = times
        self.params: Mapping[str, Any] = params

    def __repr__(self) -> str:
        more = "".join(f", {name}={value!r}" for name, value in self.params.items())
        return f"Fault({self.fault!r}, {self.match!r}, path={self.path!r}, times={self.times}{more})"


@frozen
class SimOptions:
    """Everything that `fleet sim` can be told. Durations are seconds."""

    hosts: int = 10
    port: int = 0  # 0: any free port
    tls: bool = False
    first_address: str = "127.1.0.1"
    trees: Sequence[str | Path] = ()  # mockup directories, dealt out in turn; none: the built-in tree
    auth: tuple[str, str] | None = None  # the only user and password; None: everybody may come in
    sessions: int = 16  # live sessions per host
    lockout: int = 5  # bad logins until a host refuses everybody; 0: never
    lockout_seconds: float = 300.0
    latency: float = 0.0  # before each answer
    expand: bool = True  # whether the built-in root offers $expand
    faults: Sequence[Fault] = field(default=())
    seed: int = 0  # of the percentages in `faults`
    socks: int | None = None  # port of a SOCKS5 proxy on 127.0.0.1; 0: any free port; None: no proxy
    socks_limit: int = 0  # connections that the proxy bears; further ones it drops; 0: any number
