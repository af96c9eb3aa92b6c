"""What a keyword wants, in words: for people who are told where an answer breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

MAX_TEXT = 200  # characters
MAX_NAMED = 8  # values of a list
MAX_NESTED = 2  # alternatives inside alternatives that are still put into words
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} properties",
    "maxProperties": "at most {} properties",
}
_FIELDS = {"required": "property", "pattern": "pattern", "format": "format"}


class Keyword(str):
    """A keyword that is violated. `expected` says what it wants, as far as a few words can say it."""

    __slots__ = ("expected",)
    expected: str

    def __new__(cls, keyword: str, expected: str = "") -> Keyword:
        made = super().__new__(cls, keyword)
        made.expected = expected
        return made


def expected_of(kind: Any, depth: int = 0) -> str:
    """What the keyword of one error of jsonschema-rs wants; nothing where there are no words for it."""
    name = kind.name
    if name in _FIELDS:
        text = str(getattr(kind, _FIELDS[name], ""))  # a pattern that took too long has none
    elif name == "enum":
        text = f"one of {_listed(map(_json, kind.options))}"
    elif name == "const":
        text = _json(kind.expected_value)
    elif name == "type":
        text = " or ".join(kind.types)
    elif name in _LIMITS:
        text = _LIMITS[name].format(kind.limit)
    elif name in ("additionalProperties", "unevaluatedProperties"):
        text = f"no {_listed(kind.unexpected)}"
    elif type(kind).__name__.endswith("OneOfMultipleValid"):
        text = "only one of its alternatives"
    elif name in ("anyOf", "oneOf"):
        text = _any(getattr(kind, "context", ()), depth + 1) if depth < MAX_NESTED else ""
    else:
        text = ""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 3]}..."


def causes(error: Any, depth: int = 0) -> Iterator[Any]:
    """An error of jsonschema-rs, or in place of one of `anyOf` or `oneOf` those of the one alternative that
    the value may have meant: all others are of another type, or have another tag."""
    if error.kind.name in ("anyOf", "oneOf") and depth < MAX_NESTED:
        level = len(error.instance_path)
        branches = [branch for branch in getattr(error.kind, "context", ()) if branch]
        meant = [branch for branch in branches if not any(_rules_out(inner, level) for inner in branch)]
        if len(meant) == 1:
            for inner in meant[0]:
                yield from causes(inner, depth + 1)
            return
    yield error


def _rules_out(error: Any, level: int) -> bool:
    """Whether an error says that a value at that level was never meant for this alternative."""
    name, below = error.kind.name, len(error.instance_path) - level
    tag = name == "const" or (name == "enum" and len(error.kind.options) == 1)
    return (below == 0 and name in ("type", "not", "const", "enum")) or (below == 1 and tag)


def _any(branches: Sequence[Sequence[Any]], depth: int) -> str:
    """What each of some alternatives wants first."""
    wanted = (_first(branch[0].kind, depth) for branch in branches[:MAX_NAMED] if branch)
    return " or ".join(dict.fromkeys(text for text in wanted if text))


def _first(kind: Any, depth: int) -> str:
    text = expected_of(kind, depth)
    return f"the property {text}" if kind.name == "required" else text


def _listed(values: Iterable[str]) -> str:
    shown = [str(value) for value in values]
    more = f" and {len(shown) - MAX_NAMED} more" if len(shown) > MAX_NAMED else ""
    return ", ".join(shown[:MAX_NAMED]) + more


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:MAX_TEXT]
