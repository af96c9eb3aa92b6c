"""What a source argument is: a file of some format, standard input, something to ask, or a target."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from fleet.errors import InventoryError
from fleet.guess import closest
from fleet.inventory.address import shown
from fleet.inventory.feeds.store import Feeds, is_asked
from fleet.inventory.formats.file_sd import read_json_groups, read_yaml_groups
from fleet.inventory.formats.lines import read_lines
from fleet.inventory.formats.rows import Row, check_row
from fleet.inventory.formats.tables import read_csv, read_jsonl
from fleet.inventory.formats.text import parse_line, read_text
from fleet.inventory.match import split_commas
from fleet.inventory.report import Report, placed
from fleet.policy import MIB, Limits

if TYPE_CHECKING:
    from fleet.inventory.feeds.feed import Listing
    from fleet.yamlfile import YamlFile

Format = Literal["text", "csv", "tsv", "jsonl", "json", "yaml"]

STDIN = "-"
ARGUMENTS = "arguments"  # the origin of targets that stand on the command line
GROUP_LIMIT = 64 * MIB  # of one group of a JSON file, or of a whole YAML file

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_HEAD = 64 * 1024  # bytes of a YAML file in which `sources:` must begin
_MEMBERS = re.compile(rb"^(?:sources[ \t]*:|\{[ \t]*[\"']?sources)", re.MULTILINE)
_FILE_LIKE = re.compile(
    r"(?i)(?:.*\.(?:csv|tsv|jsonl|ndjson|json|yaml|yml|txt|list|lst|hosts|inventory)|\.{0,2}/.*|~/.*|[^\[\]:/]+/[^\d/].*)"
)


def rows_of(
    source: str, *, limits: Limits, report: Report, feeds: Feeds, stdin: BinaryIO | None = None
) -> Iterator[Row]:
    """The rows of one source, lazily. Raises InventoryError when the source itself cannot be read."""
    if is_asked(source):
        yield from _given(feeds.written(source), source, limits=limits, report=report)
        return
    if source == STDIN:
        yield from _read(stdin or sys.stdin.buffer, "text", file="<stdin>", limits=limits, report=report)
        return
    path = _path(source)
    if not _exists(path):
        yield from map(_literal, _listed(source))
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InventoryError(f"cannot read {source}: {error.strerror}") from None
    with stream:
        kind = _SUFFIXES.get(path.suffix.lower(), "text")
        if kind == "yaml":
            members = partial(_members, path=path, limits=limits, report=report, feeds=feeds)
            yield from read_yaml_groups(
                stream, file=source, limit=GROUP_LIMIT, report=report, members=members
            )
        else:
            yield from _read(stream, kind, file=source, limits=limits, report=report)


def check_source(source: str, *, limits: Limits, feeds: Feeds) -> None:
    """Raise InventoryError for a source that cannot be used at all, before anything of any source is read.

    A target on the command line is checked whole: it is the caller's own typing, not one line of many.
    """
    if source == STDIN:
        return
    if is_asked(source):
        feeds.check(source)
        return
    path = _path(source)
    if source and _exists(path):
        if path.is_dir():
            raise InventoryError(f"{source} is a directory, not an inventory")
        if not os.access(path, os.R_OK):
            raise InventoryError(f"cannot read {source}: permission denied")
        return
    if looks_like_file(source):
        if _is_hidden(path):
            raise InventoryError(f"cannot read {source}: permission denied")
        raise InventoryError(f"no such file: {shown(source, 300)}", hint=_neighbour(path))
    try:
        for target in _listed(source):
            check_row(_literal(target), expansion=limits.expansion)
    except InventoryError as error:
        raise placed(error, ARGUMENTS, None) from None


def _read(stream: BinaryIO, kind: Format, *, file: str, limits: Limits, report: Report) -> Iterator[Row]:
    if kind == "json":
        return read_json_groups(stream, file=file, limit=GROUP_LIMIT, report=report)
    lines = read_lines(stream, file=file, limit=limits.line, report=report)
    if kind == "jsonl":
        return read_jsonl(lines, file=file, report=report)
    if kind == "text":
        return read_text(lines, file=file, report=report)
    return read_csv(lines, file=file, report=report, tabs=kind == "tsv")


def _given(listing: Listing, name: str, *, limits: Limits, report: Report) -> Iterator[Row]:
    """The rows of what a source gave, and what it left out."""
    for problem in listing.problems:
        report(InventoryError(problem, file=name))
    if listing.omitted > len(listing.problems):
        report(InventoryError(f"{listing.omitted - len(listing.problems)} more are no targets", file=name))
    yield from _read(BytesIO(listing.data), listing.format, file=name, limits=limits, report=report)


def _members(file: YamlFile, *, path: Path, limits: Limits, report: Report, feeds: Feeds) -> Iterator[Row]:
    """The rows of a YAML file with `sources:`: it consists of others, which are no such files themselves."""
    from fleet.inventory.feeds.file import read_sources  # noqa: PLC0415  (pydantic, where there is such a file)

    for member in read_sources(file):
        if not isinstance(member, str):
            name, listing = feeds.of_model(member, path.parent)
            yield from _given(listing, name, limits=limits, report=report)
            continue
        source = absolute_source(member, path.parent)
        if source == STDIN or (asks(source) and not is_asked(source)):
            raise InventoryError(f"{shown(member)} cannot be one of its sources", file=str(path))
        check_source(source, limits=limits, feeds=feeds)
        yield from rows_of(source, limits=limits, report=report, feeds=feeds)


def asks(source: str) -> bool:
    """Whether a source asks others for its targets: they may be other ones in an hour."""
    if is_asked(source):
        return True
    path = _path(source)
    if (
        source == STDIN
        or _SUFFIXES.get(path.suffix.lower()) != "yaml"
        or not _exists(path)
        or not path.is_file()
    ):
        return False
    try:
        with path.open("rb") as stream:
            return _MEMBERS.search(stream.read(_HEAD)) is not None
    except OSError:
        return False


def absolute_source(source: str, home: Path | None = None) -> str:
    """A source whose relative paths, from `home`, are made absolute: an existing file, the inventory of
    `ansible:`, the program of `exec:`. Anything else (an expression, `-`) as it is."""
    home = home or Path()
    kind, _, rest = source.partition(":")
    if is_asked(source) and kind == "ansible":
        path, mark, query = rest.partition("?")
        return (
            source if "," in path else f"ansible:{(home / Path(path).expanduser()).absolute()}{mark}{query}"
        )
    if is_asked(source) and kind == "exec" and "/" in (program := rest.lstrip().partition(" ")[0]):
        return f"exec:{(home / program).absolute()}{rest.lstrip()[len(program) :]}"
    file = home / _path(source)
    return str(file.absolute()) if source != STDIN and source and _exists(file) else source


def _listed(source: str) -> list[str]:
    """The targets of one argument, as a report lists host sets: `bmc-[001-074], bmc-99`; labels stand beside
    one target only."""
    return [part.strip() for part in split_commas(source) if "=" not in source] or [source]


def _literal(source: str) -> Row:
    """A target written on the command line; labels may follow it inside the same argument."""
    row = parse_line(source, file=ARGUMENTS)
    if row is None:
        raise InventoryError("an empty target")
    return row


def rereadable(source: str) -> bool:
    """Whether a source can be read again: not standard input, not a pipe. What is asked can be, with the
    same answer as long as its `Feeds` are kept."""
    if is_asked(source):
        return True
    path = _path(source)
    return source != STDIN and (not _exists(path) or path.is_file())


def is_target(source: str) -> bool:
    """Whether a source that is no file here can be a target expression: its name is not that of a file."""
    return not looks_like_file(source)


def looks_like_file(source: str) -> bool:
    """Whether a source that does not exist was probably meant as a file."""
    return "://" not in source and _FILE_LIKE.fullmatch(source) is not None


def _path(source: str) -> Path:
    return Path(source).expanduser() if source.startswith("~/") else Path(source)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or a NUL inside: an expression, not a file
        return False


def _is_hidden(path: Path) -> bool:
    """Whether nobody can tell that it is there or not: a folder above it may not be entered."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _neighbour(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    near = closest(path.name, names)
    return f"did you mean {path.parent / near}?" if near else None
