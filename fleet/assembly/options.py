"""What a scan was asked to do, as one frozen value: parsed, not yet resolved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from fleet.inventory import Shard
from fleet.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """Everything the command line can say about a scan.

    `policy` holds the numbers with their defaults; `given` names those that were set on purpose
    (`timeouts.request`, `rate.per_target`, ...), which beat the spec file's own defaults. `sources` are
    inventory files, `-` for standard input, or target expressions; all of `select` must hold for a target.
    `operation` chooses from an API description that stands in for a spec. `outputs` are further sinks.
    `shard` is the part to scan of all that the others leave; `limit` counts before it.
    """

    sources: tuple[str, ...] = ()
    spec: str = "redfish"
    pipeline: str | None = None
    operation: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    validate: str | None = None

    policy: Policy = field(default_factory=Policy)
    given: frozenset[str] = frozenset()

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    limit: int | None = None
    shard: Shard | None = None
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

    def tuned(self, policy: Policy, given: Collection[str]) -> ScanOptions:
        """These options with other numbers in place of their own; `given` names which ones of `policy`."""
        return replace(self, policy=with_numbers(self.policy, policy, given), given=self.given.union(given))


def with_numbers(policy: Policy, other: Policy, names: Collection[str]) -> Policy:
    """`policy` with the numbers of `other` that have these dotted names (`timeouts.request`)."""
    for name in names:
        group, _, number = name.partition(".")
        value = getattr(getattr(other, group), number)
        policy = replace(policy, **{group: replace(getattr(policy, group), **{number: value})})
    return policy
