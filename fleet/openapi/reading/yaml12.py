"""YAML to plain data: libyaml's parser, the YAML 1.2 core schema, and limits that hostile text cannot pass.

The tree is built from the parser's events with a stack of our own, so nesting costs no C stack (libyaml's
composer dies of 400 KB of `[`) and aliases share what they name instead of copying it. Nothing is kept
between two calls and no class is changed by one, so threads can parse at the same time.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from fleet.errors import SpecError
from fleet.openapi.reading.halves import Rejoined, is_half, joined

MAX_BYTES = 64 * 1024 * 1024  # of one document
MAX_DEPTH = 512  # nested collections
MAX_NODES = 20_000_000  # after aliases are expanded

_CORE = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_HINTS = {  # by a part of libyaml's words: what people did, as a rule
    "mapping values are not allowed": "check how the line is indented; a text that holds ': ' needs quotes",
    "did not find expected key": "check how the line is indented: keys of one mapping begin in one column",
    "did not find expected '-' indicator": "check how the line is indented: a list begins in one column",
    "cannot start any token": "a text that begins with @, ` or % needs quotes",
}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_FIRST = frozenset("0123456789+-.tTfFnN~")  # what a plain scalar that is not text begins with
_TAG = "tag:yaml.org,2002:"
_NAMES = {str: "str", bool: "bool", int: "int", float: "float", type(None): "null"}
_NO_KEY: Any = object()  # the open mapping waits for a key
_MERGE: Any = object()  # the key `<<`, until its mapping ends
CORE_TAGS = frozenset({"null", "bool", "int", "float", "merge"})  # what an unquoted scalar may mean here
_MAX_DIGITS = 4000  # of one number: more is text (int() is quadratic, and refuses more than 4,300)


def load_yaml(text: bytes | str, *, source: str = "", tags: frozenset[str] = CORE_TAGS) -> Any:
    """The one document in `text` as dicts with text keys, lists, and YAML 1.2 core scalars.

    `on`, `yes`, `12_24` and dates stay text; `017` is 17 and `0o17` is 15; `<<` merges. Keys are the text
    that was written, whatever it looks like. An unquoted scalar of a kind that is not in `tags` stays text;
    explicit tags count always. Raises `SpecError` with line and column: syntax, duplicate
    keys, more than `MAX_DEPTH` levels, more than `MAX_NODES` nodes after aliases, more than `MAX_BYTES`.
    """
    import yaml  # noqa: PLC0415  (20 ms, and a warm start reads no YAML)
    from yaml._yaml import CParser  # noqa: PLC0415

    if len(text) > MAX_BYTES:
        raise SpecError(f"the document is larger than {MAX_BYTES >> 20} MiB", file=source or None)
    with collector_paused():
        try:
            return _Builder(CParser(text), source, tags).build()
        except (yaml.YAMLError, UnicodeError) as error:
            whole, spelt = joined(text) if is_half(error) else (text, {})
            if not spelt:
                raise _complaint(error, text, source) from None
        try:
            return _Builder(Rejoined(CParser(whole), spelt), source, tags).build()
        except (yaml.YAMLError, UnicodeError) as error:
            raise _complaint(error, whole, source) from None


def _complaint(error: Any, text: bytes | str, source: str) -> SpecError:
    """What libyaml found wrong, with what to do where that can be said."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    if hasattr(error, "reason"):  # of bytes that are no text
        data = text.encode() if isinstance(text, str) else text
        line = data.count(b"\n", 0, error.position) + 1
        what, hint = f"unacceptable character #x{error.character:02x}: {error.reason}", None
        if "UTF-8" in error.reason:
            what, hint = "the text is not UTF-8", "save the file as UTF-8"
    else:
        problem = getattr(error, "problem", None) or next(iter(str(error).splitlines()), "unreadable")
        what = " ".join(part for part in (getattr(error, "context", None), problem) if part)
        hint = next((hint for part, hint in _HINTS.items() if part in problem), None)
        if mark and _is_tab(text, mark.line, mark.column):
            what, hint = "a tab, where only spaces can indent", "write spaces instead"
    return SpecError(f"not valid YAML: {what}", file=source or None, line=line, column=column, hint=hint)


def _is_tab(text: bytes | str, line: int, column: int) -> bool:
    lines = (text if isinstance(text, str) else text.decode(errors="replace")).splitlines()
    return line < len(lines) and lines[line][column : column + 1] == "\t"


def plain_value(text: str) -> Any:
    """What an unquoted scalar means in the YAML 1.2 core schema."""
    if text and text[0] not in _FIRST:
        return text
    if text in _CORE:
        return _CORE[text]
    if len(text) > _MAX_DIGITS:
        return text
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEX.match(text):
        return int(text[2:], 16)
    if _INFINITE.match(text):
        return float(text.replace(".", "", 1))
    return text


def tag_of(value: Any) -> str:
    """The tag of a scalar's value, without its prefix."""
    return _NAMES[type(value)]


def _limited_value(tags: frozenset[str], text: str) -> Any:
    value = plain_value(text)
    return value if value.__class__ is str or tag_of(value) in tags else text


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic collection while a tree grows: it is 70 % of the time of a 4 MB document."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Builder:
    """One parse: a stack of open collections, fed by events."""

    def __init__(self, parser: Any, source: str, tags: frozenset[str]) -> None:
        self.plain = plain_value if tags >= CORE_TAGS else partial(_limited_value, tags)
        self.merges = "merge" in tags
        self.parser = parser
        self.source = source
        self.nodes = 0
        self.anchors: dict[str, tuple[Any, int]] = {}  # name -> value, expanded size
        self.memo: dict[str, Any] = {}

    def build(self) -> Any:
        import yaml  # noqa: PLC0415

        parser = self.parser
        parser.get_event()  # stream start
        if parser.check_event(yaml.StreamEndEvent):
            return None
        parser.get_event()  # document start
        value = self._value()
        parser.get_event()  # document end
        event = parser.get_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self._fail("more than one YAML document in one file", event)
        return value

    def _value(self) -> Any:
        """The value that the next events spell. One long loop: 4 MB are 300,000 events, and only what is rare
        (tags, aliases, merges, faults) may cost a call."""
        import yaml  # noqa: PLC0415

        get_event = self.parser.get_event
        memo, plain = self.memo, self.plain
        stack: list[tuple[Any, Any, str | None, int]] = []  # parent, its pending key, anchor, nodes before
        parent: Any = None  # the open dict or list
        key: Any = _NO_KEY
        while True:
            event = get_event()
            kind = event.__class__
            self.nodes += 1
            if kind is yaml.ScalarEvent:
                text = event.value
                if parent.__class__ is dict and key is _NO_KEY:
                    key = _MERGE if text == "<<" and event.implicit[0] and self.merges else text
                    if key in parent:
                        self._fail(f"duplicate key {text!r}", event)
                    if event.anchor:
                        self.anchors[event.anchor] = (text, 1)
                    continue
                if event.implicit[0] and event.tag is None:
                    try:
                        value = memo[text]
                    except KeyError:
                        value = memo[text] = plain(text)
                elif event.tag is None or event.implicit[1]:
                    value = text
                else:
                    value = self._tagged(event, text)
                if event.anchor:
                    self.anchors[event.anchor] = (value, 1)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(stack) >= MAX_DEPTH:
                    self._fail(f"nested deeper than {MAX_DEPTH} levels", event)
                if parent.__class__ is dict and key is _NO_KEY:
                    self._fail("a mapping key must be a scalar", event)
                stack.append((parent, key, event.anchor, self.nodes))
                if event.anchor:
                    self.anchors.pop(event.anchor, None)
                parent = {} if kind is yaml.MappingStartEvent else []
                key = _NO_KEY
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                value = parent
                if kind is yaml.MappingEndEvent and _MERGE in value:
                    value = self._merged(value, event)
                parent, key, anchor, before = stack.pop()
                if anchor:
                    self.anchors[anchor] = (value, self.nodes - before + 1)
            elif kind is yaml.AliasEvent:
                value = self._aliased(event)
                if parent.__class__ is dict and key is _NO_KEY:
                    if not isinstance(value, str):
                        self._fail("a mapping key must be a scalar", event)
                    key = value
                    continue
            else:
                self._fail("unexpected end of the document", event)
            if parent is None:
                return value
            if parent.__class__ is dict:
                parent[key] = value
                key = _NO_KEY
            else:
                parent.append(value)

    def _aliased(self, event: Any) -> Any:
        """The value that an alias names; its nodes count each time."""
        try:
            value, size = self.anchors[event.anchor]
        except KeyError:
            self._fail(f"alias *{event.anchor} names no finished anchor before it", event)
        self.nodes += size
        if self.nodes > MAX_NODES:
            self._fail(f"aliases expand to more than {MAX_NODES} nodes", event)
        return value

    def _tagged(self, event: Any, text: str) -> Any:
        """A scalar with an explicit tag: core tags convert, any other leaves the text."""
        kind = event.tag.removeprefix(_TAG)
        if kind not in {"int", "float", "bool", "null"}:
            return text
        value = plain_value(text)
        fits = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}[kind]
        if not isinstance(value, fits) or (isinstance(value, bool) and kind != "bool"):  # type: ignore[arg-type]
            self._fail(f"{text[:40]!r} is not of the type !!{kind}", event)
        return float(value) if kind == "float" else value

    def _merged(self, value: dict[Any, Any], event: Any) -> dict[str, Any]:
        """The mapping with what `<<` names filled in: own keys win, then earlier mappings."""
        sources = value.pop(_MERGE)
        merged: dict[str, Any] = {}
        for source in reversed(sources if isinstance(sources, list) else [sources]):
            if not isinstance(source, dict):
                self._fail("<< takes a mapping or a list of mappings", event)
            merged.update(source)
            self.nodes += len(source)
        merged.update(value)
        return merged

    def _fail(self, message: str, event: Any) -> NoReturn:
        mark = event.start_mark
        raise SpecError(message, file=self.source or None, line=mark.line + 1, column=mark.column + 1)
