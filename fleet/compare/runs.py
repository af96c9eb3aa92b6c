"""One of two runs: its outcomes, those that were asked for, and what sets it apart from the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from fleet.compare.model import Side
from fleet.compare.question import Condition
from fleet.engine import read_manifest
from fleet.outcome import STATUSES, Record
from fleet.report import head_of, last_outcomes

MAX_LOOKED_AT = 2_000  # targets whose fields are listed: later ones seldom have fields of their own


class Run:
    """A run directory, or a file of outcomes. Raises UsageError where it is neither."""

    def __init__(self, path: Path, where: Condition | None) -> None:
        self.path: Path = path
        self.manifest: Mapping[str, Any] = read_manifest(path) if path.is_dir() else {}
        self._head, self._journal = head_of(path)
        self._where = where
        self._statuses = Counter[str]()

    def records(self) -> Iterator[Record]:
        """The last outcome of each target."""
        return last_outcomes(self.path, self._journal)

    def takes(self, record: Record) -> bool:
        """Whether the condition holds."""
        return self._where is None or self._where(scope(record))

    def count(self, record: Record) -> None:
        """One more target of this side."""
        self._statuses[str(record["status"])] += 1

    def side(self) -> Side:
        """What is said of it."""
        statuses = {name: self._statuses[name] for name in STATUSES}
        return Side(**self._head, targets=self._statuses.total(), statuses=statuses)


def scope(record: Record) -> dict[str, Any]:
    """What a condition sees of a target: the first row of each step by the step's name, then `target`,
    `labels`, `status`, `proxy`, and `kind`, where it failed."""
    rows: dict[str, Any] = {}
    for step, held in (record.get("steps") or {}).items():
        rows[step] = next(iter(held.get("rows") or ()), {})
    failure = record.get("failure") or {}
    return {
        **rows, "target": record["id"], "labels": record.get("labels") or {}, "status": record["status"],
        "proxy": record.get("proxy"), "kind": failure.get("kind"),
    }  # fmt: skip


def scopes_of(path: Path) -> Iterator[dict[str, Any]]:
    """What a condition sees of the first targets of a run. Raises UsageError and SinkError."""
    return map(scope, islice(Run(path, None).records(), MAX_LOOKED_AT))


def unlike(first: Run, second: Run) -> Iterator[str]:
    """How the two scans themselves differ, as far as their manifests tell."""
    if not (first.manifest and second.manifest):
        return
    for name in ("spec", "description"):
        digests = [(run.manifest.get(name) or {}).get("sha256") for run in (first, second)]
        if digests[0] != digests[1]:
            yield f"the {name} is another one, or was changed"
    pipelines = [str(run.manifest.get("pipeline") or "") for run in (first, second)]
    if pipelines[0] != pipelines[1]:
        yield (
            f"the runs are of two pipelines, {pipelines[0]} and {pipelines[1]}: "
            "only the rows of steps that both have are compared"
        )
