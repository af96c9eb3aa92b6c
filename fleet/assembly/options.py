"""What a scan was asked to do, as one frozen value: parsed, not yet resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """Everything the command line can say about a scan.

    `policy` holds the numbers with their defaults; `given` names those that were set on purpose
    (`timeouts.request`, `rate.per_target`, ...), which beat the spec file's own defaults. `sources` are
    inventory files, `-` for standard input, or target expressions. `outputs` are further sinks.
    """

    sources: tuple[str, ...] = ()
    spec: str = "redfish"
    pipeline: str | None = None
    operation: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    validate: str | None = None

    policy: Policy = field(default_factory=Policy)
    given: frozenset[str] = frozenset()

    select: str | None = None
    exclude: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    limit: int | None = None
    scheme: str = "https"
    strict_inventory: bool = False
    discover: bool = False

    auths_file: str | None = None
    user: str | None = None
    proxy: str | None = None
    proxies_file: str | None = None
    pins_file: str | None = None
    allow_plaintext_credentials: bool = False

    run_dir: str | None = None
    outputs: tuple[str, ...] = ()
