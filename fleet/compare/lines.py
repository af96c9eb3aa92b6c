"""Single differences, one for each target, row and value: what a table of them lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.frozen import frozen

COLUMNS = ("target", "what", "step", "parent", "row", "field", "before", "after", "kind", "why")


@frozen(kw_only=True)
class Line:
    """One difference. `what`: new, gone; failing, recovered, otherwise (failed, for another cause), partial,
    whole; added, removed, changed; uncompared, which is no difference and says `why`."""

    target: str
    what: str
    step: str = ""
    parent: str = ""
    row: str = ""
    field: str = ""
    before: Any = None
    after: Any = None
    kind: str = ""
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """By the names of `COLUMNS`."""
        return {name: getattr(self, name) for name in COLUMNS}


Tell = Callable[[Line], None]


def tell_nobody(_line: Line) -> None:
    """For whoever wants only the whole."""
