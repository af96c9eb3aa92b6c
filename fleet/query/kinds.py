"""What the values of a column are, when firmwares disagree about it.

A column takes whatever comes: each value leaves a mark, and the marks together say which type holds them all.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

MAX_TEXT = 1024 * 1024  # characters of one value; a longer text is cut, a longer structure is left out
MAX_INTEGER = 2**63  # what every database here holds; beyond it a whole number is text, to the digit

BOOLEAN, INTEGER, NUMBER, TEXT, STRUCTURE, TIME = 1, 2, 4, 8, 16, 32

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


class Kind(StrEnum):
    """The type of a column. `json` is text that holds JSON; `time` is RFC 3339 in UTC."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    JSON = "json"
    TIME = "time"


_OF_TYPES = {
    type(None): 0,
    bool: BOOLEAN,
    int: INTEGER,
    float: NUMBER,
    str: TEXT,
    list: STRUCTURE,
    dict: STRUCTURE,
}
_OF_KINDS = {
    Kind.BOOLEAN: BOOLEAN,
    Kind.INTEGER: INTEGER,
    Kind.NUMBER: NUMBER,
    Kind.TEXT: TEXT,
    Kind.JSON: STRUCTURE,
    Kind.TIME: TIME,
}
_KINDS = {mark: kind for kind, mark in _OF_KINDS.items()} | {INTEGER | NUMBER: Kind.NUMBER}


def type_mark(kind: type) -> int:
    """The mark of the values of one type; none of nothing."""
    return _OF_TYPES.get(kind, TEXT)


def mark_of(kind: Kind) -> int:
    """The mark of what a column is declared to be."""
    return _OF_KINDS[kind]


def is_time(value: str) -> bool:
    """Whether a text is a moment as outcomes write it, and in the calendar."""
    if _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def kind_of(marks: int) -> Kind:
    """The type that holds every value that left a mark: text where they are of several types, and where there
    are none."""
    return _KINDS.get(marks, Kind.TEXT)
