"""Rows for people and for spreadsheets: nothing in a cell can act on whoever opens it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from fleet.observe import safe

MAX_CELL = 32_767  # characters; spreadsheets cut beyond
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text_of(value: Any) -> str:
    """A value as text: numbers and texts as they are, nothing as empty, structures as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)


def cell(value: Any) -> str:
    """A CSV cell. A text that a spreadsheet would take for a formula starts with an apostrophe; control
    characters are escaped; numbers stay numbers, the negative ones too."""
    text = safe(text_of(value), MAX_CELL)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return text
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def write_csv(stream: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A header and the rows, RFC 4180."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([cell(column) for column in columns])
    for row in rows:
        writer.writerow([cell(row.get(column)) for column in columns])


def write_markdown(stream: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A table as GitHub and GitLab show it."""
    from fleet.page import markdown_text

    stream.write(f"| {' | '.join(map(markdown_text, columns))} |\n|{'---|' * len(columns)}\n")
    for row in rows:
        cells = (markdown_text(text_of(row.get(column)), MAX_CELL) for column in columns)
        stream.write(f"| {' | '.join(cells)} |\n")


def write_jsonl(stream: TextIO, rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object per line, in ASCII: escapes are data here, not actions."""
    for row in rows:
        stream.write(json.dumps(row, ensure_ascii=True, separators=(",", ":"), default=str) + "\n")
