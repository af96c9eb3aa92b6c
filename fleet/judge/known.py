"""What a check has said of rows like this one: a fleet has few kinds of rows, and very many of each.

Nine rows in ten are `health: OK`, or have a firmware that thousands have. Where a check looks at nothing but
outputs of the row itself, its result follows from their values, and is worked out once for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fleet.pipeline import CheckPlan

MAX_KINDS = 4096  # of rows that one check remembers; others are judged each time
OF_THE_SPEC = frozenset({"lookup", "inputs"})  # names that mean the same on each row with the same values
SCALARS = (str, int, float, bool, type(None))
ABSENT: Final = object()
UNHEARD: Final = object()
"""What `Known.recall` says of a kind of row that it has not heard of."""


class Known:
    """The results of one check by what it reads. Failures are not kept where a waiver may hold for one target
    and not for another; nothing is where the check reads rows above, labels, or a row as a whole."""

    def __init__(self, check: CheckPlan) -> None:
        self._reads = _own_fields(check)
        self._source = check.source
        self._waived = bool(check.waivers)
        self._said: dict[tuple[Any, ...], Mapping[str, Any] | None] = {}

    def recall(self, row: Mapping[str, Any], at: int) -> Any:
        """The stored form of the result on the `at`th row of its step; None where the check is not about such
        rows, UNHEARD where it must be judged."""
        if self._reads is None:
            return UNHEARD
        key = self._key(row)
        said = self._said.get(key, UNHEARD) if key is not None else UNHEARD
        return {**said, "row": [self._source, at]} if isinstance(said, dict) else said

    def remember(self, row: Mapping[str, Any], said: Mapping[str, Any] | None) -> None:
        """Keep what was said of a row, if it holds for all that are like it."""
        if self._reads is None or len(self._said) >= MAX_KINDS:
            return
        if self._waived and said is not None and said["result"] in ("fail", "waived"):
            return
        key = self._key(row)
        if key is not None:
            self._said[key] = said

    def _key(self, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """What the check reads, each value with its type: 1, 1.0 and true are equal, and not the same."""
        key: list[Any] = []
        for name in self._reads or ():
            value = row.get(name, ABSENT)
            if value is not ABSENT and not isinstance(value, SCALARS):
                return None
            key += (type(value), value)
        return tuple(key)


def _own_fields(check: CheckPlan) -> tuple[str, ...] | None:
    """The outputs from which the result follows; None where it follows from more."""
    fields: set[str] = set()
    for expression in check.expressions:
        read = expression.all_fields()
        if read is None or any(name.family not in OF_THE_SPEC for name in expression.names):
            return None
        fields |= read
    return tuple(sorted(fields)) if not any(name.startswith("@") for name in fields) else None
