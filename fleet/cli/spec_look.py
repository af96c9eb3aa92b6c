"""`fleet spec show|operations|tags`: what a description says."""

from __future__ import annotations

import click

from fleet.cli.sections import SectionedCommand
from fleet.cli.spec_source import described, inert, load_source


@click.command(
    cls=SectionedCommand,
    examples="fleet spec operations api.yaml | grep POST",
    short_help="List the operations, a line each.",
)
@described
def operations(source: str, refs: tuple[str, ...]) -> None:
    """One line per operation: method, path, operationId, tags, summary; separated by tabs."""
    for operation in load_source(source, refs).operations.values():
        name = "-" if operation.name == f"{operation.method} {operation.template}" else operation.name
        note = "(deprecated) " if operation.deprecated else ""
        fields = (operation.method, operation.template, name, ",".join(operation.tags) or "-")
        click.echo("\t".join(inert(field) for field in (*fields, note + operation.summary)))


@click.command(
    cls=SectionedCommand, examples="fleet spec tags api.yaml", short_help="List the tags, a line each."
)
@described
def tags(source: str, refs: tuple[str, ...]) -> None:
    """One line per tag: its path from the outermost tag, operations that carry it, summary."""
    document = load_source(source, refs)
    counts: dict[str, int] = dict.fromkeys(document.tags, 0)
    for operation in document.operations.values():
        for tag in operation.tags:
            counts[tag] = counts.get(tag, 0) + 1
    for name, count in counts.items():
        known = document.tags.get(name)
        text = (known.summary or known.description.partition("\n")[0]) if known else "(not declared)"
        click.echo(
            "\t".join(inert(field) for field in (" / ".join(document.tag_path(name)), str(count), text))
        )


@click.command(
    cls=SectionedCommand,
    examples="fleet spec show redfish 'GET /redfish/v1/Systems'",
    short_help="Show one operation, and how to call it.",
)
@described
@click.argument("operation")
def show(source: str, operation: str, refs: tuple[str, ...]) -> None:
    """One OPERATION (an operationId, or 'METHOD /template'): parameters, body, answers, security, a call."""
    from fleet.cli.spec_show import lines

    for line in lines(load_source(source, refs), operation, source):
        click.echo(inert(line))
