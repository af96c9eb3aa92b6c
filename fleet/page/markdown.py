"""Text and tables as GitHub and GitLab show them: nothing in them is markup but what this module writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fleet.observe import safe

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~#@!]|://")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;", "://": "&#58;//"}


def markdown_text(value: object, limit: int = 400) -> str:
    """Remote text in a line of Markdown: no markup, no HTML, no mention and no link."""
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), safe(value, limit))


def code(value: str, limit: int = 1200) -> str:
    """Text as code, not in a table: what would end the code becomes a quote."""
    shown = safe(value, limit).replace("`", "'")
    return f"`{shown}`" if shown else ""


def markdown_table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """The lines of a table under its title; none without rows. Cells are Markdown already."""
    if not rows:
        return
    yield f"\n## {title}\n" if title else ""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in row)} |"
