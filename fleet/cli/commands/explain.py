"""`fleet explain`: the story of one target of a run."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from fleet.cli.options.forms import format_option, run_argument
from fleet.cli.options.sections import SectionedCommand, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit
from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.report import Found

_EXAMPLES = """
fleet explain bmc-17-004
fleet explain https://10.8.16.2:8443 previous
fleet explain 10.8.16.2 --format json | jq .errors
"""


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("target")
@run_argument
@section("Form", format_option("json", help="json is the outcome as it is stored."))
@click.pass_obj
def explain(shell: Shell, /, target: str, run: str, form: str) -> int:
    """Tell the story of TARGET in RUN: what came of it and why, step by step, and how to ask for it again.

    TARGET is its id, its URL, its host, a host set (bmc-[001-074]) of which one is there, or a part of its id
    that no other target has.
    """
    from fleet.engine import find_run, read_manifest
    from fleet.report import find_target

    try:
        path = find_run(run)
    except UsageError as error:
        raise UsageError(f"{error}{_swapped(target, run)}") from None
    found = find_target(path, target)
    if found.record is None:
        raise UsageError(_unknown(target, run, found))
    record = found.record
    if form == "json":
        sys.stdout.write(json.dumps(record, ensure_ascii=True, indent=2) + "\n")
        return Exit.DONE
    from fleet.cli.render.again import Repeat
    from fleet.cli.render.story import story

    repeat = Repeat(None, None) if path.is_file() else Repeat(path, read_manifest(path))
    terminal = sys.stdout.isatty()
    shell.show(sys.stdout, story(record, repeat), width=None if terminal else 120)
    return Exit.DONE


def _swapped(target: str, run: str) -> str:
    """A hint where the run was given first, as other commands take it."""
    from fleet.engine import find_run

    try:
        find_run(target)
    except UsageError:
        return ""
    return f"\n  the target comes first: fleet explain {run} {target}"


def _unknown(target: str, run: str, found: Found) -> str:
    from fleet.observe import safe

    if not found.count:
        return f"no target of {run} has the id, the URL or the host {safe(target)!r}, or one with that in it"
    named = "\n  ".join(safe(name, 120) for name in found.near)
    more = f"\n  and {found.count - len(found.near):,} more" if found.count > len(found.near) else ""
    return f"{safe(target)!r} may be {found.count:,} targets of {run}:\n  {named}{more}"
