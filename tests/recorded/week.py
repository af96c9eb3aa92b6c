"""The recorded fleet twice: a run, and one a week later with changes that are known to the host.

    python tests/recorded/week.py folder --hosts 100000

writes `folder/runs` with both, and beside them the policy by which they were judged. Who changed depends on
the number of a host alone, and again for each further 5,000; what is wrong in both runs is in `planted`. The
second journal has another order than the first, and may be compressed.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from planted import (
    ENDED,
    ENUM,
    LONE,
    OLD,
    REQUIRED,
    manifest_of,
    planted,
    write_policy,
)
from recorded import TROUBLES, Record, Recorded, Trouble, host_name, outcome, record_run, request, store

FIRST, SECOND = "20261122-1542-k7q", "20261129-1542-m2x"
STARTED = "2026-11-29T15:42:00Z"

STANDING = tuple(trouble for trouble in TROUBLES if not trouble.gap)  # 316 hosts, in both runs
INCOMPLETE = next(trouble for trouble in TROUBLES if trouble.gap)  # 41 hosts, in the second
REFUSED = Trouble("connect.refused", request("Connection refused"), 1500, 21)
EXPIRED = Trouble("tls.expired", request("certificate has expired"), 4600, 16)
UPDATED = range(2101, 2101 + 3 * 212, 3)  # from 2.18.0 to 2.19.0: all of one model
ALONE = 2746  # of that model too, from 2.18.0 to 2.17.1: older than the baseline
SWITCHED = range(10, 25, 3)  # powered off
GONE = range(4990, 4994)
NEW = range(5000, 5003)

# Of the second run:
UNREAD = frozenset(number for trouble in (*STANDING, REFUSED, EXPIRED) for number in trouble.hosts())
FAILING = frozenset({*OLD, *ENDED, ALONE})  # by the firmware baseline
ODD_MODE, NAMELESS, LONE_TYPE = (frozenset(numbers) - UNREAD for numbers in (ENUM, REQUIRED, LONE))


@dataclass(frozen=True)
class Week:
    """Two runs of one fleet, and the policy beside them."""

    first: Recorded
    second: Recorded
    policy: Path

    @property
    def folder(self) -> Path:
        """Where a user stands: `runs` is in it."""
        return self.policy.parent


def names(numbers: Iterable[int]) -> set[str]:
    """Hosts by their numbers, as a comparison names them."""
    return {host_name(number) for number in numbers}


def later(number: int, hosts: int, trouble: Trouble | None) -> Record:
    """The outcome of one host a week later."""
    record = outcome(number, hosts, trouble, SECOND)
    record["started"] = record["started"].replace("2026-11-22", "2026-11-29")
    record["requests"] += 1
    at = number % 5000
    for system in record["steps"]["system"]["rows"]:
        if at in UPDATED:
            system["bios"] = "2.19.0"
        elif at == ALONE:
            system["bios"] = "2.17.1"
        if at in SWITCHED:
            system["power"] = "Off"
    return planted(record)


def a_week_later(hosts: int) -> Iterator[Record]:
    """The outcomes of the second run, in an order of its own."""
    who = {number: one for one in (*STANDING, INCOMPLETE, REFUSED, EXPIRED) for number in one.hosts()}
    numbers = [number for number in range(hosts) if number % 5000 not in GONE]
    numbers += [hosts + number - 5000 for number in NEW]
    random.Random(7).shuffle(numbers)
    for number in numbers:
        old = number < hosts
        yield later(number, hosts if old else hosts * 2, who.get(number % 5000) if old else None)


def record_week(
    folder: Path,
    *,
    hosts: int = 5000,
    edit: Callable[[Record], Record | None] | None = None,
    compress: bool = False,
) -> Week:
    """Write the policy and `runs` into `folder`. `edit` changes an outcome of the second before it is stored,
    or leaves it out (None)."""
    folder.mkdir(parents=True, exist_ok=True)
    policy = write_policy(folder)
    manifest = manifest_of(str(policy))
    first = record_run(
        folder / "runs" / FIRST, hosts=hosts, troubles=STANDING, edit=planted, manifest=manifest
    )
    second, told = folder / "runs" / SECOND, a_week_later(hosts)
    statuses = store(
        second,
        map(edit, told) if edit is not None else told,
        {"options": {"spec": str(policy), "auths_file": "auths.yaml"}, **manifest, "started": STARTED},
        compress=compress,
    )
    return Week(replace(first, troubles=STANDING), Recorded(second, hosts, statuses), policy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", type=int, default=5000)
    parser.add_argument("--compress", action="store_true")
    given = parser.parse_args()
    record_week(given.folder, hosts=given.hosts, compress=given.compress)
