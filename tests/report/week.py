"""The recorded fleet twice: a run, and one a week later with changes that are known to the host.

    python tests/report/week.py runs --hosts 100000

Who changed depends on the number of a host alone, and again for each further 5,000. The second journal has
another order than the first, and may be compressed.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import zstandard
from recorded import TROUBLES, Record, Recorded, Trouble, host_name, outcome, record_run, request

from fleet.engine import RunDirectory, write_success

FIRST, SECOND = "20261122-1542-k7q", "20261129-1542-m2x"
STARTED = "2026-11-29T15:42:00Z"

STANDING = tuple(trouble for trouble in TROUBLES if not trouble.gap)  # 316 hosts, in both runs
INCOMPLETE = next(trouble for trouble in TROUBLES if trouble.gap)  # 41 hosts, in the second
REFUSED = Trouble("connect.refused", request("Connection refused"), 1500, 21)
EXPIRED = Trouble("tls.expired", request("certificate has expired"), 4600, 16)
UPDATED = range(2101, 2101 + 3 * 212, 3)  # from 2.18.0 to 2.19.0: all of one model
ALONE = 2746  # of that model too, from 2.18.0 to 2.17.1
SWITCHED = range(10, 25, 3)  # powered off
GONE = range(4990, 4994)
NEW = range(5000, 5003)


@dataclass(frozen=True)
class Week:
    """Two runs of one fleet."""

    first: Recorded
    second: Recorded


def names(numbers: Any) -> set[str]:
    """Hosts by their numbers, as a comparison names them."""
    return {host_name(number) for number in numbers}


def later(number: int, hosts: int, trouble: Trouble | None, run: str) -> Record:
    """The outcome of one host a week later."""
    record = outcome(number, hosts, trouble, run)
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
    return record


def record_week(
    folder: Path,
    *,
    hosts: int = 5000,
    edit: Callable[[Record], Record | None] | None = None,
    compress: bool = False,
) -> Week:
    """Write both runs below `folder`. `edit` changes an outcome of the second before it is stored, or leaves
    it out (None)."""
    first = record_run(folder / FIRST, hosts=hosts, troubles=STANDING)
    who = {number: one for one in (*STANDING, INCOMPLETE, REFUSED, EXPIRED) for number in one.hosts()}
    numbers = [number for number in range(hosts) if number % 5000 not in GONE]
    numbers += [hosts + number - 5000 for number in NEW]
    random.Random(7).shuffle(numbers)
    manifest = {**orjson.loads((first.path / "manifest.json").read_bytes()), "started": STARTED}
    manifest = {name: value for name, value in manifest.items() if name not in ("v", "run", "journal")}
    statuses = Counter[str]()
    with RunDirectory.create(folder / SECOND, manifest=manifest, compress=compress) as directory:
        with (
            directory.journal.open("wb") as raw,
            zstandard.ZstdCompressor().stream_writer(raw) if compress else nullcontext(raw) as journal,
        ):
            for number in numbers:
                old = number < hosts
                trouble = who.get(number % 5000) if old else None
                record = later(number, hosts if old else hosts * 2, trouble, directory.id)
                stored = edit(record) if edit is not None else record
                if stored is not None:
                    journal.write(orjson.dumps(stored, option=orjson.OPT_APPEND_NEWLINE))
                    statuses[stored["status"]] += 1
        write_success(directory, shard="0/1", statuses=statuses)
    return Week(replace(first, troubles=STANDING), Recorded(folder / SECOND, hosts, dict(statuses)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", type=int, default=5000)
    parser.add_argument("--compress", action="store_true")
    given = parser.parse_args()
    record_week(given.folder, hosts=given.hosts, compress=given.compress)
