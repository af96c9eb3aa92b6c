"""What checks take from outside of their spec: baselines, what a selection of targets means, today's date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from fleet.frozen import frozen
from fleet.target import Target


@frozen
class Table:
    """A file of lines with columns, a line found by what it has in the columns `on`. None: an empty cell."""

    file: str
    on: tuple[str, ...]
    columns: tuple[str, ...]
    lines: Mapping[tuple[str, ...], Mapping[str, str | None]]


class Outside(Protocol):
    """Where a compiler asks for what is not in the spec. Both raise `ValueError` with a sentence about what
    the spec says, and `SpecError` at the place of a fault in another file."""

    @property
    def today(self) -> date:
        """The day by which waivers expire."""
        ...

    def table(self, file: str, on: Sequence[str]) -> Table:
        """The file that a lookup names, by these columns."""
        ...

    def matching(self, match: Any) -> Callable[[Target], bool]:
        """Whether a `match:` means a target."""
        ...


class Nothing:
    """The outside of a spec that was made in memory: no files, no selections."""

    @property
    def today(self) -> date:
        """Of UTC."""
        return datetime.now(UTC).date()

    def table(self, file: str, on: Sequence[str]) -> Table:
        """There is none."""
        raise ValueError("a spec that is no file has no files beside it")

    def matching(self, match: Any) -> Callable[[Target], bool]:
        """There is none."""
        raise ValueError("targets cannot be selected here")
