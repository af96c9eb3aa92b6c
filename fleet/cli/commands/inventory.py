"""`fleet inventory`: what a set of sources stands for, without scanning it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.sections import SectionedCommand
from fleet.cli.options.shared import named_targets
from fleet.cli.options.where import target_condition
from fleet.cli.render.fields import tell_fields
from fleet.cli.shell import Shell

if TYPE_CHECKING:
    from fleet.inventory import Inventory


def _sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments and options that say which targets are meant."""
    return click.argument("sources", nargs=-1, required=True)(named_targets(command))


@click.group()
def inventory() -> None:
    """See what files, networks and ranges stand for."""


@inventory.command(
    cls=SectionedCommand,
    short_help="Print the targets, one line each.",
    examples="fleet inventory expand hosts.txt\nfleet inventory expand 'bmc[001-512].dc1' 10.0.0.0/24",
)
@_sources
@click.pass_obj
def expand(shell: Shell, /, **arguments: Any) -> None:
    """Print the targets, one line each, as a text inventory that reads back to the same targets."""
    from fleet.inventory import format_target

    targets = _open(arguments)
    if arguments["list_fields"]:
        _fields(shell, targets)
        return
    output = sys.stdout  # click.echo flushes every line
    for target in targets:
        output.write(f"{format_target(target)}\n")
    output.flush()
    click.echo(str(targets.counts), err=True)


@inventory.command(cls=SectionedCommand, examples="fleet inventory count hosts.txt 10.0.0.0/24")
@_sources
@click.pass_obj
def count(shell: Shell, /, **arguments: Any) -> None:
    """Print how many targets there are."""
    targets = _open(arguments)
    if arguments["list_fields"]:
        _fields(shell, targets)
        return
    for _ in targets:
        pass
    click.echo(targets.counts.targets)
    click.echo(str(targets.counts), err=True)


def _open(given: dict[str, Any]) -> Inventory:
    from fleet.inventory import InventoryOptions, Sample, Shard, read_targets

    options = InventoryOptions(
        scheme=given["scheme"],
        exclude=given["exclude"],
        exclude_files=given["exclude_files"],
        select=given["select"],
        where=target_condition(given["where"]),
        sample=Sample.parse(given["sample"]) if given["sample"] is not None else None,
        limit=given["limit"],
        shard=Shard.parse(given["shard"]) if given["shard"] is not None else None,
        shuffle=given["shuffle"],
        seed=given["seed"],
        strict=given["strict_inventory"],
    )
    return read_targets(
        given["sources"], options=options, report=lambda error: click.echo(str(error), err=True)
    )


def _fields(shell: Shell, targets: Inventory) -> None:
    from fleet.inventory import fields_of

    tell_fields(shell, map(fields_of, targets), of="targets")
