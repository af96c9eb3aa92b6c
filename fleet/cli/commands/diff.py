"""`fleet diff`: what changed from one run to another, and what drifted inside one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.options import completing
from fleet.cli.options.forms import format_option
from fleet.cli.options.given import expression
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import Count
from fleet.cli.options.where import list_fields_option
from fleet.cli.render.fields import tell_fields
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit
from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.compare import Diff, Question, Rule

_EXAMPLES = """
fleet diff
fleet diff baseline:golden latest --ignore '*.temperature' --ignore power.watts:5%
fleet diff 20261122 20261129 --where "labels.site == 'a'" --step system,drive
fleet diff --format html > changes.html
fleet diff --format csv | grep ,removed,
fleet diff --within latest --step system --field bios --by model
"""

_what = section(
    "What to compare",
    option(
        "--where",
        metavar="JMESPATH",
        help="Only targets for which this holds in one of the runs: \"labels.site == 'a'\", "
        "\"system.model == 'R760'\".",
    ),
    list_fields_option,
    option("--step", "steps", metavar="NAME,...", help="Only the rows of these steps."),
    option(
        "--ignore",
        "rules",
        multiple=True,
        metavar="RULE",
        help="Leave out a step (firmware), a field (power.watts, '*.temperature'), or small differences of "
        "a number (power.watts:5%, fan.rpm:200).",
    ),
    option(
        "--ignore-file",
        "rule_files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The same, a rule a line.",
    ),
    option(
        "--by",
        default="model",
        show_default=True,
        metavar="NAME",
        help="Outliers and drift are told among targets with the same label, or output, of this name.",
    ),
)
_inside = section(
    "Inside one run",
    option(
        "--within", metavar="RUN", help="What differs from the largest group of one run; with one --step."
    ),
    option("--field", "fields", metavar="NAME,...", help="Only these outputs of the step."),
)
_form = section(
    "Form",
    format_option(
        "json",
        "csv",
        "md",
        "html",
        help="csv lists every single difference; json has a schema, docs/reference/diff.schema.json.",
    ),
    option(
        "--limit",
        type=Count(1),
        metavar="N",
        help="At most N lines: of each list in text and md [20], of all in csv.",
    ),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("first", required=False, metavar="[A]", shell_complete=completing.runs)
@click.argument("second", required=False, metavar="[B]", shell_complete=completing.runs)
@_what
@_inside
@_form
@click.pass_obj
def diff(
    shell: Shell,
    /,
    first: str | None,
    second: str | None,
    where: str | None,
    list_fields: bool,
    steps: str | None,
    rules: tuple[str, ...],
    rule_files: tuple[Path, ...],
    by: str,
    within: str | None,
    fields: str | None,
    form: str,
    limit: int | None,
) -> int:
    """Say what changed from run A to run B: previous and latest, if not told otherwise.

    Which targets are new or gone, which fail and which are well again, and which rows were added, removed
    and changed, matched by their keys. What a run may only have failed to see (failed targets, incomplete
    steps) is counted apart, and never as removed. A and B are what fleet runs lists, or baseline:NAME.
    Exit status 1 where there are differences, 0 where there are none.
    """
    from fleet.compare import Question, parse_rule, read_rules
    from fleet.engine import find_run

    given: list[Rule] = [rule for path in rule_files for rule in read_rules(path)]
    given += [parse_rule(text) for text in rules]
    for step in _names(steps):
        if rule := next((rule.text for rule in given if rule.leaves_out(step)), None):
            raise UsageError(f"--step asks for {step}, and --ignore {rule} leaves it out: drop one of them")
    question = Question(
        steps=_names(steps),
        rules=tuple(given),
        by=by,
        where=expression(where, "--where").holds if where is not None else None,
        condition=where,
    )
    if within is not None:
        if first is not None:
            raise UsageError("--within looks at one run: name no other one beside it")
        run = find_run(within)
        if list_fields:
            return _fields(shell, run)
        return _within(shell, run, question, _names(fields), form, limit)
    if fields is not None:
        raise UsageError("--field goes with --within RUN; for two runs, --step and --ignore choose")
    a, b = ("previous", "latest") if first is None else (first, second or "latest")
    runs = (find_run(a), find_run(b))
    if list_fields:
        return _fields(shell, *runs)
    if runs[0].resolve() == runs[1].resolve():
        raise UsageError(
            f"{runs[0]} does not differ from itself: name two runs, or none for previous and latest\n"
            "  fleet runs lists them"
        )
    return _between(shell, runs, question, form, limit)


def _fields(shell: Shell, *runs: Path) -> int:
    """What --where may name, as far as the runs' first targets say it."""
    from itertools import chain

    from fleet.compare import scopes_of

    tell_fields(shell, chain.from_iterable(map(scopes_of, runs)), of="targets")
    return Exit.DONE


def _between(shell: Shell, runs: tuple[Path, Path], question: Question, form: str, limit: int | None) -> int:
    from fleet.compare import compare_runs

    if form == "csv":
        from fleet.cli.render.diff_csv import DifferenceLines

        with DifferenceLines(limit) as lines:
            found = compare_runs(*runs, question, tell=lines)
            _refuse_unknown(question, found)
            lines.write(sys.stdout, found)
    else:
        found = compare_runs(*runs, question)
        _refuse_unknown(question, found)
        _write(shell, found, form, limit)
    return Exit.FINDINGS if found.differences else Exit.DONE


def _refuse_unknown(question: Question, found: Diff) -> None:
    """A misspelt step must not look like a step in which nothing changed. Raises UsageError."""
    known = {one.step for one in found.steps}
    for step in question.steps:
        if step not in known and found.counts.same + found.counts.changed:
            raise UsageError(f"no target that was compared has a step {step!r}: 'fleet show RUN' lists them")


def _write(shell: Shell, found: Diff, form: str, limit: int | None) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(found.to_json(), ensure_ascii=True, indent=2) + "\n")
    elif form == "html":
        from fleet.compare import diff_html

        sys.stdout.write(diff_html(found))
    elif form == "md":
        from fleet.compare import diff_markdown

        sys.stdout.write(diff_markdown(found, limit=limit))
    else:
        from fleet.cli.render.diff import diff_text

        width = None if sys.stdout.isatty() else 120
        shell.show(sys.stdout, diff_text(found, limit=limit), width=width)


def _within(
    shell: Shell, run: Path, question: Question, fields: tuple[str, ...], form: str, limit: int | None
) -> int:
    from fleet.compare import drift_within

    if len(question.steps) != 1:
        raise UsageError("--within looks at one step: --step NAME ('fleet show RUN' lists them)")
    found = drift_within(run, question, fields=fields)
    if form == "json":
        sys.stdout.write(json.dumps(found.to_json(), ensure_ascii=True, indent=2) + "\n")
    elif form == "csv":
        from fleet.cli.render.diff_csv import write_drift

        write_drift(sys.stdout, found, limit)
    elif form == "html":
        from fleet.compare import drift_html

        sys.stdout.write(drift_html(found))
    elif form == "md":
        from fleet.compare import drift_markdown

        sys.stdout.write(drift_markdown(found, limit=limit))
    else:
        from fleet.cli.render.drift import drift_text

        shell.show(sys.stdout, drift_text(found, limit=limit), width=None if sys.stdout.isatty() else 120)
    return Exit.FINDINGS if found.differences else Exit.DONE


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
