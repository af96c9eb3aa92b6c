"""What is wrong with a query: where, and what was meant."""

from __future__ import annotations

import re

from fleet.errors import UsageError
from fleet.guess import closest
from fleet.query.model import Tables
from fleet.query.naming import RESERVED, quoted, written

MAX_LISTED = 40  # tables or columns that a message spells out
MAX_EXCERPT = 56  # characters of the line that is wrong

_PLACE = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)
_KIND = re.compile(r"^(?:[A-Z][A-Za-z-]+ )+Error: ")
_TABLE = re.compile(r"Table with name (.+?) does not exist!")
_COLUMN = re.compile(r'Referenced column "(.+?)" (?:not found|was not found)')
_MEMBER = re.compile(r'(?:does not have a column named|column named) "(.+?)"')
_NEAR = re.compile(r'syntax error at or near "(.+?)"')
_REACHES = ("Permission Error", "extension")


def complaint(message: str, sql: str, tables: Tables) -> UsageError:
    """The error of a query, from what DuckDB says of it: `line 1, column 15: there is no table 'systm'`, the
    place underlined, then what was meant or what there is."""
    place = _PLACE.search(message)
    told = _KIND.sub("", message[: place.start()] if place else message).strip()
    what, hints = _meant(message, told, sql, tables)
    if place is None:
        return UsageError("\n  ".join([what, *hints]))
    line = int(place[1])
    excerpt, column = _excerpt(sql, line, place[2], len(place[3]) - len(f"LINE {place[1]}: "))
    where = f"line {line}, column {column}: {what}" if column else f"line {line}: {what}"
    return UsageError("\n  ".join([where, *excerpt, *hints]))


def missing_table(message: str) -> str | None:
    """The table that DuckDB says is not there."""
    found = _TABLE.search(message)
    return found[1] if found else None


def _meant(message: str, told: str, sql: str, tables: Tables) -> tuple[str, list[str]]:
    """What is wrong, in our words where they are better, and what may help."""
    names = [table.name for table in tables]
    if found := _TABLE.search(told):
        return f"there is no table {found[1]!r}", [_near(found[1], names, "tables")]
    if found := _COLUMN.search(told) or _MEMBER.search(told):
        return f"there is no column {found[1]!r}", [_near(found[1], _columns(sql, tables), "columns")]
    if (found := _NEAR.search(told)) and found[1].lower() in RESERVED & {name.lower() for name in names}:
        return told, [f"a table whose name is a word of SQL is quoted: {quoted(found[1])}"]
    if any(word in message for word in _REACHES):
        first = told.partition("\n")[0]
        return first, ["a query sees the tables of its runs: no files, no network, no extensions"]
    if "Out of Memory" in message:
        return told.partition("\n")[0], [
            "ask for fewer columns or rows, or convert the run and use DuckDB itself"
        ]
    return told.partition("\n")[0], [line.strip() for line in told.splitlines()[1:] if line.strip()][:3]


def _near(wrong: str, known: list[str], what: str) -> str:
    near = closest(wrong.casefold(), known)
    if near is not None:
        return f"did you mean {written(near)}?"
    shown = ", ".join(written(name) for name in known[:MAX_LISTED])
    return f"{what}: {shown}{', ...' if len(known) > MAX_LISTED else ''}"


def _columns(sql: str, tables: Tables) -> list[str]:
    """The columns of the tables that a query names."""
    words = set(re.findall(r"\w+", sql.casefold()))
    named = [table for table in tables if table.name.casefold() in words] or list(tables)
    return list(dict.fromkeys(column.name for table in named for column in table.columns))


def _excerpt(sql: str, number: int, shown: str, at: int) -> tuple[list[str], int]:
    """The line with its wrong place underlined, and the column of that, from 1; 0 where it is not known.
    DuckDB cuts long lines on both sides, and says so with dots."""
    lines = sql.splitlines()
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    core = shown.removeprefix("...").removesuffix("...")
    start = line.find(core) if core else -1
    if start < 0 or at < 0:
        return [], 0
    column = start + at - (len(shown) - len(shown.removeprefix("...")))
    left = max(0, column - MAX_EXCERPT // 2)
    cut = line[left : left + MAX_EXCERPT].replace("\t", " ")
    return [cut, " " * (column - left) + "^"], column + 1
