"""Forms as bytes: urlencoded and multipart, each property written as its encoding says (3.1, 4.8.15)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from hashlib import sha256
from itertools import chain, repeat
from pathlib import PurePath
from typing import Any, TypeAlias
from urllib.parse import unquote

from fleet.frozen import frozen
from fleet.openapi.calls import styles
from fleet.openapi.calls.jsontext import json_text
from fleet.openapi.model import Encoding, Media
from fleet.secret import Secret

URLENCODED = "application/x-www-form-urlencoded"
_DEFAULT = Encoding(styled=False)
_SEPARATORS = {"spaceDelimited": " ", "tabDelimited": "\t", "pipeDelimited": "|"}

Pieces: TypeAlias = tuple[Any, ...]
"""A body as bytes and open binary files, to be sent one after the other."""


@frozen
class Part:
    """One part of a multipart body, where its value alone does not say enough.

    `content` is bytes, an open binary file, text, or anything that JSON can hold. `type` is its Content-Type,
    by default that of its encoding; `headers` are those beside it.
    """

    content: Any
    type: str = ""
    filename: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


@frozen
class _Written:
    """A part on its way: `name` is None where parts have none; `content` is bytes or an open file."""

    name: str | None
    content: Any
    type: str = ""
    filename: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def urlencoded(value: Mapping[str, Any], encoding: Mapping[str, Encoding]) -> bytes:
    """`application/x-www-form-urlencoded`; properties that are None are left out. Raises TypeError.

    Where an encoding has a style, that says how a value is written, as it does for a query; else objects are
    JSON, and each item of a list stands for itself.
    """
    pairs: list[tuple[str, str]] = []
    for name, item in value.items():
        if item is None:
            continue
        rule = encoding.get(name, _DEFAULT)
        encode = styles.percent_reserved if rule.allow_reserved else styles.percent
        if rule.styled:
            pairs.extend(_styled(name, item, rule, encode))
        else:
            items = item if styles.is_list(item) and "json" not in rule.content_type else [item]
            pairs.extend((styles.percent_name(name), encode(_text(entry, rule))) for entry in items)
    return "&".join(f"{key}={text}" for key, text in pairs).encode()


def _styled(name: str, item: Any, rule: Encoding, encode: styles.Quote) -> list[tuple[str, str]]:
    if rule.style == "deepObject":
        return styles.expand_deep(name, item, encode=encode)
    separator = encode(_SEPARATORS.get(rule.style, "")) or ","
    return styles.expand_form(name, item, explode=rule.explode, encode=encode, separator=separator)


def _text(item: Any, rule: Encoding) -> str:
    if "json" in rule.content_type or isinstance(item, Mapping) or styles.is_list(item):
        return json_text(item, _opened).decode()
    return styles.scalar(item)


def multipart(
    value: Any, media: Media, kind: str = "multipart/form-data", *, whole: bool = True
) -> tuple[bytes | Pieces, str]:
    """A multipart body and its Content-Type.

    `value` is a mapping, or (name, value) pairs; for other types than `form-data` a list of values. A file
    is bytes, something with `read()`, a `Part`, or a tuple (file name, content[, content type[, headers]]);
    objects are JSON, items of lists are parts of their own, everything else is text, unless the encoding has
    a style. With `whole`, files are read, and the boundary is a digest of the parts: equal forms are equal
    bytes, and no content can hold it. Else files stay as they are among the pieces, and the boundary is
    random. Raises TypeError, ValueError.
    """
    parts = list(_parts_of(value, media, named=kind == "multipart/form-data"))
    files = [part for part in parts if hasattr(part.content, "read")]
    if whole or not files:
        parts = [replace(part, content=_read(part.content)) for part in parts]
        digest = sha256()
        for part in parts:
            head = (part.name, part.filename, part.type, part.headers, len(part.content))
            digest.update(repr(head).encode() + part.content)
        boundary = digest.hexdigest()[:48]
    else:
        boundary = os.urandom(24).hex()
    pieces: list[Any] = [b""]
    for part in parts:
        pieces[-1] += _head(part, boundary)
        if isinstance(part.content, bytes):
            pieces[-1] += part.content + b"\r\n"
        else:
            pieces += [part.content, b"\r\n"]
    pieces[-1] += f"--{boundary}--\r\n".encode()
    return (pieces[0] if len(pieces) == 1 else tuple(pieces)), f"{kind}; boundary={boundary}"


def _parts_of(value: Any, media: Media, *, named: bool) -> Iterator[_Written]:
    if not named:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise TypeError("takes a list of parts")
        rules = chain(media.prefix_encoding, repeat(media.item_encoding or _DEFAULT))
        yield from (_part(None, item, rule) for item, rule in zip(value, rules, strict=False))
        return
    for name, item in value.items() if isinstance(value, Mapping) else value:
        if item is not None:
            yield from _parts(name, item, media.encoding.get(name, _DEFAULT))


def _parts(name: str, item: Any, rule: Encoding) -> Iterator[_Written]:
    several = styles.is_list(item) and not _is_file_tuple(item)
    if several and any(_is_file(entry) for entry in item):
        yield from (_part(name, entry, rule) for entry in item)
    elif rule.styled and not _is_file(item):
        plain = replace(rule, content_type="", allow_reserved=True)
        for key, text in _styled(
            name, item, rule, str
        ):  # names are percent-encoded there, values as they are
            yield _part(unquote(key), text, plain)
    elif several and "json" not in rule.content_type:
        yield from (_part(name, entry, rule) for entry in item)
    else:
        yield _part(name, item, rule)


def _is_file(item: Any) -> bool:
    return (
        isinstance(item, Part | bytes | bytearray | memoryview)
        or hasattr(item, "read")
        or _is_file_tuple(item)
    )


def _is_file_tuple(item: Any) -> bool:
    """Whether a tuple is (file name, content, ...) and not a list of values."""
    return (
        isinstance(item, tuple)
        and 2 <= len(item) <= 4
        and isinstance(item[0], str)
        and (isinstance(item[1], bytes | bytearray | memoryview) or hasattr(item[1], "read"))
    )


def is_file(value: Any) -> bool:
    """Whether a value of a form is a file: only multipart can carry it."""
    if isinstance(value, tuple | list):
        return _is_file_tuple(value) or any(_is_file(item) for item in value)
    return _is_file(value)


def _part(name: str | None, item: Any, rule: Encoding) -> _Written:
    if isinstance(item, tuple) and _is_file_tuple(item):
        filename, content, *more = item
        item = Part(content, more[0] if more else "", filename, more[1] if len(more) > 1 else {})
    elif not isinstance(item, Part):
        item = Part(item)
    content, kind, filename = item.content, item.type or _first(rule.content_type), item.filename
    if isinstance(content, bytes | bytearray | memoryview) or hasattr(content, "read"):
        own = getattr(content, "name", None)
        if filename is None and name is not None:
            filename = PurePath(own).name if isinstance(own, str) else name
        content = content if hasattr(content, "read") else bytes(content)
        kind = kind or "application/octet-stream"
    elif isinstance(content, Mapping) or styles.is_list(content) or "json" in kind:
        content, kind = json_text(content, _opened), kind or "application/json"
    else:
        content = styles.scalar(content).encode(charset_of(kind))
    return _Written(name, content, kind, filename, _headers(item.headers, rule))


def _first(content_type: str) -> str:
    """The first of the types that an encoding allows that is one: `image/*` is none."""
    kinds = (kind.strip() for kind in content_type.split(","))
    return next((kind for kind in kinds if "*" not in kind), "")


def charset_of(content_type: str) -> str:
    """The charset that a media type names, else UTF-8. Raises LookupError where there is no such thing."""
    for word in content_type.split(";")[1:]:
        key, _, value = word.partition("=")
        if key.strip().lower() == "charset":
            charset = value.strip(' "')
            "x".encode(charset)  # is it one, and of text?
            return charset
    return "utf-8"


def _headers(given: Mapping[str, Any], rule: Encoding) -> tuple[tuple[str, str], ...]:
    """The headers of one part: the declared ones as they are declared, others as text."""
    values = {name.lower(): (name, item) for name, item in given.items() if item is not None}
    written = []
    for declared in rule.headers:
        _, item = values.pop(declared.name.lower(), ("", declared.default if declared.required else None))
        if item is None and declared.required:
            raise ValueError(f"a part needs the header {declared.name}")
        if item is not None and declared.media is not None:
            written.append((declared.name, styles.serialised(item, declared.media)))
        elif item is not None:
            text = styles.expand_simple(item, explode=declared.explode, encode=str)
            written.append((declared.name, text))
    written += [
        (name, styles.expand_simple(item, explode=False, encode=str)) for name, item in values.values()
    ]
    return tuple((styles.header_text(name), styles.header_text(text)) for name, text in written)


def _opened(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    return styles.scalar(value)


def _read(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    data = content.read()
    if not isinstance(data, bytes):
        raise TypeError("a file is opened in binary mode")
    return data


def _head(part: _Written, boundary: str) -> bytes:
    lines = [f"--{boundary}"]
    if part.name is not None:
        lines.append(f'Content-Disposition: form-data; name="{_quoted(part.name)}"')
        if part.filename is not None:
            lines[-1] += f'; filename="{_quoted(part.filename)}"'
    elif part.filename is not None:
        lines.append(f'Content-Disposition: attachment; filename="{_quoted(part.filename)}"')
    if part.type:
        lines.append(f"Content-Type: {styles.header_text(part.type)}")
    lines.extend(f"{name}: {text}" for name, text in part.headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _quoted(text: str) -> str:
    """A name in a header of a part, as browsers write it."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
