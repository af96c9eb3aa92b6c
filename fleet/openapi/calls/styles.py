"""The style table of the specification: one value to the text that stands for it in a request.

`simple`, `label` and `matrix` follow RFC 6570; every other style is the table's own. What is unreserved in
RFC 3986 stays, everything else is percent-encoded as UTF-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePath
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import UUID

from fleet.openapi.calls.jsontext import json_text
from fleet.secret import Secret

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*\Z")
_NAME_SAFE = "$@!*'(),;:/?"  # in a query's names: what no reader of queries takes for syntax
_RESERVED_SAFE = ":/?@!$&'()*+,;=%"  # allowReserved; `#`, `[` and `]` may not stand in a query at all
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_READ = (datetime, date, time, timedelta, UUID, bytes)  # what texts of answers are read as: they know theirs
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_COMMON = (str, int)  # what most values are: told before an abstract class is asked, which takes longer

_JSON = re.compile(r"[^;]*(/|\+)json\s*(;|\Z)", re.IGNORECASE)

Quote: TypeAlias = Callable[[str], str]


def percent(text: str) -> str:
    """Percent-encoded but for RFC 3986's unreserved characters."""
    return text if _PLAIN.match(text) else quote(text, safe="")


def percent_reserved(text: str) -> str:
    """RFC 6570's reserved expansion, less what a query cannot hold: triplets that are there stay."""
    return quote(_PERCENT.sub("%25", text), safe=_RESERVED_SAFE)


def percent_name(text: str) -> str:
    """A query parameter's name: `$expand` stays as services expect it."""
    return text if _PLAIN.match(text) else quote(text, safe=_NAME_SAFE)


def header_text(text: str) -> str:
    """A header value as it is. Raises ValueError where no header can hold it."""
    if _UNSAFE_HEADER.search(text):
        raise ValueError("a header value holds no control characters")
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header value holds only Latin-1 characters") from None
    return text


def header_value(text: str) -> str:
    """A whole header value. Raises ValueError where a reader would take something off it."""
    if text != text.strip(" \t"):
        raise ValueError("a header value neither begins nor ends with a space")
    return text


def cookie_text(text: str) -> str:
    """A cookie's value as it is (3.2's `cookie` style). Raises ValueError where no cookie can hold it."""
    if ";" in text:
        raise ValueError("a cookie holds no ';'")
    return header_text(text)


def scalar(value: Any) -> str:
    """The text of one scalar; of a value that an answer gave, the text that it came as. Raises TypeError for
    anything that is none."""
    if value.__class__ is str:
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, Enum):
        return scalar(value.value)
    if isinstance(value, str | int | float | Decimal):
        return str(value)
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, _READ) and isinstance(text := getattr(value, "text", None), str):
        return text
    if isinstance(value, UUID | IPv4Address | IPv6Address | IPv4Network | IPv6Network):
        return str(value)
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        from fleet.openapi.types.texts import text_of  # noqa: PLC0415  (pydantic, which few calls need)

        return text_of(value)
    if isinstance(value, PurePath):
        raise TypeError("a path is no file: give open(path, 'rb'), or str(path) for the path itself")
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as text")


def _listed(value: Any, encode: Quote) -> list[str]:
    return [encode(scalar(item)) for item in value]


def _paired(value: Mapping[Any, Any], encode: Quote) -> list[tuple[str, str]]:
    return [(encode(scalar(key)), encode(scalar(item))) for key, item in value.items()]


def _flat(value: Mapping[Any, Any], encode: Quote) -> list[str]:
    return [text for pair in _paired(value, encode) for text in pair]


def _equals(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{key}={item}" for key, item in pairs]


def is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset)


def expand_simple(value: Any, *, explode: bool, encode: Quote, separator: str = ",") -> str:
    """`simple`: path and header parameters; other separators are those of 2.0's collection formats."""
    if value.__class__ in _COMMON:
        return encode(str(value))
    if is_list(value):
        return separator.join(_listed(value, encode))
    if isinstance(value, Mapping):
        return ",".join(_equals(_paired(value, encode)) if explode else _flat(value, encode))
    return encode(scalar(value))


def expand_label(value: Any, *, explode: bool) -> str:
    """`label`: path parameters."""
    if is_list(value):
        return "." + ("." if explode else ",").join(_listed(value, percent))
    if isinstance(value, Mapping):
        return "." + (
            ".".join(_equals(_paired(value, percent))) if explode else ",".join(_flat(value, percent))
        )
    return "." + percent(scalar(value))


def expand_matrix(name: str, value: Any, *, explode: bool) -> str:
    """`matrix`: path parameters. An empty value is the name alone."""
    key = percent(name)
    if is_list(value):
        items = _listed(value, percent)
        if explode:
            return "".join(f";{key}={item}" for item in items)
        return f";{key}={','.join(items)}" if items else f";{key}"
    if isinstance(value, Mapping):
        if explode:
            return "".join(f";{pair}" for pair in _equals(_paired(value, percent)))
        flat = _flat(value, percent)
        return f";{key}={','.join(flat)}" if flat else f";{key}"
    text = percent(scalar(value))
    return f";{key}={text}" if text else f";{key}"


def expand_form(
    name: str, value: Any, *, explode: bool, encode: Quote, separator: str = ","
) -> list[tuple[str, str]]:
    """`form`, `spaceDelimited` and `pipeDelimited`: pairs for a query or a cookie, none for what is empty."""
    key = percent_name(name)
    if value.__class__ in _COMMON:
        return [(key, encode(str(value)))]
    if is_list(value):
        items = _listed(value, encode)
        if explode:
            return [(key, item) for item in items]
        return [(key, separator.join(items))] if items else []
    if isinstance(value, Mapping):
        if explode:
            return [(percent_name(scalar(k)), encode(scalar(item))) for k, item in value.items()]
        return [(key, separator.join(_flat(value, encode)))] if value else []
    return [(key, encode(scalar(value)))]


def expand_deep(name: str, value: Any, *, encode: Quote) -> list[tuple[str, str]]:
    """`deepObject`: `name[key]=value`, nested as deep as the value is; a list of scalars repeats its name.

    Of other lists, and of one in the place of the object, the specification says nothing: services whose
    descriptions have them read `name[0]=value`.
    """
    if not isinstance(value, Mapping) and not is_list(value):
        raise TypeError("takes an object")
    pairs: list[tuple[str, str]] = []
    todo: list[tuple[str, Any]] = [(percent_name(name), value)]
    while todo:
        key, item = todo.pop()
        if isinstance(item, Mapping):
            inner = [(f"{key}%5B{percent(scalar(k))}%5D", v) for k, v in item.items()]
            todo.extend(reversed(inner))
        elif is_list(item) and (item is value or any(map(_is_nested, item))):
            todo.extend(reversed([(f"{key}%5B{place}%5D", v) for place, v in enumerate(item)]))
        elif is_list(item):
            pairs.extend((key, text) for text in _listed(item, encode))
        else:
            pairs.append((key, encode(scalar(item))))
    return pairs


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or is_list(value)


def serialised(value: Any, media: str) -> str:
    """A `content:` parameter's value: JSON where its media type says so, else plain text."""
    if _JSON.match(media):
        return json_text(value, scalar).decode()
    return scalar(value)


def serialised_header(value: Any, media: str) -> str:
    """The same for a header: what is not ASCII is escaped as JSON can. Raises ValueError where no header can
    hold it."""
    text = serialised(value, media)
    if _JSON.match(media):
        return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return header_text(text)
