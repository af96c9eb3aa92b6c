"""JSON Pointers: RFC 6901 by its own examples, and both directions by property."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.pointer import escape, pointer_of, steps_of, steps_of_fragment, unescape

KEYS = st.lists(st.text())

# The document of RFC 6901, section 5, and what each pointer finds in it.
DOCUMENT: dict[str, Any] = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7,
    "m~n": 8,
}  # fmt: skip
FOUND = [
    ("", DOCUMENT), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2),
    ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "found"), FOUND)
def test_the_examples_of_the_standard(pointer: str, found: Any) -> None:
    value: Any = DOCUMENT
    for step in steps_of(pointer):
        value = value[int(step)] if isinstance(value, list) else value[step]
    assert value == found
    assert pointer_of(steps_of(pointer)) == pointer


def test_an_escape_is_read_once() -> None:
    assert unescape("~01") == "~1"
    assert escape("~1") == "~01"


@given(KEYS)
def test_steps_come_back_from_a_pointer_and_from_a_fragment(keys: list[str]) -> None:
    pointer = pointer_of(keys)
    assert steps_of(pointer) == keys
    assert steps_of_fragment(quote(pointer, errors="surrogatepass")) == keys


def test_indexes_are_steps() -> None:
    assert pointer_of(["items", 0, "a/b"]) == "/items/0/a~1b"
