"""What the tables of all commands look like."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_NARROW = 60  # characters of a cell that the others of its column are aligned to


def plain_table() -> Table:
    """No frame, columns two blanks apart: it reads the same in a terminal and in a file."""
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def listed(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as lines: aligned for whoever sits at a terminal, with a tab between columns for programs."""
    lines = aligned(rows) if sys.stdout.isatty() else ["\t".join(row) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def fitting(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many columns, from the left, fit into `width` with two blanks between them: two at least, where
    there are two. Every row has all columns."""
    from rich.cells import cell_len

    columns = len(rows[0])
    taken = -2
    for at in range(columns):
        taken += 2 + max(cell_len(row[at]) for row in rows)
        if taken > width:
            return min(max(at, 2), columns)
    return columns


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines, their columns aligned but for what is too wide for that; the last column runs on."""
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max((len(row[at]) for row in rows if len(row) > at and len(row[at]) <= _NARROW), default=0)
        for at in range(columns)
    ]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width or cell
        ).rstrip()
        for row in rows
    ]
