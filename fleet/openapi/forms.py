"""Forms as bytes: urlencoded and multipart, each property written as its encoding says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import PurePath
from typing import Any, TypeAlias

import orjson

from fleet.openapi import styles
from fleet.openapi.model import Encoding
from fleet.secret import Secret

URLENCODED = "application/x-www-form-urlencoded"
_DEFAULT = Encoding()
_SEPARATORS = {"spaceDelimited": " ", "tabDelimited": "\t", "pipeDelimited": "|"}
_Part: TypeAlias = tuple[str, str | None, bytes, str, tuple[tuple[str, str], ...]]


def urlencoded(value: Mapping[str, Any], encoding: Mapping[str, Encoding]) -> bytes:
    """`application/x-www-form-urlencoded`; properties that are None are left out. Raises TypeError."""
    pairs: list[tuple[str, str]] = []
    for name, item in value.items():
        if item is None:
            continue
        rule = encoding.get(name, _DEFAULT)
        encode = styles.percent_reserved if rule.allow_reserved else styles.percent
        if "json" in rule.content_type:
            pairs.append((styles.percent_name(name), encode(styles.serialised(item, "application/json"))))
        elif rule.style == "deepObject":
            pairs.extend(styles.expand_deep(name, item, encode=encode))
        else:
            separator = styles.percent(_SEPARATORS.get(rule.style, "")) or ","
            pairs.extend(
                styles.expand_form(name, item, explode=rule.explode, encode=encode, separator=separator)
            )
    return "&".join(f"{key}={text}" for key, text in pairs).encode()


def multipart(value: Any, encoding: Mapping[str, Encoding]) -> tuple[bytes, str]:
    """`multipart/form-data` and its Content-Type.

    `value` is a mapping, or (name, value) pairs. A file is bytes, something with `read()`, or a tuple
    (file name, content[, content type[, headers]]); objects are JSON, items of lists are parts of their own
    unless the encoding joins them, everything else is text. The boundary is a digest of the parts: equal
    forms are equal bytes, and no content can hold it. Raises TypeError.
    """
    pairs = value.items() if isinstance(value, Mapping) else value
    parts = [
        part
        for name, item in pairs
        if item is not None
        for part in _parts(name, item, encoding.get(name, _DEFAULT))
    ]
    digest = sha256()
    for name, filename, content, kind, _ in parts:
        digest.update(repr((name, filename, kind, len(content))).encode() + content)
    boundary = digest.hexdigest()[:48]
    body = b"".join(_framed(part, boundary) for part in parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _parts(name: str, item: Any, rule: Encoding) -> Iterator[_Part]:
    if isinstance(item, list) or (isinstance(item, tuple) and not _is_file(item)):
        if not rule.explode:
            joined = _SEPARATORS.get(rule.style, ",").join(styles.scalar(entry) for entry in item)
            yield name, None, joined.encode(), rule.content_type, ()
            return
        for entry in item:
            yield _part(name, entry, rule)
    else:
        yield _part(name, item, rule)


def _is_file(item: tuple[Any, ...]) -> bool:
    """Whether a tuple is (file name, content, ...) and not a list of values."""
    return 2 <= len(item) <= 4 and isinstance(item[0], str) and _is_content(item[1])


def _is_content(item: Any) -> bool:
    return isinstance(item, bytes | bytearray | memoryview) or hasattr(item, "read")


def _part(name: str, item: Any, rule: Encoding) -> _Part:
    if isinstance(item, tuple):
        filename, content, *more = item
        kind = more[0] if more else rule.content_type or "application/octet-stream"
        headers = tuple(dict(more[1]).items()) if len(more) > 1 else ()
        return name, filename, _read(content), kind, headers
    if _is_content(item):
        own = getattr(item, "name", None)
        filename = PurePath(own).name if isinstance(own, str) else name
        return name, filename, _read(item), rule.content_type or "application/octet-stream", ()
    if isinstance(item, Mapping) or "json" in rule.content_type:
        text = orjson.dumps(item, default=_opened)
        return name, None, text, rule.content_type or "application/json", ()
    return name, None, styles.scalar(item).encode(), rule.content_type, ()


def _opened(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    return styles.scalar(value)


def _read(content: Any) -> bytes:
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, str):
        return content.encode()
    data = content.read()
    if not isinstance(data, bytes):
        raise TypeError("a file is opened in binary mode")
    return data


def _framed(part: _Part, boundary: str) -> bytes:
    name, filename, content, kind, headers = part
    lines = [f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"']
    if filename is not None:
        lines[0] += f'; filename="{_quoted(filename)}"'
    if kind:
        lines.append(f"Content-Type: {styles.header_text(kind)}")
    lines.extend(
        f"{styles.header_text(key)}: {styles.header_text(styles.scalar(item))}" for key, item in headers
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


def _quoted(text: str) -> str:
    """A name in a header of a part, as browsers write it."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
