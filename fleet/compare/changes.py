"""Changes of fields, grouped by what they were and became, and those that a target made alone.

**Outliers.** The peers of a row are the targets that were compared in its step and that have the same value
of `--by`. A change is an outlier where exactly one of the peers made it, while the others made another one
or none. There must be three others; and where more than one in ten of the peers (and more than one target)
changed the field each in a way of its own, as readings do, none of them is an outlier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet.compare.model import FieldChange, Outlier, ValueChange
from fleet.compare.rows import Row
from fleet.compare.values import shown_value, value_key
from fleet.inventory import Folder
from fleet.outcome import Record
from fleet.report import named, rows_above, short_name

MAX_FIELDS = 500  # fields of which changes are told apart
MAX_WAYS = 500  # changes of one field that are told apart; further ones are counted
ALL_WAYS = 20_000  # the same of all fields together: each takes some 1.5 KB
MAX_PEERS = 5000  # values of `--by`, over all steps; a row with a further one has no peers
LEAST_PEERS = 3  # peers beside the target, from which being alone says something
ALONE_ONE_IN = 10  # where more than one peer in this many is alone, being alone says nothing
MAX_SHARED = 200  # characters of what peers share
MAX_OUTLIERS = 20  # named of one change

Peers = tuple[str, str]  # step, and what the peers share


class Changes:
    """Takes changed values, and what was compared, target by target."""

    def __init__(self, by: str) -> None:
        self._by = by
        self._fields: dict[tuple[str, str], _Field] = {}
        self._compared: Counter[Peers] = Counter()
        self._here: set[Peers] = set()
        self._ways = 0

    def peers(self, record: Record, step: str, row: Row) -> str | None:
        """Count a compared row, and say what its peers share (`peers_of`); None for one value too many."""
        shared = peers_of(record, row, self._by)
        peers = (step, shared)
        if peers in self._here:
            return shared
        if peers not in self._compared and len(self._compared) >= MAX_PEERS:
            return None
        self._here.add(peers)
        return shared

    def changed(self, target: str, step: str, name: str, values: tuple[Any, Any], peers: str | None) -> None:
        """Count one changed value."""
        field = self._fields.get((step, name))
        if field is None:
            if len(self._fields) >= MAX_FIELDS:
                step, name = "(further fields)", ""
            field = self._fields.setdefault((step, name), _Field())
        self._ways += field.changed(target, values, peers, room=self._ways < ALL_WAYS)

    def next_target(self) -> None:
        """All of one target has been taken."""
        self._compared.update(self._here)
        self._here.clear()

    def result(self) -> tuple[FieldChange, ...]:
        """The fields, those that changed on most targets first."""
        made = [
            field.result(step, name, self._by, self._compared) for (step, name), field in self._fields.items()
        ]
        return tuple(sorted(made, key=lambda one: (-one.targets, -one.rows, one.step, one.field)))


def peers_of(record: Record, row: Row, by: str) -> str:
    """What a row shares with its peers: its output `by`, or that of the nearest row above that has it, or the
    target's label; empty where there is none."""
    value = row.get(by)
    if value is None:
        value = next(
            (
                held
                for _, upper in rows_above(record.get("steps") or {}, row)
                if (held := upper.get(by)) is not None
            ),
            None,
        )
    if value is None:
        value = (record.get("labels") or {}).get(by)
    return "" if value is None else str(value)[:MAX_SHARED]


class _Way:
    """One change of a field."""

    __slots__ = ("after", "before", "folder", "last", "peers", "rows", "targets")

    def __init__(self, before: Any, after: Any) -> None:
        self.before = before
        self.after = after
        self.rows = 0
        self.targets = 0
        self.folder = Folder()
        self.peers: dict[str, list[Any]] = {}  # how many targets, and the last of them
        self.last = ""

    def add(self, target: str, peers: str | None) -> None:
        self.rows += 1
        if target != self.last:
            self.last = target
            self.targets += 1
            self.folder.add(short_name(target))
        if peers is not None:
            held = self.peers.setdefault(peers, [0, ""])
            if held[1] != target:
                held[0] += 1
                held[1] = target


class _Field:
    """All changes of one field."""

    __slots__ = ("changers", "further", "last", "rows", "targets", "ways")

    def __init__(self) -> None:
        self.rows = 0
        self.targets = 0
        self.further = 0
        self.last = ""
        self.ways: dict[tuple[bytes, bytes], _Way] = {}
        self.changers: dict[
            str, list[Any]
        ] = {}  # by what peers share: how many targets, and the last of them

    def changed(self, target: str, values: tuple[Any, Any], peers: str | None, *, room: bool) -> bool:
        """Count it; true where that is one more way, for which there must be `room`."""
        self.rows += 1
        if target != self.last:
            self.last = target
            self.targets += 1
        if peers is not None:
            held = self.changers.setdefault(peers, [0, ""])
            if held[1] != target:
                held[0] += 1
                held[1] = target
        before, after = shown_value(values[0]), shown_value(values[1])
        key = (value_key(before), value_key(after))
        way = self.ways.get(key)
        if way is not None:
            way.add(target, peers)
            return False
        if not room or len(self.ways) >= MAX_WAYS:
            self.further += 1
            return False
        way = self.ways[key] = _Way(before, after)
        way.add(target, peers)
        return True

    def result(self, step: str, name: str, by: str, compared: Mapping[Peers, int]) -> FieldChange:
        quiet = self._quiet(step, compared)
        ranked = sorted(self.ways.items(), key=lambda item: (-item[1].targets, -item[1].rows, item[0]))
        return FieldChange(
            step=step,
            field=name,
            rows=self.rows,
            targets=self.targets,
            changes=tuple(
                _change(way, tuple(self._outliers(way, step, by, compared, quiet))) for _, way in ranked
            ),
            further=self.further,
        )

    def _quiet(self, step: str, compared: Mapping[Peers, int]) -> frozenset[str]:
        """The peers of whom few enough were alone for that to say something."""
        alone = Counter(
            shared for way in self.ways.values() for shared, (targets, _) in way.peers.items() if targets == 1
        )
        if self.further:
            return frozenset()
        return frozenset(
            shared
            for shared, count in alone.items()
            if (whole := compared.get((step, shared), 0)) > LEAST_PEERS
            and count <= max(1, whole // ALONE_ONE_IN)
        )

    def _outliers(
        self, way: _Way, step: str, by: str, compared: Mapping[Peers, int], quiet: frozenset[str]
    ) -> Iterator[Outlier]:
        found = ((shared, target) for shared, (count, target) in way.peers.items() if count == 1)
        for shared, target in sorted(one for one in found if one[0] in quiet)[:MAX_OUTLIERS]:
            yield Outlier(
                target=target,
                by=by,
                value=shared,
                peers=compared[step, shared],
                otherwise=self.changers[shared][0] - 1,
            )


def _change(way: _Way, outliers: Sequence[Outlier]) -> ValueChange:
    hosts, unnamed = named(way.folder)
    return ValueChange(
        before=way.before,
        after=way.after,
        rows=way.rows,
        targets=way.targets,
        hosts=hosts,
        unnamed=unnamed,
        outliers=tuple(outliers),
    )
