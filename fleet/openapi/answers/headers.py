"""Headers of answers as values: what the description declares, of the type that it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from fleet.errors import RequestFailed
from fleet.openapi.model import Parameter
from fleet.outcome import FailureKind

_FLAGS = {"true": True, "false": False}
_JSON: Mapping[str, type] = {"array": list, "object": dict}


def read_headers(
    declared: Iterable[Parameter],
    given: Iterable[tuple[str, str]],
    keywords: Callable[[Parameter], Mapping[str, Any]],
) -> dict[str, Any]:
    """The declared headers that were given, under the names of the description.

    Names compare without case; a header that is given several times is one list. `keywords` are those of a
    parameter's schema: its `type` decides (integer, number, boolean, array, object; all else is text). JSON
    in place of the style of an array or object is taken as that.
    Raises `RequestFailed` (`schema.mismatch`) for a required header that is missing, and for a value that is
    not of its type.
    """
    values: dict[str, str] = {}
    for name, value in given:
        key = name.lower()
        values[key] = f"{values[key]}, {value}" if key in values else value
    found: dict[str, Any] = {}
    for parameter in declared:
        text = values.get(parameter.name.lower())
        if text is None:
            if parameter.required:
                raise _mismatch(f"the answer has no header {parameter.name}")
            continue
        try:
            found[parameter.name] = _value(text, parameter, keywords(parameter))
        except (ValueError, KeyError):
            wanted = "JSON" if parameter.media is not None else _kind(keywords(parameter))
            raise _mismatch(
                f"the header {parameter.name} is not the {wanted} that the description says"
            ) from None
    return found


def _value(text: str, parameter: Parameter, schema: Mapping[str, Any]) -> Any:
    if parameter.media is not None:
        return orjson.loads(text) if "json" in parameter.media else text
    kind = _kind(schema)
    if kind in _JSON:
        with suppress(ValueError):  # what many services send, whatever style they declare
            if isinstance(value := orjson.loads(text), _JSON[kind]):
                return value
    if kind == "array":
        items = schema.get("items")
        rule = items if isinstance(items, Mapping) else {}
        return [_scalar(part.strip(), _kind(rule)) for part in text.split(",")] if text else []
    if kind == "object":
        return _object(text, parameter.explode, schema)
    return _scalar(text, kind)


def _object(text: str, explode: bool, schema: Mapping[str, Any]) -> dict[str, Any]:
    """`a,1,b,2`, or `a=1,b=2` where it explodes."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if explode:
        pairs = [(name, value) for name, _, value in (part.partition("=") for part in parts)]
    else:
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
    properties = schema.get("properties")
    rules = properties if isinstance(properties, Mapping) else {}
    return {
        name: _scalar(value, _kind(rules[name]) if isinstance(rules.get(name), Mapping) else "")
        for name, value in pairs
    }


def _kind(schema: Mapping[str, Any]) -> str:
    """The type that a schema names; of several the first that is not null."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((word for word in kind if word != "null"), "")
    return kind if isinstance(kind, str) else ""


def _scalar(text: str, kind: str) -> Any:
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    return _FLAGS[text] if kind == "boolean" else text


def _mismatch(message: str) -> RequestFailed:
    return RequestFailed(FailureKind.SCHEMA_MISMATCH, message)
