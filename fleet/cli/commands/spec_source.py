"""Descriptions that commands are given by path, URL or built-in name, and trees that they write."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fleet.cli.options.sections import Section, option, section
from fleet.errors import SinkError, UsageError
from fleet.frozen import frozen

if TYPE_CHECKING:
    from fleet.openapi import Document, YamlReader

_LOOKED_AT = 200  # lines
_MAX_LINE = 2_000  # characters: a place in a description is long, and comes last
_MAX_PIPED = 64 * 1024 * 1024  # bytes: as much as a file may have
Read = Callable[[str], bytes]
Declared = TypeVar("Declared", bound=Callable[..., Any])


def described(function: Declared) -> Declared:
    """The argument SOURCE, and where what it refers to is read from."""
    function = section(
        "References",
        option("--refs", "refs", multiple=True, metavar="PREFIX=DIR",
               help="Read references that begin with PREFIX from DIR, as `refs:` of a spec file."),
    )(function)  # fmt: skip
    return click.argument("source")(function)


writing: Section = section(
    "Output",
    option("-o", "--output", "output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
           help="Write FILE instead of stdout; .json and .yaml decide the format."),
    option("-f", "--format", "kind", type=click.Choice(["json", "yaml"]), help="[default: the source's own]"),
)  # fmt: skip


@frozen
class Opened:
    """A description before it is parsed: its absolute path or URL, what reads it and what it refers to, and
    the plugins that repair it."""

    name: str
    read: Read
    plugins: tuple[Any, ...] = ()

    def load(self) -> Document:
        """The description. Raises `SpecError`."""
        from fleet.client import load_document

        return load_document(self.name, loader=self.read, plugins=self.plugins)


def load_source(source: str, refs: Sequence[str] = ()) -> Document:
    """The description that SOURCE names. Raises `SpecError`, `UsageError`."""
    return opened(source, refs).load()


def opened(source: str, refs: Sequence[str] = (), reader: YamlReader | None = None) -> Opened:
    """What SOURCE names (`-` is stdin; a pipe is read here), its YAML read by `reader`. A spec file, and a
    built-in one, stands for the description that it names, with its `refs:` and `fixups:`. Raises
    `SpecError`, `UsageError`."""
    from fleet.client import ChainLoader, FileSystemLoader, PrefixLoader, WebLoader
    from fleet.config import list_builtin_specs

    plugins: tuple[Any, ...] = ()
    places: dict[str, str] = {}
    piped = source == "-" or _is_pipe(source)
    if not piped and (source in list_builtin_specs() or _is_spec_file(source)):
        from fleet.client import Fixups
        from fleet.config import load_spec  # brings pydantic: only where there is a spec to read

        spec = load_spec(source)
        source, places = spec.api_source, dict(spec.ref_sources)
        if spec.fixups:
            plugins = (Fixups(entry.fixup for entry in spec.fixups),)
    for given in refs:
        prefix, equals, place = given.rpartition("=")
        if not equals or not Path(place).is_dir():
            raise UsageError(f"--refs takes PREFIX=DIR with a directory that is there, not {given!r}")
        places[prefix] = str(Path(place).absolute())
    mapped = [PrefixLoader(prefix, root, reader) for prefix, root in sorted(places.items(), reverse=True)]
    if piped:
        return _piped(source, mapped, reader)
    if "://" in source:
        return Opened(source, ChainLoader(*mapped, WebLoader(source, yload=reader)), plugins)
    path = Path(source).absolute()
    return Opened(str(path), ChainLoader(*mapped, FileSystemLoader(path.parent, reader)), plugins)


def _piped(source: str, mapped: list[Any], reader: YamlReader | None) -> Opened:
    """A description on stdin, or in a pipe such as `<(git show HEAD:api.yaml)`; what it refers to is beside
    the working directory's files."""
    from fleet.client import ChainLoader, FileSystemLoader

    data = _drained(source)
    name = str(Path.cwd() / ("<stdin>" if source == "-" else f"<{Path(source).name}>"))

    def read(uri: str) -> bytes:
        return data if uri == name else beside(uri)

    beside = ChainLoader(*mapped, FileSystemLoader(Path.cwd(), reader))
    return Opened(name, read)


def _drained(source: str) -> bytes:
    import sys

    from fleet.errors import SpecError

    if source == "-":
        return sys.stdin.buffer.read(_MAX_PIPED)
    try:
        with Path(source).open("rb") as stream:
            return stream.read(_MAX_PIPED)
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror or error}", file=source) from None


def _is_pipe(source: str) -> bool:
    """Whether a path leads to what can be read once only: a pipe, a socket, a terminal."""
    try:
        mode = Path(source).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def _is_spec_file(source: str) -> bool:
    """Whether a file is a spec: it begins a line with `fleet:`."""
    try:
        with Path(source).open("rb") as lines:
            return any(line.startswith(b"fleet:") for line in islice(lines, _LOOKED_AT))
    except (OSError, ValueError):
        return False


def write_tree(tree: Any, source: str, output: Path | None, kind: str | None) -> None:
    """Writes a tree as JSON or YAML, as it is asked for: by name, by the file's suffix, as the source is.
    Raises `SinkError` where the file cannot be written."""
    import orjson

    from fleet.openapi import dump_yaml

    suffix = (output or Path(source)).suffix.lower()
    if (kind or ("json" if suffix == ".json" else "yaml")) == "json":
        data = orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        data = dump_yaml(tree).encode()
    if output is None:
        click.echo(data, nl=False)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise SinkError(f"{output} cannot be written: {error.strerror or error}") from None


def inert(text: str) -> str:
    """Text of a description that does nothing to a terminal."""
    from fleet.observe import safe_block

    return safe_block(text, limit=_MAX_LINE)
