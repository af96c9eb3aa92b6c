"""Descriptions that commands are given by path, URL or built-in name, and trees that they write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.sections import option, section

if TYPE_CHECKING:
    from fleet.openapi import Document, YamlReader

Read = Callable[[str], bytes]

writing = section(
    "Output",
    option("-o", "--output", "output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
           help="Write FILE instead of stdout; .json and .yaml decide the format."),
    option("-f", "--format", "kind", type=click.Choice(["json", "yaml"]), help="[default: the source's own]"),
)  # fmt: skip


def load_source(source: str, reader: YamlReader | None = None) -> Document:
    """The description that SOURCE names. Raises `SpecError`."""
    name, read = opened(source)
    return load_opened(name, read, reader)


def load_opened(name: str, read: Read, reader: YamlReader | None = None) -> Document:
    """The description of that absolute name; YAML is read by `reader`, or from the cache of what was."""
    from fleet.client import load_document
    from fleet.openapi import load

    if reader is None:
        return load_document(name, loader=read)
    return load(source=name, reader=read, parse=reader)


def opened(source: str) -> tuple[str, Read]:
    """The absolute path or URL of a description, and what reads it and what it refers to."""
    from fleet.client import ChainLoader, FileSystemLoader, PrefixLoader, WebLoader
    from fleet.config import list_builtin_specs, load_spec

    refs: dict[str, str] = {}
    if source in list_builtin_specs():
        built_in = load_spec(source)
        source, refs = str(built_in.api_source), {k: str(v) for k, v in built_in.ref_sources.items()}
    mapped = [PrefixLoader(prefix, root) for prefix, root in sorted(refs.items(), reverse=True)]
    if "://" in source:
        return source, ChainLoader(*mapped, WebLoader(source))
    path = Path(source).absolute()
    return str(path), ChainLoader(*mapped, FileSystemLoader(path.parent))


def write_tree(tree: Any, source: str, output: Path | None, kind: str | None) -> None:
    """Writes a tree as JSON or YAML, as it is asked for: by name, by the file's suffix, as the source is.
    Raises `SinkError` where the file cannot be written."""
    import orjson

    from fleet.errors import SinkError
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

    return safe_block(text)
