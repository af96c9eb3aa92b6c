"""Request bodies: a value and what the operation takes, to bytes and a Content-Type."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from fleet.openapi.calls import styles
from fleet.openapi.calls.forms import URLENCODED, charset_of, is_file, multipart, urlencoded
from fleet.openapi.calls.jsontext import json_text
from fleet.openapi.calls.params import ParameterError
from fleet.openapi.model import Body, Media, is_json
from fleet.secret import Secret

FORM = URLENCODED
_OCTETS = "application/octet-stream"
_OF_RANGES = {"*/*": _OCTETS, "application/*": _OCTETS, "text/*": "text/plain"}
_ANY = Media("")
_LINES = frozenset({"jsonl", "x-jsonl", "ndjson", "x-ndjson"})


class BodyPlan:
    """How one operation's body is written."""

    __slots__ = ("_json", "_media", "_name", "_needed", "_required", "_types", "fields", "whole")

    def __init__(self, name: str, body: Body | None) -> None:
        self._name = name
        self._types = None if body is None else tuple(media.type for media in body.media)
        self._media = {} if body is None else {media.type: media for media in reversed(body.media)}
        self._required = body is not None and body.required
        self.whole: str = "" if body is None else body.name
        self.fields: frozenset[str] = frozenset(field.name for field in (body.fields if body else ()))
        self._needed = () if body is None else tuple(f.name for f in body.fields if f.required)
        self._json = next((kind for kind in self._types or () if is_json(kind)), None)

    @property
    def takes_files(self) -> bool:
        """Whether it may be multipart."""
        return any(kind.startswith("multipart/") for kind in self._types or ())

    def encode(self, value: Any, content_type: str = "", *, whole: bool = True) -> tuple[Any, str] | None:
        """The bytes and their Content-Type; None for no body. Raises `ParameterError`.

        Of several media types the one that `content_type` names; else for bytes the first that is not JSON,
        for text the first `text/*`, for a mapping that holds files multipart, else JSON where there is any,
        a form for a mapping, else the first. Without `whole` a form that holds open files is a tuple: see
        `Pieces`.
        """
        if value is None:
            if self._required:
                raise ParameterError(
                    f"{self._name} needs a body: data={{...}}, as {', '.join(self._types or ())}"
                )
            return None
        if self._types is None:
            raise ParameterError(f"{self._name} takes no body")
        if self._needed and isinstance(value, Mapping):
            missing = [name for name in self._needed if value.get(name) is None]
            if missing:
                raise ParameterError(f"{self._name} needs the parameter {', '.join(missing)}")
        kind = self._named(content_type) if content_type else self._kind_for(value)
        media = self._media.get(kind.partition(";")[0].strip().lower(), _ANY)
        if "*" in kind:
            kind = self._within(kind)
        if media.parameters and ";" not in kind and not kind.startswith("multipart/"):
            kind = f"{kind}; {media.parameters}"
        try:
            return _written(value, media, kind, whole)
        except (TypeError, ValueError, LookupError, RecursionError) as error:
            raise ParameterError(f"{self._name}: the body cannot be written as {kind}: {error}") from None

    def _named(self, content_type: str) -> str:
        """A media type that the caller chose: one that is declared, or within a range that is."""
        kind = content_type.partition(";")[0].strip().lower()
        for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
            if not self._types or wanted in self._types:
                return content_type
        known = ", ".join(self._types or ())
        raise ParameterError(f"{self._name} takes no {content_type}; it takes: {known}")

    def _within(self, kind: str) -> str:
        """The one media type that a body of a range is said to be."""
        if found := _OF_RANGES.get(kind.lower()):
            return found
        raise ParameterError(
            f"{self._name} takes {kind}, and a body is one of them",
            hint=f"say which: content_type={kind.replace('*', '...')!r}",
        )

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
        parts = next((kind for kind in types if kind.startswith("multipart/")), None)
        has_files = isinstance(value, Mapping) and any(map(is_file, value.values()))
        if self._json is not None and not (has_files and parts):
            return self._json
        if isinstance(value, Mapping) and FORM in types and not has_files:
            return FORM
        if isinstance(value, Mapping | list) and parts is not None:
            return parts
        return "application/json" if types[0] in {"*/*", "application/*"} else types[0]


def _written(value: Any, media: Media, kind: str, whole: bool) -> tuple[Any, str]:
    bare = kind.partition(";")[0].strip().lower()
    if bare.startswith("multipart/") and isinstance(value, Mapping | list):
        return multipart(value, media, bare, whole=whole)
    if bare == FORM and isinstance(value, Mapping):
        return urlencoded(value, media.encoding), kind
    if isinstance(value, str | Secret) and bare.startswith("text/") and "charset=" not in kind.lower():
        kind = f"{kind}; charset=utf-8"
    return _encoded(value, bare, kind), kind


def _encoded(value: Any, bare: str, kind: str) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if is_json(bare):
        return _json(value)
    if isinstance(value, list | tuple) and bare.rpartition("/")[2] in _LINES:
        return b"".join(_json(item) + b"\n" for item in value)
    if isinstance(value, list | tuple) and bare.endswith("json-seq"):
        return b"".join(b"\x1e" + _json(item) + b"\n" for item in value)
    if bare == FORM:
        raise TypeError("takes an object")
    if bare.startswith("multipart/"):
        raise TypeError("takes an object, pairs, or the bytes themselves")
    if isinstance(value, str | Secret):
        return styles.scalar(value).encode(charset_of(kind))
    raise TypeError(f"takes text, bytes or an open binary file, not {type(value).__name__}")


def _json(value: Any) -> bytes:
    """A value as JSON. Raises TypeError for what JSON cannot say, NaN included."""
    made = json_text(value, _unsealed)
    if b"null" in made:
        _refuse_nan(value)
    return made


def _refuse_nan(value: Any) -> None:
    if isinstance(value, float) and not isfinite(value):
        raise TypeError(f"no JSON for {value}")
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple | set | frozenset):
        return
    for item in value:
        _refuse_nan(item)


def _unsealed(value: Any) -> Any:
    """What orjson does not know: secrets are opened here, on their way to the wire. Raises TypeError."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Decimal):  # every digit of it
        if not value.is_finite():
            raise TypeError(f"no JSON for {value}")
        return orjson.Fragment(str(value))
    return styles.scalar(value)  # what a parameter may be, too: durations, IP addresses
