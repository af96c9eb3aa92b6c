"""Parameters of one operation, compiled once: values in, path, query, headers and cookies out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi.calls import styles
from fleet.openapi.calls.forms import URLENCODED, urlencoded
from fleet.openapi.model import Parameter

Pairs: TypeAlias = list[tuple[str, str]]
Encoder: TypeAlias = Callable[[Any], str]

_VARIABLE = re.compile(r"\{([^{}/]+)\}")
_LITERAL_SAFE = "/:@!$&'()*+,;=-._~%"


class ParameterError(SpecError, ValueError):
    """A call's parameters or body do not fit its operation: missing, unknown, or of a wrong shape."""


@frozen
class Target:
    """What the parameters make of a request: an encoded path and query, headers and cookies."""

    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[tuple[str, str], ...]


class ParameterPlan:
    """Everything about the parameters of one operation that does not depend on their values."""

    __slots__ = (
        "_cookies",
        "_defaults",
        "_headers",
        "_keys",
        "_path_only",
        "_query",
        "_querystring",
        "_required",
        "_segments",
        "name",
    )

    def __init__(self, name: str, template: str, parameters: Iterable[Parameter]) -> None:
        self.name: str = name
        declared = list(parameters)
        in_template = _VARIABLE.findall(template)
        by_name = {p.name: p for p in declared if p.location == "path" and p.name in in_template}
        for variable in in_template:  # undeclared ones are plain text: many published documents forget them
            by_name.setdefault(variable, Parameter(variable, "path", required=True, style="simple"))
        rest = [p for p in declared if p.location != "path"]
        everything = [*by_name.values(), *rest]
        self._segments = _segments(template, by_name)
        self._query = [(p.name, ("query", p.name), _pairs_of(p)) for p in rest if p.location == "query"]
        self._querystring = [
            (p.name, ("querystring", p.name), _querystring_of(p)) for p in rest if p.location == "querystring"
        ]
        self._headers = [(p.name, ("header", p.name), _text_of(p)) for p in rest if p.location == "header"]
        self._cookies = [(p.name, ("cookie", p.name), _pairs_of(p)) for p in rest if p.location == "cookie"]
        self._path_only = not rest
        self._keys: frozenset[Any] = frozenset(
            {p.name for p in everything} | {(p.location, p.name) for p in everything}
        )
        self._defaults = {
            (p.location, p.name): p.default for p in everything if p.required and p.default is not None
        }
        self._required = [
            (p.name, (p.location, p.name)) for p in everything if p.required and p.default is None
        ]

    def expand(self, values: Mapping[Any, Any]) -> Target:
        """Raises `ParameterError` naming what is missing, unknown, or cannot be written."""
        if not values.keys() <= self._keys:
            unknown = ", ".join(sorted(_shown(key) for key in values.keys() - self._keys))
            known = ", ".join(sorted(key for key in self._keys if isinstance(key, str))) or "none"
            raise ParameterError(f"{self.name} has no parameter {unknown}", hint=f"it takes: {known}")
        missing = [
            name for name, place in self._required if values.get(name) is None and values.get(place) is None
        ]
        if missing:
            raise ParameterError(f"{self.name} needs the parameter {', '.join(missing)}")
        if self._defaults:
            given = {key: value for key, value in values.items() if value is not None}
            values = given | {
                place: value
                for place, value in self._defaults.items()
                if place not in given and place[1] not in given
            }
        path = "".join(
            [
                part if part.__class__ is str else self._segment(part, values)  # type: ignore[arg-type]
                for part in self._segments
            ]
        )
        if self._path_only:
            return Target(path, "", (), ())
        query = "&".join([f"{key}={value}" for key, value in self._pairs(self._query, values)])
        for name, place, encode in self._querystring:
            if (value := _given(values, place, name)) is not None:
                query = self._written(name, encode, value)
        headers = tuple(
            [
                (name, self._written(name, encode, value))
                for name, place, encode in self._headers
                if (value := _given(values, place, name)) is not None
            ]
        )
        cookies = tuple(self._pairs(self._cookies, values)) if self._cookies else ()
        return Target(path, query, headers, cookies)

    def _pairs(self, plan: list[Any], values: Mapping[Any, Any]) -> Pairs:
        if not values:
            return []
        found: Pairs = []
        for name, place, encode in plan:
            value = _given(values, place, name)
            if value is not None:
                found.extend(self._written(name, encode, value))
        return found

    def _segment(self, parts: tuple[Any, ...], values: Mapping[Any, Any]) -> str:
        """One path segment that holds variables, in a shape that stays one segment for every reader."""
        text = "".join(
            [
                part
                if part.__class__ is str
                else self._written(part[0], part[2], _given(values, part[1], part[0]))
                for part in parts
            ]
        )
        if text in {"", ".", ".."}:
            names = ", ".join(part[0] for part in parts if part.__class__ is not str)
            raise ParameterError(f"{self.name}: the value of {names} would change the path")
        return text

    def _written(self, name: str, encode: Callable[[Any], Any], value: Any) -> Any:
        try:
            return encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise ParameterError(f"{self.name}: the parameter {name}: {error}") from None


def _given(values: Mapping[Any, Any], place: tuple[str, str], name: str) -> Any:
    """The value for a parameter: by (location, name) where two share a name, else by its name."""
    value = values.get(place)
    return values.get(name) if value is None else value


def _shown(key: Any) -> str:
    return key if isinstance(key, str) else ".".join(map(str, key)) if isinstance(key, tuple) else repr(key)


def _segments(template: str, by_name: Mapping[str, Parameter]) -> list[str | tuple[Any, ...]]:
    """Literal text, and segments with variables as tuples of text and (name, place, encoder)."""
    plan: list[str | tuple[Any, ...]] = []
    for number, segment in enumerate(template.split("/")):
        literal = "/" if number else ""
        pieces = _VARIABLE.split(segment)
        if len(pieces) == 1:
            literal += quote(segment, safe=_LITERAL_SAFE)
        if literal:
            if plan and isinstance(plan[-1], str):
                plan[-1] += literal
            else:
                plan.append(literal)
        if len(pieces) > 1:
            plan.append(
                tuple(
                    (piece, ("path", piece), _text_of(by_name[piece]))
                    if odd % 2
                    else quote(piece, safe=_LITERAL_SAFE)
                    for odd, piece in enumerate(pieces)
                    if piece
                )
            )
    return plan


def _text_of(parameter: Parameter) -> Encoder:
    """The encoder of a path or header parameter."""
    name, explode, media = parameter.name, parameter.explode, parameter.media
    separator = _SEPARATORS.get(parameter.style, ",")
    if parameter.location == "header":
        if media is not None:
            return lambda value: styles.header_value(styles.serialised_header(value, media))
        return lambda value: styles.header_value(
            styles.expand_simple(value, explode=explode, encode=styles.header_text, separator=separator)
        )
    encode = styles.percent
    if media is not None:
        return lambda value: encode(styles.serialised(value, media))
    if parameter.style == "label":
        return lambda value: styles.expand_label(value, explode=explode)
    if parameter.style == "matrix":
        return lambda value: styles.expand_matrix(name, value, explode=explode)
    separator = styles.percent(separator) if separator != "," else separator
    return lambda value: styles.expand_simple(value, explode=explode, encode=encode, separator=separator)


_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}


def _pairs_of(parameter: Parameter) -> Callable[[Any], Pairs]:
    """The encoder of a query or cookie parameter."""
    name, explode, media = parameter.name, parameter.explode, parameter.media
    encode = styles.percent_reserved if parameter.allow_reserved else styles.percent
    if parameter.style == "cookie":
        encode = styles.cookie_text
    if media is not None:
        return lambda value: [(styles.percent_name(name), encode(styles.serialised(value, media)))]
    if parameter.style == "deepObject":
        return lambda value: styles.expand_deep(name, value, encode=encode)
    separator = styles.percent(_SEPARATORS.get(parameter.style, "")) or ","
    return lambda value: styles.expand_form(name, value, explode=explode, encode=encode, separator=separator)


def _querystring_of(parameter: Parameter) -> Encoder:
    """The encoder of a parameter that is the whole query (3.2)."""
    media = parameter.media or URLENCODED

    def encode(value: Any) -> str:
        if media != URLENCODED:
            return styles.percent(styles.serialised(value, media))
        if not isinstance(value, Mapping):
            raise TypeError("takes an object")
        return urlencoded(value, {}).decode()

    return encode
