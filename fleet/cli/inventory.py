"""`fleet inventory`: what a set of sources stands for, without scanning it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from fleet.inventory import Inventory


def _sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments and options that say which targets are meant."""
    for option in (
        click.argument("sources", nargs=-1, required=True),
        click.option("--scheme", type=click.Choice(["https", "http"]), default="https", show_default=True),
        click.option(
            "--exclude", multiple=True, metavar="EXPR", help="Leave out a host, network, range or glob."
        ),
        click.option("--exclude-file", multiple=True, metavar="FILE", help="Leave out what a file lists."),
        click.option(
            "--select", multiple=True, metavar="COND", help="Keep targets for which site=a,rack!=7* holds."
        ),
        click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Stop after N targets."),
        click.option("--strict-inventory", is_flag=True, help="Make the first bad entry fatal."),
    ):
        command = option(command)
    return command


@click.group()
def inventory() -> None:
    """See what files, networks and ranges stand for."""


@inventory.command()
@_sources
def expand(**arguments: Any) -> None:
    """Print the targets, one line each, as a text inventory that reads back to the same targets."""
    from fleet.inventory import format_target

    targets = _open(**arguments)
    output = sys.stdout  # click.echo flushes every line
    for target in targets:
        output.write(f"{format_target(target)}\n")
    output.flush()
    click.echo(str(targets.counts), err=True)


@inventory.command()
@_sources
def count(**arguments: Any) -> None:
    """Print how many targets there are."""
    targets = _open(**arguments)
    for _ in targets:
        pass
    click.echo(targets.counts.targets)
    click.echo(str(targets.counts), err=True)


def _open(
    sources: tuple[str, ...],
    scheme: Literal["https", "http"],
    exclude: tuple[str, ...],
    exclude_file: tuple[str, ...],
    select: tuple[str, ...],
    limit: int | None,
    strict_inventory: bool,
) -> Inventory:
    from fleet.inventory import InventoryOptions, read_targets

    options = InventoryOptions(
        scheme=scheme,
        exclude=exclude,
        exclude_files=exclude_file,
        select=select,
        limit=limit,
        strict=strict_inventory,
    )
    return read_targets(sources, options=options, report=lambda error: click.echo(str(error), err=True))
