"""What a scan was asked to do, as one frozen value: parsed, not yet resolved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace

from fleet.frozen import frozen
from fleet.inventory import Sample, Shard
from fleet.policy import PACES, Policy


@frozen(kw_only=True)
class ScanOptions:
    """Everything the command line can say about a scan.

    `policy` holds the numbers with their defaults; `given` names those that were set on purpose
    (`timeouts.request`, `rate.per_target`, ...), which beat those of `pace`, and these the spec file's own.
    `sources` are inventory files, `-` for standard input, or target expressions; all of `select`, and the
    expression `where`, must hold for a target. `operation` chooses from an API description that stands in for
    a spec. `outputs` are further sinks.

    `sample` is taken of what the selection leaves, `limit` of the sample, `shard` of that; `shuffle` is an
    order for them, and `seed` makes another sample and another order. `canary` says how many are scanned
    first; the others follow unless as many of those failed as `canary_fail_on` says.
    """

    sources: tuple[str, ...] = ()
    spec: str = "redfish"
    pipeline: str | None = None
    operation: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    validate: str | None = None

    policy: Policy = field(default_factory=Policy)
    given: frozenset[str] = frozenset()
    pace: str = "normal"

    select: tuple[str, ...] = ()
    where: str | None = None
    exclude: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    sample: Sample | None = None
    limit: int | None = None
    shard: Shard | None = None
    shuffle: bool = False
    seed: int = 0
    canary: int | None = None
    canary_fail_on: str = "10%"
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

    def tuned(self, policy: Policy, given: Collection[str], *, pace: str | None = None) -> ScanOptions:
        """These options with other numbers in place of their own; `given` names which ones of `policy`.
        Another `pace` takes the place of what was given before it."""
        earlier = self.given if pace is None else self.given.difference(PACES[pace])
        return replace(
            self,
            policy=with_numbers(self.policy, policy, given),
            given=earlier.union(given),
            pace=pace or self.pace,
        )


def at_pace(policy: Policy, pace: str) -> Policy:
    """`policy` with the numbers of a pace."""
    for name, value in PACES[pace].items():
        policy = _with_number(policy, name, value)
    return policy


def with_numbers(policy: Policy, other: Policy, names: Collection[str]) -> Policy:
    """`policy` with the numbers of `other` that have these dotted names (`timeouts.request`)."""
    for name in names:
        group, _, number = name.partition(".")
        policy = _with_number(policy, name, getattr(getattr(other, group), number))
    return policy


def _with_number(policy: Policy, name: str, value: object) -> Policy:
    group, _, number = name.partition(".")
    return replace(policy, **{group: replace(getattr(policy, group), **{number: value})})
