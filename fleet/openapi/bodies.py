"""Request bodies: a value and what the operation takes, to bytes and a Content-Type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fleet.openapi import styles
from fleet.openapi.forms import URLENCODED, multipart, urlencoded
from fleet.openapi.model import Body, Media
from fleet.openapi.params import ParameterError
from fleet.secret import Secret

FORM = URLENCODED
_ANY = Media("")


class BodyPlan:
    """How one operation's body is written."""

    __slots__ = ("_json", "_media", "_name", "_needed", "_required", "_types", "fields", "whole")

    def __init__(self, name: str, body: Body | None) -> None:
        self._name = name
        self._types = None if body is None else tuple(media.type for media in body.media)
        self._media = {} if body is None else {media.type: media for media in body.media}
        self._required = body is not None and body.required
        self.whole = "" if body is None else body.name
        self.fields = frozenset[str]() if body is None else frozenset(field.name for field in body.fields)
        self._needed = () if body is None else tuple(f.name for f in body.fields if f.required)
        self._json = next((kind for kind in self._types or () if is_json(kind)), None)

    def encode(self, value: Any) -> tuple[bytes, str] | None:
        """The bytes and their Content-Type; None for no body. Raises `ParameterError`."""
        if value is None:
            if self._required:
                raise ParameterError(f"{self._name} needs a body")
            return None
        if self._types is None:
            raise ParameterError(f"{self._name} takes no body")
        if self._needed and isinstance(value, Mapping):
            missing = [name for name in self._needed if value.get(name) is None]
            if missing:
                raise ParameterError(f"{self._name} needs the parameter {', '.join(missing)}")
        kind = self._kind_for(value)
        try:
            return _written(value, self._media.get(kind, _ANY), kind)
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(f"{self._name}: the body cannot be written as {kind}: {error}") from None

    def split(self, parameters: Mapping[Any, Any], body: Any) -> tuple[Mapping[Any, Any], Any]:
        """Parameters without those that are the body in 2.0, and the body that they make."""
        if self.whole in parameters and body is None:
            rest = {key: value for key, value in parameters.items() if key != self.whole}
            return rest, parameters[self.whole]
        if not self.fields.isdisjoint(parameters) and (body is None or isinstance(body, Mapping)):
            form = {key: value for key, value in parameters.items() if key in self.fields}
            rest = {key: value for key, value in parameters.items() if key not in self.fields}
            return rest, {**form, **(body or {})}
        return parameters, body

    def _kind_for(self, value: Any) -> str:
        types = self._types or ("application/json",)
        if isinstance(value, bytes | bytearray | memoryview):
            return next((kind for kind in types if not is_json(kind)), types[0])
        if isinstance(value, str) and (text := next((k for k in types if k.startswith("text/")), None)):
            return text
        if self._json is not None:
            return self._json
        if isinstance(value, Mapping) and FORM in types and not any(map(is_file, value.values())):
            return FORM
        if isinstance(value, Mapping | list) and "multipart/form-data" in types:
            return "multipart/form-data"
        return "application/json" if types[0] in {"*/*", "application/*"} else types[0]


def is_json(kind: str) -> bool:
    """Whether a media type, without parameters, is JSON."""
    return kind == "application/json" or kind.endswith("+json") or kind == "text/json"


def _content_type(kind: str, value: Any) -> str:
    return f"{kind}; charset=utf-8" if kind.startswith("text/") and isinstance(value, str) else kind


def is_file(value: Any) -> bool:
    """Whether a value of a form is a file: only multipart can carry it."""
    if isinstance(value, tuple | list):
        return any(isinstance(item, bytes) or hasattr(item, "read") for item in value)
    return isinstance(value, bytes | bytearray | memoryview) or hasattr(value, "read")


def _written(value: Any, media: Media, kind: str) -> tuple[bytes, str]:
    if kind == "multipart/form-data" and isinstance(value, Mapping | list):
        return multipart(value, media.encoding)
    if kind == FORM and isinstance(value, Mapping):
        return urlencoded(value, media.encoding), FORM
    return _encoded(value, kind), _content_type(kind, value)


def _encoded(value: Any, kind: str) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if is_json(kind):
        return orjson.dumps(value, default=_unsealed)
    if kind == FORM:
        raise TypeError("takes an object")
    if kind.startswith("multipart/"):
        raise TypeError("takes an object, pairs, or the bytes themselves")
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
