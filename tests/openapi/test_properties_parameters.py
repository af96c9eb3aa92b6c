"""Every style x explode x type that can be told apart again: what is written is read back by a decoder of
its own, made from RFC 6570 and the specification's table of styles.

What cannot be told apart is left out: empty lists and objects (undefined, or absent), a delimiter inside a
value where the style does not encode it (`.` in an exploded label, blanks and bars in the delimited
styles, brackets in the names of a deepObject, commas and `=` in a header).
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fleet.openapi import ParameterError
from fleet.openapi.calls.params import ParameterPlan
from fleet.openapi.model import Parameter

NAME = "the name"
KINDS = ("string", "integer", "number", "boolean")
READ: dict[str, Callable[[str], Any]] = {
    "string": str, "integer": int, "number": float, "boolean": {"true": True, "false": False}.__getitem__,
}  # fmt: skip
ROWS = [
    ("path", "simple"), ("path", "label"), ("path", "matrix"), ("query", "form"), ("query", "spaceDelimited"),
    ("query", "pipeDelimited"), ("query", "deepObject"), ("header", "simple"), ("cookie", "form"),
]  # fmt: skip
NOT_ENCODED = {
    ("label", True): ".", ("spaceDelimited", False): " ",
    ("pipeDelimited", False): "|", ("deepObject", True): "[]",
}  # fmt: skip


def texts(location: str, style: str, explode: bool) -> st.SearchStrategy[str]:
    """Texts that come back in that style."""
    without = NOT_ENCODED.get((style, explode), "")
    if location == "header":  # as they are: printable Latin-1, no delimiter, no blank at the ends
        letters = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~:;/?@()[]{}<>\"\\éÿ "
        return st.text(letters, min_size=1, max_size=8).map(str.strip).filter(bool)
    return st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters=without), min_size=1, max_size=8
    )


def scalars(kind: str, text: st.SearchStrategy[str], without: str) -> st.SearchStrategy[Any]:
    if kind == "integer" or (kind == "number" and "." in without):
        return st.integers()
    if kind == "number":
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.booleans() if kind == "boolean" else text


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, bool, str, str, Any]:
    """Location, style, explode, shape, type of the parts, and a value."""
    location, style = draw(st.sampled_from(ROWS))
    shape = draw(st.sampled_from(["primitive", "array", "object"]))
    explode = draw(st.booleans())
    if style == "deepObject":  # the table has objects that explode only
        shape, explode = "object", True
    elif style in {"spaceDelimited", "pipeDelimited"}:  # no primitives there
        shape = draw(st.sampled_from(["array", "object"]))
    if location == "cookie" and shape != "primitive":
        explode = False  # exploded, a cookie's parts would be cookies of other names
    kind = draw(st.sampled_from(KINDS))
    text = texts(location, style, explode)
    part = scalars(kind, text, NOT_ENCODED.get((style, explode), ""))
    if shape == "primitive":
        return location, style, explode, shape, kind, draw(part)
    if shape == "array":
        return location, style, explode, shape, kind, draw(st.lists(part, min_size=1, max_size=4))
    return location, style, explode, shape, kind, draw(st.dictionaries(text, part, min_size=1, max_size=4))


def paired(parts: list[str]) -> list[tuple[str, str]]:
    return list(zip(parts[::2], parts[1::2], strict=True))


def halves(parts: list[str]) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (part.partition("=") for part in parts)]


def decoded(target: Any, location: str, style: str, explode: bool, shape: str) -> Any:
    """The text, the texts, or the pairs of texts that a request holds for the parameter."""
    plain = (lambda text: text) if location == "header" else unquote
    if location == "path":
        parts, pairs = from_path(target.path.removeprefix("/p/").removesuffix("/x"), style, explode, shape)
    elif location == "query":
        parts, pairs = from_query(target.query, style, explode, shape)
    else:
        held = {unquote(key): text for key, text in (*target.headers, *target.cookies)}
        text = held["X-H" if location == "header" else NAME]
        parts = text.split(",") if shape != "primitive" else [text]
        pairs = halves(parts) if explode else paired(parts) if shape == "object" else []
    if shape == "object":
        return {plain(key): plain(value) for key, value in pairs}
    return plain(parts[0]) if shape == "primitive" else [plain(part) for part in parts]


def from_path(text: str, style: str, explode: bool, shape: str) -> tuple[list[str], list[tuple[str, str]]]:
    """RFC 6570 3.2.2 (simple), 3.2.5 (label), 3.2.7 (matrix)."""
    assert "/" not in text
    if style == "matrix":
        assert text[0] == ";"
        members = halves(text[1:].split(";"))
        if explode and shape == "object":
            return [], members
        assert {unquote(key) for key, _ in members} == {NAME}
        if shape == "primitive" or explode:
            return [value for _, value in members], []
        text = members[0][1]
    elif style == "label":
        assert text[0] == "."
        text = text[1:]
    separator = "." if style == "label" and explode else ","
    parts = [text] if shape == "primitive" else text.split(separator)
    if shape != "object":
        return parts, []
    return [], halves(parts) if explode else paired(parts)


def from_query(text: str, style: str, explode: bool, shape: str) -> tuple[list[str], list[tuple[str, str]]]:
    """RFC 6570 3.2.8 (form), and the table's delimited styles and deepObject."""
    members = halves(text.split("&"))
    if style == "deepObject":
        names = [unquote(key) for key, _ in members]
        assert all(name.startswith(f"{NAME}[") and name.endswith("]") for name in names)
        return [], [(n[len(NAME) + 1 : -1], value) for n, (_, value) in zip(names, members, strict=True)]
    if explode and shape == "object":
        return [], members
    assert {unquote(key) for key, _ in members} == {NAME}
    if explode or shape == "primitive":
        return [value for _, value in members], []
    separator = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}[style]
    parts = members[0][1].split(separator)
    return (parts, []) if shape == "array" else ([], paired(parts))


@given(calls())
@example(("query", "form", False, "array", "string", ["a,b", "%2C", "&=#"]))
@example(("path", "matrix", True, "object", "string", {";": "=", "é": "/"}))
def test_what_is_written_is_read_back(call: Any) -> None:
    location, style, explode, shape, kind, value = call
    name = "X-H" if location == "header" else NAME
    template = f"/p/{{{NAME}}}/x" if location == "path" else "/p"
    plan = ParameterPlan("op", template, [Parameter(name, location, True, style, explode)])
    try:
        target = plan.expand({name: value})
    except ParameterError as error:
        assert location == "path", error
        assert "." in str(value), error  # `.` and `..` would be other paths
        assume(False)
    found = decoded(target, location, style, explode, shape)
    read = READ[kind]
    if shape == "object":
        assert {key: read(part) for key, part in found.items()} == value
    elif shape == "array":
        assert [read(part) for part in found] == value
    else:
        assert read(found) == value


@pytest.mark.parametrize(("location", "style"), ROWS)
def test_every_row_of_the_table_is_written(location: Any, style: str) -> None:
    """That the property above reaches each of them: a value of two parts, both ways to explode."""
    name = "X-H" if location == "header" else NAME
    template = f"/p/{{{NAME}}}/x" if location == "path" else "/p"
    for explode in (True,) if style == "deepObject" else (True, False):
        plan = ParameterPlan("op", template, [Parameter(name, location, True, style, explode)])
        target = plan.expand({name: {"a": 1, "b": 2}})
        if location != "cookie" or not explode:
            assert decoded(target, location, style, explode, "object") == {"a": "1", "b": "2"}
