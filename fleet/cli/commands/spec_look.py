"""`fleet spec show|operations|tags`: what a description says."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from shutil import get_terminal_size

import click

from fleet.cli.commands.spec_source import described, inert, load_source
from fleet.cli.options.sections import SectionedCommand
from fleet.cli.render.tables import aligned
from fleet.errors import UsageError


@click.command(
    cls=SectionedCommand,
    examples="fleet spec operations api.yaml | grep POST",
    short_help="List the operations, a line each.",
)
@described
def operations(source: str, refs: tuple[str, ...]) -> None:
    """One line per operation: method, path, operationId, tags, summary.

    Columns are aligned and cut to fit in a terminal, and separated by one tab elsewhere.
    """
    rows = []
    for operation in load_source(source, refs).operations.values():
        name = "-" if operation.name == f"{operation.method} {operation.template}" else operation.name
        note = "(deprecated) " if operation.deprecated else ""
        fields = (operation.method, operation.template, name, ",".join(operation.tags) or "-")
        rows.append((*fields, note + operation.summary))
    _print(rows)


@click.command(
    cls=SectionedCommand, examples="fleet spec tags api.yaml", short_help="List the tags, a line each."
)
@described
def tags(source: str, refs: tuple[str, ...]) -> None:
    """One line per tag: its path from the outermost tag, operations that carry it, summary."""
    document = load_source(source, refs)
    rows = []
    counts: dict[str, int] = dict.fromkeys(document.tags, 0)
    for operation in document.operations.values():
        for tag in operation.tags:
            counts[tag] = counts.get(tag, 0) + 1
    for name, count in counts.items():
        known = document.tags.get(name)
        text = (known.summary or known.description.partition("\n")[0]) if known else "(not declared)"
        rows.append((" / ".join(document.tag_path(name)), str(count), text))
    _print(rows)


def _print(rows: Iterable[tuple[str, ...]]) -> None:
    safe = [tuple(inert(field) for field in row) for row in rows]
    if sys.stdout.isatty():
        width = get_terminal_size().columns
        lines = [line if len(line) <= width else line[: width - 1] + "…" for line in aligned(safe)]
    else:
        lines = ["\t".join(row) for row in safe]
    for line in lines:
        click.echo(line)


@click.command(
    cls=SectionedCommand,
    examples="fleet spec show redfish 'GET /redfish/v1/Systems'",
    short_help="Show one operation, and how to call it.",
)
@described
@click.argument("operation", required=False, metavar="OPERATION")
def show(source: str, operation: str | None, refs: tuple[str, ...]) -> None:
    """One OPERATION (an operationId, or 'METHOD /template'): parameters, body, answers, security, a call."""
    from fleet.cli.render.operation import lines

    if operation is None:
        raise UsageError(f"name an OPERATION of {source}\n  fleet spec operations {source} lists them")

    shown = map(inert, lines(load_source(source, refs), operation, source))
    for line in _fitted(shown, get_terminal_size().columns) if sys.stdout.isatty() else shown:
        click.echo(line)


def _fitted(lines: Iterable[str], width: int) -> Iterator[str]:
    """Lines broken between words where they are longer than the terminal is wide. The calls at the end are
    left to it, so that they can be copied."""
    called = False
    for line in lines:
        called = called or line == "call:"
        if called or len(line) <= width:
            yield line
            continue
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        yield textwrap.fill(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
