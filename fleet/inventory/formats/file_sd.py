"""Prometheus file_sd files: a list of `{"targets": [...], "labels": {...}}`, JSON or YAML.

`__scheme__` is the scheme, `__param_auth` and `__param_proxy` (or `auth`, `proxy`, `id`) are the reserved
names. Other `__param_*` and all `__meta_*` labels are kept, for selection and for matching credentials;
the labels that address Prometheus' own scraping are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from fleet.errors import InventoryError
from fleet.inventory.address import SCHEMES, shown
from fleet.inventory.formats.rows import RESERVED, Row, label_text, make_row
from fleet.inventory.report import Report, placed

if TYPE_CHECKING:
    from fleet.yamlfile import YamlFile

_SCRAPING = ("__address__", "__metrics_path__", "__scrape_interval__", "__scrape_timeout__", "__scheme__")
_CHUNK = 64 * 1024
Members: TypeAlias = Callable[["YamlFile"], Iterator[Row]]
_BLANK = " \t\r\n"
_NO_LIST = "not a list of {targets, labels} groups"
_PLAIN = "write {targets: [HOST, ...], labels: {...}}; plain hosts go into a text file, one per line"
_OTHER = "of other JSON make lines: jq -c '.results[] | {host: .address}' FILE > hosts.jsonl"


def read_json_groups(stream: BinaryIO, *, file: str, limit: int, report: Report) -> Iterator[Row]:
    """Rows of a JSON file, group by group: no more than one group (at most `limit` bytes) is in memory."""
    for line, group in _array_elements(stream, file=file, limit=limit):
        yield from _rows(group, file=file, line=line, report=report)


def read_yaml_groups(
    stream: BinaryIO, *, file: str, limit: int, report: Report, members: Members | None = None
) -> Iterator[Row]:
    """Rows of a YAML file of at most `limit` bytes. `members` gives those of a mapping."""
    from fleet.yamlfile import parse_file  # noqa: PLC0415  # the YAML reader, only where there is YAML

    data = stream.read(limit + 1)
    if len(data) > limit:
        raise InventoryError(
            f"the file is longer than {limit} bytes", file=file, hint="JSON files are streamed"
        )
    yaml = parse_file(data, file, "inventory", error=InventoryError)
    groups = yaml.tree
    if groups is None:
        return
    if isinstance(groups, dict) and members is not None:
        yield from members(yaml)
        return
    if not isinstance(groups, list):
        raise InventoryError(_NO_LIST, file=file, hint=_PLAIN)
    for group in groups:
        yield from _rows(group, file=file, line=0, report=report)


def _rows(group: Any, *, file: str, line: int, report: Report) -> Iterator[Row]:
    try:
        targets, words, scheme = _parts(group)
    except InventoryError as error:
        report(placed(error, file, line))
        return
    for target in targets:
        try:
            if not isinstance(target, str):
                raise InventoryError("a target is not a string")
            row = make_row(target, words, file=file, line=line, scheme=scheme)
        except InventoryError as error:
            report(placed(error, file, line))
            continue
        yield row


def _parts(group: Any) -> tuple[list[Any], Mapping[str, str], str | None]:
    if not isinstance(group, dict) or not isinstance(group.get("targets"), list):
        raise InventoryError("a group is an object with a list of targets", hint=_PLAIN)
    labels = group.get("labels") or {}
    if not isinstance(labels, dict):
        raise InventoryError("the labels of a group are not an object")
    scheme = labels.get("__scheme__")
    if scheme is not None and scheme not in SCHEMES:
        raise InventoryError(f"__scheme__ {shown(str(scheme))} is not one of {', '.join(SCHEMES)}")
    words: dict[str, str] = {}
    for name, value in labels.items():
        short = name.removeprefix("__param_") if isinstance(name, str) else ""
        if short in RESERVED and value not in ("", None):
            words[short] = label_text(value, short)
        elif isinstance(name, str) and name not in _SCRAPING and value is not None:
            words[name] = label_text(value, name)
    if "id" in words and len(group["targets"]) > 1:
        raise InventoryError(f"id={words['id']} names one target, its group has {len(group['targets'])}")
    return group["targets"], words, scheme


def _array_elements(stream: BinaryIO, *, file: str, limit: int) -> Iterator[tuple[int, Any]]:
    """The elements of a JSON array with the lines they start on. Raises InventoryError."""
    decoder = json.JSONDecoder()
    window = _Window(stream, file=file, limit=limit)
    if window.peek() == "":
        return
    window.expect("[", _NO_LIST, hint=_OTHER)
    separator = ""
    while (mark := window.peek()) != "]":
        if separator:
            window.expect(",", "expected a comma or the end of the list")
            mark = window.peek()
        line = window.line
        yield line, window.decode(decoder)
        separator = mark
    window.expect("]", "the list is not closed")
    if window.peek() != "":
        raise window.error("there is something after the list")


class _Window:
    """The undecoded part of a stream, kept small."""

    def __init__(self, stream: BinaryIO, *, file: str, limit: int) -> None:
        self._stream = stream
        self._file = file
        self._limit = limit
        self._text = ""
        self._rest = b""  # the first bytes of a character that the last chunk has cut
        self._ended = False
        self.line = 1
        self._more(_CHUNK)
        self._text = self._text.removeprefix("\ufeff")

    def error(self, message: str, hint: str | None = None) -> InventoryError:
        return InventoryError(message, file=self._file, line=self.line, hint=hint)

    def peek(self) -> str:
        """The next character that is not blank, "" at the end."""
        while True:
            stripped = self._text.lstrip(_BLANK)
            self._drop(len(self._text) - len(stripped))
            if self._text or self._ended:
                return self._text[:1]
            self._more(_CHUNK)

    def expect(self, mark: str, message: str, hint: str | None = None) -> None:
        if self.peek() != mark:
            raise self.error(message, hint)
        self._drop(1)

    def decode(self, decoder: json.JSONDecoder) -> Any:
        while True:
            try:
                value, end = decoder.raw_decode(self._text)
            except RecursionError:
                raise self.error("the file is nested too deep") from None
            except json.JSONDecodeError as error:
                if self._ended:
                    self._drop(error.pos)
                    raise self.error(f"not JSON: {error.msg}") from None
                if len(self._text) > self._limit:
                    raise self.error(f"one group is longer than {self._limit} bytes, or not JSON") from None
                self._more(max(_CHUNK, len(self._text)))  # doubling keeps the retries linear in the end
                continue
            self._drop(end)
            return value

    def _drop(self, count: int) -> None:
        self.line += self._text.count("\n", 0, count)
        self._text = self._text[count:]

    def _more(self, size: int) -> None:
        data = self._rest + self._stream.read(size)
        self._ended = len(data) == len(self._rest)
        cut = len(data)
        if not self._ended:
            while cut and cut > len(data) - 4 and data[cut - 1] & 0xC0 == 0x80:
                cut -= 1
            if cut and data[cut - 1] >= 0xC0:
                cut -= 1
            else:
                cut = len(data)
        try:
            self._text += data[:cut].decode()
        except UnicodeDecodeError:
            raise self.error("the file is not UTF-8") from None
        self._rest = data[cut:]
