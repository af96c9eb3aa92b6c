"""`fleet baseline`: runs kept under a name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fleet.cli.options.forms import format_option, run_argument
from fleet.cli.options.sections import InOrder, SectionedCommand, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit
from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.engine import Baseline

_EXAMPLES = """
fleet baseline set golden latest
fleet diff baseline:golden latest
fleet show baseline:golden system
"""


@click.group(cls=InOrder)
def baseline() -> None:
    """Keep a run under a name, to compare later ones with it: fleet diff baseline:NAME latest.

    A baseline is a copy of the run's outcomes, in baselines/ where runs go: it stays what it was when the run
    is resumed, and there when the run is removed. Every command takes baseline:NAME for a run.
    """


def _swapped(name: str, run: str) -> str:
    """A hint where the run was given first."""
    from fleet.engine import find_run

    try:
        find_run(name)
    except UsageError:
        return ""
    return f"\n  the name comes first: fleet baseline set {run} {name}"


@baseline.command("set", cls=SectionedCommand, examples=_EXAMPLES, short_help="Keep RUN as NAME.")
@click.argument("name")
@run_argument
@click.pass_obj
def set_(shell: Shell, /, name: str, run: str) -> int:
    """Keep RUN (the latest, if not told otherwise) as NAME; a baseline of that name is replaced."""
    from fleet.engine import find_run, set_baseline

    try:
        kept = set_baseline(name, find_run(run))
    except UsageError as error:
        raise UsageError(f"{error}{_swapped(name, run)}") from None
    state = "" if kept.entry.state == "complete" else f", {kept.entry.state}: targets are missing in it"
    shell.say(f"baseline:{kept.name} is a copy of {kept.origin}{state}")
    return Exit.DONE


@baseline.command("list", cls=SectionedCommand, short_help="List them.")
@section("Form", format_option("csv", "jsonl", help="In each of them a line is a baseline."))
@click.pass_obj
def list_(shell: Shell, /, form: str) -> int:
    """List the baselines: of which run, from when, how many targets."""
    from fleet.engine import list_baselines

    found = list_baselines()
    if form == "jsonl":
        from fleet.cli.render.cells import write_jsonl

        write_jsonl(sys.stdout, (one.to_json() for one in found))
    elif form == "csv":
        from fleet.cli.render.cells import write_csv

        columns = ("baseline", "set", "id", "started", "pipeline", "targets", "bytes", "path", "from")
        write_csv(sys.stdout, columns, (one.to_json() for one in found))
    elif found:
        _table(shell, found)
    else:
        shell.say("no baselines yet: fleet baseline set NAME RUN makes one")
    return Exit.DONE


@baseline.command("remove", cls=SectionedCommand, short_help="Remove a baseline, not its run.")
@click.argument("name")
@click.pass_obj
def remove(shell: Shell, /, name: str) -> int:
    """Remove the baseline NAME; the run that it was made of is left alone."""
    from fleet.engine import remove_baseline

    remove_baseline(name)
    shell.say(f"removed: baseline:{name}")
    return Exit.DONE


def _table(shell: Shell, found: list[Baseline]) -> None:
    from rich.text import Text

    from fleet.cli.render.tables import plain_table
    from fleet.cli.shell import from_here
    from fleet.observe import safe
    from fleet.phrases import size_text

    table = plain_table()
    for name in ("baseline", "targets", "started", "pipeline", "size", "from"):
        table.add_column(name, justify="right" if name in ("targets", "size") else "left", overflow="fold")
    for one in found:
        entry = one.entry
        targets = f"{sum(entry.statuses.values()):,}" if entry.statuses is not None else ""
        cells = (
            one.name, targets if entry.state != "broken" else "broken",
            entry.started[:16].replace("T", " "), f"{entry.spec} {entry.pipeline}".strip(),
            size_text(entry.size), from_here(one.origin),
        )  # fmt: skip
        table.add_row(*(Text(safe(cell, 120)) for cell in cells))
    shell.show(sys.stdout, table, width=None if sys.stdout.isatty() else 10_000)
