"""What the tables of all commands look like."""

from __future__ import annotations

from rich.table import Table


def plain_table() -> Table:
    """No frame, columns two blanks apart: it reads the same in a terminal and in a file."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
