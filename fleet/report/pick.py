"""Some outcomes of a run: those of one cause, those of one target."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fleet.engine import read_outcomes
from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.inventory import HostSet, place_of, split_commas
from fleet.outcome import Record
from fleet.report.failing import failures_by_cause
from fleet.report.shares import MAX_LABELS
from fleet.report.stored import head_of, last_outcomes

MAX_NEAR = 20  # targets named of those that a text may mean
MAX_LOOKED_AT = 2000  # outcomes in which labels are looked for


@frozen
class Found:
    """The outcome of the one target that is meant. None where that is no target, or one of several: `count`
    says how many, and `near` names some of them."""

    record: Record | None
    near: tuple[str, ...] = ()
    count: int = 0


def targets_of(run: Path, cause: str) -> Iterator[Record]:
    """The outcomes of the targets that failed, or have gaps, for one cause (by its id) or kind; or those of
    the hosts that it stands for. Raises UsageError and SinkError."""
    _, journal = head_of(run)
    hosts = hosts_of(cause)
    for record in last_outcomes(run, journal):
        if _failed_by(record, cause) or _among(record, hosts):
            yield record


def hosts_of(text: str) -> HostSet:
    """The hosts of folded sets, as a report writes them: `bmc-[001-074], bmc-99`. None where it is no such
    text."""
    try:
        return HostSet(part.strip().removeprefix("https://") for part in split_commas(text) if part.strip())
    except InventoryError:
        return HostSet()


def _among(record: Record, hosts: HostSet) -> bool:
    host, port = place_of(str(record.get("target", "")))
    return port is not None and (host, port) in hosts


def find_target(run: Path, text: str) -> Found:
    """The target that a person means: its id or URL, else its host, else a part of its id that no other one
    has. Raises UsageError and SinkError."""
    _, journal = head_of(run)
    wanted = text.strip().rstrip("/")
    best, count = 4, 0
    record: Record | None = None
    hosts = hosts_of(wanted) if "[" in wanted else HostSet()
    near: list[str] = []
    for outcome in last_outcomes(run, journal):
        rank = 2 if _among(outcome, hosts) else _rank(outcome, wanted)
        if rank > best or rank == 4:
            continue
        if rank < best:
            best, record, near, count = rank, outcome, [], 0
        count += 1
        if len(near) < MAX_NEAR:
            near.append(str(outcome["id"]))
    return Found(record if count == 1 else None, tuple(near), count)


def label_names(run: Path) -> tuple[str, ...]:
    """The labels that targets have, as far as the first outcomes tell. Raises UsageError and SinkError."""
    _, journal = head_of(run)
    found: dict[str, None] = {}
    if journal.exists():
        for record in islice(read_outcomes(journal), MAX_LOOKED_AT):
            found.update(dict.fromkeys(record.get("labels") or {}))
    return tuple(found)[:MAX_LABELS]


def _failed_by(record: Record, cause: str) -> bool:
    """Whether an outcome has this cause, or a failure of this kind."""
    return any(
        cause in (identity, failures[0].get("kind"))
        for identity, failures in failures_by_cause(record).items()
    )


def _rank(record: Record, wanted: str) -> int:
    """How well a target fits a text: 0 best, 4 not at all."""
    identity, url = str(record["id"]), str(record.get("target", ""))
    if wanted in (identity, url):
        return 0
    place = url.partition("://")[2]
    authority = place.partition("/")[0]
    if wanted in (authority, place):
        return 1
    host = authority.rpartition(":")[0] if authority.rpartition(":")[2].isdigit() else authority
    if wanted in (host, host.strip("[]")):
        return 2
    return 3 if wanted and (wanted in identity or wanted in url) else 4
