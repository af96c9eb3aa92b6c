"""Targets by what became of them in two runs: new, gone, failing, well again; each in exactly one turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fleet.compare.lines import Line, Tell
from fleet.compare.model import Hosts, Turn
from fleet.inventory import Folder
from fleet.outcome import Record
from fleet.report import CauseGroup, Groups, Labels, cause_key, named, short_name

WELL = ("ok", "partial")


class HostCounter:
    """Counts targets, and folds them."""

    def __init__(self) -> None:
        self.targets: int = 0
        self._folder = Folder()

    def add(self, target: str) -> None:
        """Take one."""
        self.targets += 1
        self._folder.add(short_name(target))

    def result(self) -> Hosts:
        """All that were taken."""
        hosts, unnamed = named(self._folder)
        return Hosts(targets=self.targets, hosts=hosts, unnamed=unnamed)


class Turns:
    """Takes targets by their two outcomes, and tells single differences."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._turns: Counter[tuple[str, str]] = Counter()
        self._fleet = Labels()
        self.new: HostCounter = HostCounter()
        self.gone: HostCounter = HostCounter()
        self.whole: HostCounter = HostCounter()
        self._failing, self._recovered, self._otherwise = Groups(), Groups(), Groups()
        self._gaps = Groups(gaps=True)
        self._partial = 0
        self._different = 0

    def came(self, record: Record) -> None:
        """A target that the first run did not have."""
        self._fleet.add(record.get("labels") or {}, record.get("proxy"))
        self.new.add(str(record["id"]))
        self._tell(Line(target=str(record["id"]), what="new", after=record["status"], **_cause(record)))

    def went(self, record: Record) -> None:
        """A target that the second run does not have."""
        self.gone.add(str(record["id"]))
        self._tell(Line(target=str(record["id"]), what="gone", before=record["status"], **_cause(record)))

    def both(self, before: Record, after: Record) -> bool:
        """A target that both have. Whether its rows can be compared: it was reached both times."""
        was, is_ = str(before["status"]), str(after["status"])
        self._turns[was, is_] += 1
        self._fleet.add(after.get("labels") or {}, after.get("proxy"))
        if was in WELL and is_ in WELL:
            if was != is_:
                self._partly(before, after)
            return True
        if was in WELL:
            self._turned("failing", self._failing, before, after, after)
        elif is_ in WELL:
            self._turned("recovered", self._recovered, before, after, before)
        elif cause_key(before, before.get("failure") or {}) != cause_key(after, after.get("failure") or {}):
            self._turned("otherwise", self._otherwise, before, after, after)
        return False

    @property
    def differences(self) -> int:
        """Targets that are new, gone, or became something else."""
        return self.new.targets + self.gone.targets + self.whole.targets + self._partial + self._different

    def turns(self) -> tuple[Turn, ...]:
        """The most frequent first."""
        return tuple(Turn(was, is_, count) for (was, is_), count in self._turns.most_common())

    def groups(self) -> Mapping[str, tuple[CauseGroup, ...]]:
        """Failing, recovered, otherwise and gaps, each by cause."""
        sorts = {
            "failing": self._failing,
            "recovered": self._recovered,
            "otherwise": self._otherwise,
            "gaps": self._gaps,
        }
        return {name: groups.result(self._fleet, groups.kinds, _no_command) for name, groups in sorts.items()}

    def _turned(self, what: str, groups: Groups, before: Record, after: Record, why: Record) -> None:
        self._different += 1
        groups.failed(why, why.get("failure") or {})
        self._tell(
            Line(target=str(after["id"]), what=what, before=before["status"], after=after["status"],
                 **_cause(why))
        )  # fmt: skip

    def _partly(self, before: Record, after: Record) -> None:
        target, statuses = str(after["id"]), {"before": before["status"], "after": after["status"]}
        if after["status"] == "partial":
            self._partial += 1
            self._gaps.partial(after)
            self._tell(Line(target=target, what="partial", **statuses, **_cause(after)))
        else:
            self.whole.add(target)
            self._tell(Line(target=target, what="whole", **statuses, **_cause(before)))


def _cause(record: Record) -> dict[str, Any]:
    """Why a target is not ok, as a line says it."""
    failure = record.get("failure") or next(iter(record.get("errors") or ()), None)
    if record["status"] == "ok" or not failure:
        return {}
    return {"kind": str(failure.get("kind", "")), "why": str(failure.get("message", ""))}


def _no_command(_kind: str, _cause: str, _alone: bool) -> str:
    """A comparison says what changed; what to scan again is said by the report of the second run."""
    return ""
