"""Bytes to a tree: JSON through orjson, everything else as YAML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from fleet.errors import SpecError
from fleet.openapi.reading.halves import joined
from fleet.openapi.reading.yaml12 import CORE_TAGS, MAX_BYTES, collector_paused, load_yaml

_BOM = b"\xef\xbb\xbf"
# UTF-32, and UTF-16 without its byte order mark: with one, it is read.
_WIDE = re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff|.\0.\0|\0.\0.", re.DOTALL)
_GZIP = b"\x1f\x8b"
_PLACE = re.compile(r"line (\d+) column (\d+)")


def parse(data: bytes | str, source: str = "", *, tags: frozenset[str] = CORE_TAGS) -> Any:
    """The tree of a YAML or JSON text: dicts with text keys, lists and scalars.

    A text that begins like JSON is read as JSON first; what orjson refuses there is read as YAML, which
    contains JSON with comments and trailing commas; `tags` are as `load_yaml` takes them. Raises `SpecError`
    with line and column.
    """
    if len(data) > MAX_BYTES:
        raise SpecError(f"the document is larger than {MAX_BYTES >> 20} MiB", file=source or None)
    data = data.removeprefix(_BOM) if isinstance(data, bytes) else data.removeprefix("\ufeff")
    if isinstance(data, bytes) and _WIDE.match(data):
        what = "the text is UTF-32, or UTF-16 that does not say so"
        raise SpecError(what, file=source or None, hint="save the file as UTF-8")
    head = data[:64].lstrip()
    if head[:1] in (b"{", b"[", "{", "["):
        try:
            with collector_paused():
                return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            if source.endswith(".json") and "not valid UTF-8" not in error.msg:  # which YAML says better
                place = _PLACE.search(str(error))
                raise SpecError(
                    f"not valid JSON: {error.msg.split(': line')[0]}",
                    file=source,
                    line=int(place[1]) if place else None,
                    column=int(place[2]) if place else None,
                ) from None
    if head[:2] == _GZIP:
        raise SpecError("this is a gzip archive", file=source or None, hint="unpack it first: gunzip")
    if head[:1] in (b"<", "<"):
        raise SpecError("this is an HTML or XML page, not an API description", file=source or None)
    return load_yaml(data, source=source, tags=tags)


def locate(text: bytes | str, path: Sequence[str | int]) -> tuple[int, int]:
    """Line and column, from 1, of the value at a path of keys and indexes in a YAML or JSON text.

    A second parse, made only to show an error. A path that ends nowhere gives the deepest place that it
    reached, a text that does not parse gives (1, 1). For a mapping's value the place is that of its key.
    """
    return Positions(text).of(path)


class Positions:
    """The places of many values of one text, parsed once."""

    def __init__(self, text: bytes | str) -> None:
        import yaml  # noqa: PLC0415  (20 ms, and a warm start reads no YAML)

        self._root: Any = None
        with suppress(SpecError, yaml.YAMLError), collector_paused():
            load_yaml(text)  # the composer has no depth limit of its own
            self._root = yaml.compose(joined(text)[0], Loader=yaml.CSafeLoader)

    def of(self, path: Sequence[str | int]) -> tuple[int, int]:
        """As `locate`."""
        node = self._root
        mark = node.start_mark if node is not None else None
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            mark, node = found
        return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """The mark and the node of one step down."""
    import yaml  # noqa: PLC0415

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None
