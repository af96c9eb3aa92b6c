"""`fleet checks`: what the checks of a run came to, for people and for CI."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.findings import as_bad
from fleet.cli.options.forms import format_option, run_argument
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import UNKNOWN, FailOnChecks
from fleet.cli.shell import Shell, shown_run
from fleet.cli.statuses import Exit
from fleet.guess import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.judge import CheckReport, Judged, Rules

_EXAMPLES = """
fleet checks latest
fleet checks latest --fail-on warning --format junit > checks.xml
fleet checks latest --by labels.site --check bios-is-current
fleet checks latest --format csv --result fail,waived > findings.csv
fleet checks latest --spec policy.yaml
"""

_what = section(
    "What to judge",
    option("--check", "names", metavar="NAME,...", help="Only these checks."),
    option("--by", metavar="NAME,...", help="Group by these: an output, STEP.OUTPUT, labels.NAME, target."),
    option(
        "--spec",
        metavar="FILE",
        help="Judge the stored rows again, by the checks of this spec; nothing is asked of a host.",
    ),
)
_form = section(
    "Form",
    format_option("json", "csv", "md", "junit", "sarif",
                  help="junit and sarif are for CI; csv has a line for each result."),
    option("--result", "results", metavar="NAME,...",
           help="In csv only these: fail, waived, unknown, pass."),
    option("--fail-on", type=FailOnChecks(), default="none", show_default=True,
           metavar="none|info|warning|critical[,unknown]",
           help="Exit status 1 where a check that is as bad has failed, or could not be judged."),
)  # fmt: skip


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@run_argument
@_what
@_form
@click.pass_obj
def checks(
    shell: Shell,
    /,
    run: str,
    names: str | None,
    by: str | None,
    spec: str | None,
    form: str,
    results: str | None,
    fail_on: frozenset[str],
) -> int:
    """Say what the checks of RUN came to: how many rows passed, failed, were waived or are unknown, of how
    many, and on which hosts for which reason.

    RUN is latest, or what fleet runs lists. A waiver whose last day is over waives nothing, whatever it did
    during the scan. Nothing is asked of the network.
    """
    from fleet.engine import find_run
    from fleet.judge import gather_checks

    path = find_run(run)
    today = datetime.now(UTC).date()
    rules, judged = _rules(shell, path, spec)
    only = _only(names, rules)
    grouped = _split(by) if by is not None else None
    asked: dict[str, Any] = {"today": today, "rules": rules, "judged": judged, "by": grouped, "only": only}
    wanted = _wanted(results)
    report = gather_checks(path, **asked) if form != "csv" or fail_on else None
    if form == "csv":
        from fleet.cli.render.cells import write_csv
        from fleet.judge import columns_of, result_rows

        rows = result_rows(path, **asked, results=wanted)
        write_csv(sys.stdout, columns_of(rules, grouped), rows)
    elif report is not None:
        _show(shell, report, path, form)
    if report is not None:
        _say_nobody_has(shell, report)
    if report is not None and not report.checks:
        shell.say(
            "this run has no checks: a spec says them under checks:, and --spec judges its rows by those"
        )
    return Exit.FINDINGS if report is not None and _found(report, fail_on) else Exit.DONE


def _rules(shell: Shell, path: Path, spec: str | None) -> tuple[Rules, Judged]:
    """What the checks are, and who says what came of them: the scan, or a spec now."""
    from fleet.engine import read_manifest
    from fleet.judge import Rules, stored_results

    manifest: Mapping[str, Any] = {} if path.is_file() else read_manifest(path)
    if spec is None:
        said = manifest.get("checks")
        source = manifest.get("spec")
        return Rules(
            said if isinstance(said, dict) else {},
            source=str(source.get("source") or "") if isinstance(source, dict) else "",
        ), stored_results
    from fleet.judge import Rejudged

    options = manifest.get("options")
    inputs = options.get("inputs") if isinstance(options, dict) else None
    again = Rejudged(spec, inputs=inputs or {}, today=datetime.now(UTC).date())
    for note in again.notes:
        shell.say(note)
    return again.rules, again


def _say_nobody_has(shell: Shell, report: CheckReport) -> None:
    """A misspelt name of `--by` must not look like one that is empty everywhere."""
    for name in dict.fromkeys(name for check in report.checks for name in check.by):
        values = [
            group.values[check.by.index(name)]
            for check in report.checks
            if name in check.by
            for group in check.groups
        ]
        if values and not any(values):
            shell.say(f"no row that was judged has a value of {name}")


def _only(names: str | None, rules: Rules) -> frozenset[str] | None:
    from fleet.errors import UsageError

    if names is None:
        return None
    wanted = _split(names)
    for name in wanted:
        if rules.checks and name not in rules.checks:
            near = closest(name, rules.checks)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(rules.checks)}"
            raise UsageError(f"--check: there is no check {name!r}\n  {hint}")
    return frozenset(wanted)


def _wanted(results: str | None) -> frozenset[str] | None:
    from fleet.errors import UsageError
    from fleet.outcome import RESULTS

    if results is None:
        return None
    wanted = _split(results)
    for name in wanted:
        if name not in RESULTS:
            raise UsageError(f"--result {name!r}: write {', '.join(RESULTS)}")
    return frozenset(wanted)


def _show(shell: Shell, report: CheckReport, path: Path, form: str) -> None:
    run = shown_run(path)
    if form == "json":
        sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=True, indent=2) + "\n")
    elif form == "sarif":
        from fleet.judge import to_sarif

        uri, lines = _where(report)
        log = to_sarif(report, run=run, uri=uri, lines=lines)
        sys.stdout.write(json.dumps(log, ensure_ascii=True, indent=2) + "\n")
    elif form == "junit":
        from fleet.judge import to_junit

        sys.stdout.writelines(to_junit(report))
    elif form == "md":
        from fleet.judge import checks_markdown

        sys.stdout.write(checks_markdown(report, run=run))
    else:
        from fleet.cli.render.checks import checks_text

        width = get_terminal_size().columns if sys.stdout.isatty() else 120
        shell.show(sys.stdout, checks_text(report, run=run, width=width), width=width)


def _found(report: CheckReport, fail_on: frozenset[str]) -> bool:
    from fleet.outcome import SEVERITIES

    bad = frozenset().union(*(as_bad(name) for name in fail_on & set(SEVERITIES)))
    if any(check.severity in bad and check.results["fail"] for check in report.checks):
        return True
    unjudged = any(check.results[UNKNOWN] or not check.rows for check in report.checks)
    return UNKNOWN in fail_on and (unjudged or not report.checks)


def _where(report: CheckReport) -> tuple[str, dict[str, int]]:
    """The spec's place as a URI, from here where it lies below, and the lines of its checks."""
    from fleet.openapi import locate

    if not report.source:
        return "spec.yaml", {}
    path = Path(report.source)
    here = Path.cwd()
    relative = path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_uri()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return relative, {}
    return relative, {check.name: locate(text, ("checks", check.name))[0] for check in report.checks[:100]}


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
