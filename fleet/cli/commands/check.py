"""`fleet check`: is everything in place, before a scan."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options import completing
from fleet.cli.options.given import scan_options
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.shared import access, input_option, operation_option, pipeline_option, shared, targets
from fleet.cli.shell import Shell, ask_secret
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from rich.table import Table

    from fleet.assembly import PreparedScan
    from fleet.outcome import Outcome

_EXAMPLES = """
fleet check --list
fleet check redfish hosts.txt --auths auths.yaml
fleet check my-spec.yaml --against mockups/public-rackmount1
fleet check my-spec.yaml --against https://bmc17 --user root
"""

_what = section(
    "What to check",
    option("--list", "listing", is_flag=True, help="Name the built-in specs, and nothing else."),
    pipeline_option,
    operation_option,
    input_option,
    option(
        "--against", metavar="TREE|TARGET", help="Run it on one mockup tree or target; show rows per step."
    ),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("spec", required=False, shell_complete=completing.specs)
@click.argument("sources", nargs=-1, metavar="[TARGETS]...")
@shared(_what, targets, access)
@click.pass_obj
def check(shell: Shell, /, spec: str | None, listing: bool, against: str | None, **given: Any) -> int:
    """Check that SPEC is valid, that TARGETS can be read, and that every credential resolves.

    Without --against no socket opens. With it, one target (or a directory served as one) is scanned: a
    step that yields no rows is a warning, and one that fails makes exit status 1.
    """
    from fleet.assembly import dry_run_of, prepare

    if listing or spec is None:
        return _list(shell, asked=listing)
    prepared = prepare(scan_options({**given, "spec": spec}), prompt=ask_secret)
    shell.redactor.learn(*prepared.secrets)
    for note in prepared.notes:
        shell.say(note)
    plan = dry_run_of(prepared)
    steps = f"{len(plan['steps'])} step{'' if len(plan['steps']) == 1 else 's'}"
    shell.say(f"spec         {plan['spec']}: valid; pipeline {plan['pipeline']}, {steps}")
    if given["sources"]:
        count = plan["targets"]
        shell.say(f"targets      {count:,}" if count is not None else "targets      not read: a stream")
    if plan.get("auths"):
        shell.say(f"credentials  {', '.join(plan['auths'])}: resolved")
    if plan["unused"]:
        from fleet.cli.render.dry_run import unused_text

        shell.say(f"unused       {unused_text(plan['unused'])}")
    return _against(shell, prepared, against) if against is not None else Exit.DONE


def _list(shell: Shell, *, asked: bool) -> int:
    from fleet.cli.render.tables import listed
    from fleet.config import list_builtin_specs, load_spec

    specs = {name: load_spec(name) for name in list_builtin_specs()}
    lines = listed(
        [(name, f"{spec.info.title}: {', '.join(spec.pipelines)}") for name, spec in specs.items()]
    )
    click.echo(lines, nl=False)
    if not asked:
        shell.say("name one of these, or a file: fleet check SPEC [TARGETS]...")
    return Exit.DONE if asked else Exit.CANNOT_RUN


def _against(shell: Shell, prepared: PreparedScan, where: str) -> int:
    import sys

    import anyio

    from fleet.assembly import check_against

    tree = Path(where)
    trial = partial(_on_tree, prepared, tree) if tree.is_dir() else partial(check_against, prepared, where)
    outcome = anyio.run(trial)
    table, empty = _rows_per_step(outcome)
    shell.show(sys.stdout, table)
    for failure in (*([outcome.failure] if outcome.failure else []), *outcome.errors):
        place = " ".join(part for part in (failure.step, failure.uri) if part)
        shell.complain(
            f"{failure.kind}: {place}: {failure.message}" if place else f"{failure.kind}: {failure.message}"
        )
    if empty:
        shell.complain(f"warning: no rows here from {', '.join(empty)}")
    return Exit.FINDINGS if outcome.status in {"failed", "partial"} else Exit.DONE


async def _on_tree(prepared: PreparedScan, tree: Path) -> Outcome:
    """The outcome of a directory, served as one target on this machine."""
    from fleet.assembly import check_against
    from fleet.sim import SimOptions, SimulatedFleet

    async with SimulatedFleet(SimOptions(hosts=1, trees=[tree])) as served:
        return await check_against(prepared, served.hosts[0])


def _rows_per_step(outcome: Outcome) -> tuple[Table, list[str]]:
    """A table of the steps, and the names of those that yield nothing."""
    from rich.text import Text

    from fleet.cli.render.tables import plain_table
    from fleet.observe import safe

    table = plain_table()
    table.add_column("step", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("", overflow="fold")
    absent = {skip.step: skip.why for skip in outcome.skipped}
    for name, held in outcome.steps.items():
        words = [] if held.complete else ["incomplete"]
        if not held.rows:
            words.append(f"not offered ({absent[name]})" if name in absent else "no rows")
        table.add_row(Text(safe(name, 60)), f"{len(held.rows):,}", Text(safe(", ".join(words), 100)))
    return table, [name for name, held in outcome.steps.items() if not held.rows]
