"""How readers tell of entries that they leave out."""

from __future__ import annotations

from collections.abc import Callable

from fleet.errors import InventoryError

Report = Callable[[InventoryError], None]


def placed(error: InventoryError, file: str, line: int | None) -> InventoryError:
    """The same error, knowing where it stands (a place that it knew before is kept)."""
    return InventoryError(
        error.message,
        file=error.file or file,
        line=error.line or line or None,
        column=error.column,
        hint=error.hint,
    )
