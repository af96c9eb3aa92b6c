"""`fleet resume`: go on where a scan stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options import completing
from fleet.cli.options.given import policy_of
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.shared import pressure, shared, timeline_option
from fleet.cli.options.watching import View, fail_on_option, grace_option, watching
from fleet.cli.options.where import condition, list_fields_option, where_option
from fleet.cli.render.fields import outcomes_of, tell_fields
from fleet.cli.shell import Shell, ask_secret
from fleet.cli.statuses import Exit
from fleet.guess import closest

if TYPE_CHECKING:
    from fleet.assembly import ScanOptions

_EXAMPLES = """
fleet resume runs/20261122-1542-k7q
fleet resume latest --kind timeout,proxy --timeout 60s
fleet resume latest --kind all --where "labels.site == 'a'"
"""

_again = section(
    "What to scan again",
    option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND,...",
        shell_complete=completing.kinds,
        help="Also targets that failed so: timeout, proxy.auth, all.",
    ),
    where_option("Also targets whose outcome this holds for; with --kind, both must say so."),
    list_fields_option,
    option("--past-canary", is_flag=True, help="Go on although the first targets were not well."),
    timeline_option,
    fail_on_option,
    grace_option,
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("run", shell_complete=completing.runs)
@shared(_again, pressure, watching)
@click.pass_obj
def resume(shell: Shell, /, run: str, kinds: tuple[str, ...], **given: Any) -> int:
    """Go on with a scan that was stopped, with the options it was started with; pressure may be changed.

    Targets that have an outcome are left alone, whatever order they come in, unless this machine was what
    failed (local.*). With --kind, those that failed in that way, or have gaps for it, are scanned again too.
    The last outcome of a target counts.
    """
    from fleet.assembly import prepare_resume
    from fleet.cli.scanning.run import run_scan
    from fleet.engine import find_run

    if given["list_fields"]:
        tell_fields(shell, outcomes_of(find_run(run)), of="outcomes")
        return Exit.DONE
    shell.quiet = given["quiet"]
    again = parse_kinds(kinds)
    prepared, resumed = prepare_resume(
        str(find_run(run)),
        prompt=ask_secret,
        kinds=again,
        where=condition(given["where"]),
        change=_changes(given),
    )
    return run_scan(
        prepared,
        View.of(given),
        shell,
        fail_on=given["fail_on"],
        grace=given["grace"],
        resume=resumed,
    )


def _changes(given: dict[str, Any]) -> Callable[[ScanOptions], ScanOptions]:
    """What the command line makes of the options that the run was started with."""
    policy, named = policy_of(given)

    def change(options: ScanOptions) -> ScanOptions:
        tuned = options.tuned(policy, named, pace=given["pace"])
        return replace(tuned, canary=None) if given["past_canary"] else tuned

    return change


def parse_kinds(texts: tuple[str, ...]) -> frozenset[str]:
    """The failure kinds that `--kind` names: a kind, its class (`timeout`), or `all`. Raises UsageError."""
    from fleet.errors import UsageError
    from fleet.outcome import FailureKind

    groups: dict[str, set[str]] = {}
    for kind in FailureKind:
        groups.setdefault(kind.group, set()).add(kind.value)
        groups.setdefault("all", set()).add(kind.value)
        groups.setdefault(kind.value, set()).add(kind.value)
    named: set[str] = set()
    for name in (part.strip() for text in texts for part in text.split(",")):
        if name not in groups:
            near = closest(name, groups)
            classes = ", ".join(dict.fromkeys(kind.group for kind in FailureKind))
            alike = [kind for kind in groups if kind.rpartition(".")[2] == name] or ([near] if near else [])
            hint = f"did you mean {' or '.join(alike)}?" if alike else f"classes: {classes}; or all"
            raise UsageError(f"--kind {name!r} is not a failure kind or a class of them\n  {hint}")
        named |= groups[name]
    return frozenset(named)
