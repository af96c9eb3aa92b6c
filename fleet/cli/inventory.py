"""`fleet inventory`: what a set of sources stands for, without scanning it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import click

from fleet.cli.options import named_targets
from fleet.cli.sections import SectionedCommand

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
def expand(**arguments: Any) -> None:
    """Print the targets, one line each, as a text inventory that reads back to the same targets."""
    from fleet.inventory import format_target

    targets = _open(**arguments)
    output = sys.stdout  # click.echo flushes every line
    for target in targets:
        output.write(f"{format_target(target)}\n")
    output.flush()
    click.echo(str(targets.counts), err=True)


@inventory.command(cls=SectionedCommand, examples="fleet inventory count hosts.txt 10.0.0.0/24")
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
    exclude_files: tuple[str, ...],
    select: tuple[str, ...],
    sample: str | None,
    limit: int | None,
    shard: str | None,
    shuffle: bool,
    seed: int,
    strict_inventory: bool,
) -> Inventory:
    from fleet.inventory import InventoryOptions, Sample, Shard, read_targets

    options = InventoryOptions(
        scheme=scheme,
        exclude=exclude,
        exclude_files=exclude_files,
        select=select,
        sample=Sample.parse(sample) if sample is not None else None,
        limit=limit,
        shuffle=shuffle,
        seed=seed,
        strict=strict_inventory,
        shard=Shard.parse(shard) if shard is not None else None,
    )
    return read_targets(sources, options=options, report=lambda error: click.echo(str(error), err=True))
