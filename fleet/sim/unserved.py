"""Hosts that are not there: where the kernel or the resolver, not a server, gives the fault."""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import Literal, Self

Listens = Literal["yes", "closed port", "full queue", "unknown name"]


class UnservedHosts:
    """Keeps the sockets that make such hosts true, until closed.

    A port of a host that refuses is bound, so that nobody else can take it, but does not listen: the
    kernel answers connections with ECONNREFUSED. One whose queue is full listens and accepts nothing:
    the kernel drops what comes in addition, so that connecting never ends. A host with an unknown name
    is under `.invalid`, which no resolver knows (RFC 6761).
    """

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def place(self, address: str, listens: Listens) -> str | None:
        """`host:port` under which an inventory lists such a host; None for one that is served."""
        if listens == "yes":
            return None
        if listens == "unknown name":
            return f"host-{address.replace('.', '-')}.invalid:443"
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._open.append(bound)
        bound.bind((address, 0))
        port = int(bound.getsockname()[1])
        if listens == "full queue":
            bound.listen(0)
            for _ in range(2):  # a queue of length 0 still takes one connection
                filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._open.append(filler)
                filler.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    filler.connect((address, port))
        return f"{address}:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in self._open:
            each.close()
        self._open.clear()
