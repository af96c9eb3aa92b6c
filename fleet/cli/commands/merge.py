"""`fleet merge`: one run of the runs of its shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fleet.cli.options import completing
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell, shown_run
from fleet.cli.statuses import Exit
from fleet.phrases import some

if TYPE_CHECKING:
    from fleet.distribute import Merged

_EXAMPLES = """
fleet scan hosts.txt --shard 0/4 --run-dir runs/part-0
fleet merge runs/part-* --run-dir runs/whole
"""
MANY = 10  # shards and runs named of those that are missing


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=completing.runs)
@section("Output", option("--run-dir", metavar="DIR", help="Where the merged run goes. [runs/<id>]"))
@click.pass_obj
def merge(shell: Shell, /, runs: tuple[str, ...], run_dir: str | None) -> int:
    """Make one run of the runs of its shards (fleet scan --shard I/N), one outcome for each target.

    The last outcome of a target counts, unless it was cut short and another was not. What is missing is
    said: shards of which no run was given, runs that were not finished, targets of the inventory without an
    outcome; exit status 1 then. Runs of another spec, pipeline or inventory are refused.
    """
    from pathlib import Path

    from fleet.distribute import merge as merged_of
    from fleet.engine import find_run

    merged = merged_of([find_run(run) for run in runs], Path(run_dir) if run_dir is not None else None)
    counts = ", ".join(f"{count:,} {status}" for status, count in merged.statuses.items() if count)
    click.echo(
        f"{some(merged.targets, 'target')} ({counts or 'none'}) of {some(len(runs), 'run')} "
        f"in {shown_run(merged.run_directory)}"
    )
    if merged.outranked:
        click.echo(f"{some(merged.outranked, 'outcome')} left out: another one of the same target counts")
    for line in _missing(merged):
        shell.complain(line)
    return Exit.DONE if merged.complete else Exit.FINDINGS


def _missing(merged: Merged) -> list[str]:
    from fleet.observe import safe

    lines = []
    if merged.absent:
        named = ", ".join(map(str, merged.absent[:MANY])) + (", ..." if len(merged.absent) > MANY else "")
        lines.append(f"missing: no run of shard {named} of {merged.shards} (they count from 0)")
    if merged.unfinished:
        named = " ".join(map(str, merged.unfinished[:MANY])) + (
            " ..." if len(merged.unfinished) > MANY else ""
        )
        lines.append(f"missing: not finished: {named}\n  fleet resume goes on with each")
    if merged.missing:
        named, verb = ", ".join(map(safe, merged.examples)), "has" if merged.missing == 1 else "have"
        targets = some(merged.missing, "target")
        lines.append(f"missing: {targets} of the inventory {verb} no outcome that stands: {named}")
    elif merged.missing is None:
        lines.append("the inventory cannot be read as it was: targets that no shard had are not noticed")
    return lines
