"""Request bodies: a value and what the operation takes, to bytes and a Content-Type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fleet.openapi import styles
from fleet.openapi.model import Body
from fleet.openapi.params import ParameterError
from fleet.secret import Secret

FORM = "application/x-www-form-urlencoded"


class BodyPlan:
    """How one operation's body is written."""

    __slots__ = ("_json", "_name", "_required", "_types")

    def __init__(self, name: str, body: Body | None) -> None:
        self._name = name
        self._types = None if body is None else tuple(media.type for media in body.media)
        self._required = body is not None and body.required
        self._json = next((kind for kind in self._types or () if is_json(kind)), None)

    def encode(self, value: Any) -> tuple[bytes, str] | None:
        """The bytes and their Content-Type; None for no body. Raises `ParameterError`."""
        if value is None:
            if self._required:
                raise ParameterError(f"{self._name} needs a body")
            return None
        if self._types is None:
            raise ParameterError(f"{self._name} takes no body")
        kind = self._kind_for(value)
        try:
            return _encoded(value, kind), _content_type(kind, value)
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(f"{self._name}: the body cannot be written as {kind}: {error}") from None

    def _kind_for(self, value: Any) -> str:
        types = self._types or ("application/json",)
        if isinstance(value, bytes | bytearray | memoryview):
            return next((kind for kind in types if not is_json(kind)), types[0])
        if isinstance(value, str) and (text := next((k for k in types if k.startswith("text/")), None)):
            return text
        if self._json is not None:
            return self._json
        if isinstance(value, Mapping) and FORM in types:
            return FORM
        return "application/json" if types[0] in {"*/*", "application/*"} else types[0]


def is_json(kind: str) -> bool:
    """Whether a media type, without parameters, is JSON."""
    return kind == "application/json" or kind.endswith("+json") or kind == "text/json"


def _content_type(kind: str, value: Any) -> str:
    return f"{kind}; charset=utf-8" if kind.startswith("text/") and isinstance(value, str) else kind


def _encoded(value: Any, kind: str) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if is_json(kind):
        return orjson.dumps(value, default=_unsealed)
    if kind == FORM:
        if not isinstance(value, Mapping):
            raise TypeError("takes an object")
        pairs = [
            pair
            for name, item in value.items()
            if item is not None
            for pair in styles.expand_form(name, item, explode=True, encode=styles.percent)
        ]
        return "&".join(f"{key}={text}" for key, text in pairs).encode()
    if kind.startswith("multipart/"):
        raise TypeError("multipart bodies are given as bytes")
    if isinstance(value, str | Secret):
        return styles.scalar(value).encode()
    raise TypeError(f"takes text or bytes, not {type(value).__name__}")


def _unsealed(value: Any) -> Any:
    """What orjson does not know: secrets are opened here, on their way to the wire."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
