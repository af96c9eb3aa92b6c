"""Runtime expressions: where a link finds its values in a call and its answer (3.1, 4.8.20.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fleet.errors import RequestFailed, SpecError
from fleet.frozen import frozen
from fleet.openapi.calls import styles
from fleet.outcome import FailureKind
from fleet.pointer import steps_of

_EXPRESSION = re.compile(
    r"\$(?:(url|method|statusCode)|(request|response)\.(?:(path|query|header)\.(.+)|(body)(?:#(.*))?))\Z",
    re.DOTALL,
)
_EMBEDDED = re.compile(r"\{(\$[^{}]*)\}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


@frozen
class Exchanged:
    """A call and its answer, as far as expressions speak of them. `parameters` are those of the call, by name
    or (location, name); header names compare without case; bodies are JSON values."""

    url: str
    method: str
    status: int
    parameters: Mapping[Any, Any]
    request_headers: Iterable[tuple[str, str]]
    request_body: Any
    response_headers: Iterable[tuple[str, str]]
    response_body: Any


def evaluate(value: Any, of: Exchanged) -> Any:
    """The value of an expression, with its type; a text with `{$expressions}` in it has theirs in their
    places; anything else is itself.

    Raises `SpecError` for what begins as an expression and is none, `RequestFailed` (`schema.mismatch`) where
    the call or its answer has no such value.
    """
    if not isinstance(value, str):
        return value
    if value.startswith("$"):
        return _found(value, of)
    return _EMBEDDED.sub(lambda match: styles.scalar(_found(match[1], of)), value)


def _found(expression: str, of: Exchanged) -> Any:
    match = _EXPRESSION.match(expression)
    if match is None:
        raise SpecError(f"{expression!r} is no runtime expression")
    word, side, place, name, _, pointer = match.groups()
    if word is not None:
        return {"url": of.url, "method": of.method, "statusCode": of.status}[word]
    try:
        if place == "header":
            headers = of.request_headers if side == "request" else of.response_headers
            return next(text for key, text in headers if key.lower() == name.lower())
        if place is not None:
            if side == "response":
                raise SpecError(f"{expression!r} is no runtime expression: answers have no {place}")
            return of.parameters[place, name] if (place, name) in of.parameters else of.parameters[name]
        body = of.request_body if side == "request" else of.response_body
        return _at(body, pointer or "")
    except (LookupError, StopIteration):
        message = f"the answer has nothing at {expression}"
        raise RequestFailed(FailureKind.SCHEMA_MISMATCH, message, status=of.status) from None


def _at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points to. Raises LookupError."""
    if value is None or (pointer and not pointer.startswith("/")):
        raise LookupError(pointer)
    for key in steps_of(pointer):
        if isinstance(value, Mapping):
            value = value[key]
        elif isinstance(value, list) and _INDEX.fullmatch(key):
            value = value[int(key)]
        else:
            raise LookupError(pointer)
    return value
