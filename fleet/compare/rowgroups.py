"""Rows that one run has alone, by step."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.compare.model import RowExample, RowGroup
from fleet.inventory import Folder
from fleet.report import named, short_name

MAX_EXAMPLES = 20  # rows named of a step
MAX_STEPS = 500


@dataclass(slots=True)
class _Group:
    rows: int = 0
    targets: int = 0
    last: str = ""
    folder: Folder = field(default_factory=Folder)
    carried: int = 0
    examples: list[RowExample] = field(default_factory=list)


class RowGroups:
    """Takes rows that were added, or that were removed, target by target."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def add(self, step: str, target: str, parent: str, row: str, *, carried: bool) -> None:
        """Take one row, by what its parents and it are called; `carried`: the row above shares its fate."""
        group = self._groups.get(step)
        if group is None:
            step = step if len(self._groups) < MAX_STEPS else "(further steps)"
            group = self._groups.setdefault(step, _Group())
        group.rows += 1
        if target != group.last:
            group.last = target
            group.targets += 1
            group.folder.add(short_name(target))
        group.carried += carried
        if not carried and len(group.examples) < MAX_EXAMPLES:
            group.examples.append(RowExample(target=target, parent=parent, row=row))

    def result(self) -> tuple[RowGroup, ...]:
        """The steps, those with most rows of their own first."""
        made = []
        ranked = sorted(
            self._groups.items(), key=lambda item: (item[1].carried - item[1].rows, -item[1].rows, item[0])
        )
        for step, group in ranked:
            hosts, unnamed = named(group.folder)
            made.append(
                RowGroup(step=step, rows=group.rows, targets=group.targets, hosts=hosts, unnamed=unnamed,
                         carried=group.carried, examples=tuple(group.examples))
            )  # fmt: skip
        return tuple(made)
