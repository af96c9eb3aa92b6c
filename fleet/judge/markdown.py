"""The checks of a run as Markdown, for a ticket or a wiki."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.judge.model import Check, CheckReport
from fleet.judge.wording import group_text, reason_text, unjudged_text, verdict_text, waiver_texts
from fleet.outcome import RESULTS
from fleet.page import code, markdown_table, markdown_text
from fleet.phrases import host_text, some

MAX_GROUPS = 100  # of one check
MAX_FINDINGS = 40  # of one check
MAX_HOSTS_TEXT = 1200  # characters of host sets


def checks_markdown(report: CheckReport, *, run: str) -> str:
    """The whole of it."""
    return "\n".join(_lines(report, run)) + "\n"


def _lines(report: CheckReport, run: str) -> Iterator[str]:
    what = " ".join(filter(None, (report.spec, report.pipeline)))
    yield f"# Checks of {code(report.run or run)}\n"
    yield f"{markdown_text(what)} {report.started[:16].replace('T', ' ')}: **{verdict_text(report)}**"
    if report.again:
        yield f"\nJudged again by {code(report.source)}."
    rows = [
        (markdown_text(check.name), markdown_text(check.severity),
         *(check.results[name] for name in RESULTS), check.rows)
        for check in report.checks
    ]  # fmt: skip
    yield from markdown_table("", ("check", "severity", *RESULTS, "of"), rows)
    for check in report.checks:
        if check.findings:
            yield from _check(check, report)


def _check(check: Check, report: CheckReport) -> Iterator[str]:
    yield f"\n## {markdown_text(check.name)}\n"
    yield f"{markdown_text(check.severity)}{': ' if check.message else ''}{markdown_text(check.message)}"
    if check.assertion:
        yield f"\n{code(check.assertion)}"
    if unjudged := unjudged_text(check, report):
        yield f"\n{unjudged}"
    for told in waiver_texts(check):
        yield f"\n{markdown_text(told)}"
    if check.by:
        groups = [
            (*(markdown_text(value or "(none)") for value in group.values),
             *(group.results[name] for name in RESULTS), group.rows)
            for group in check.groups[:MAX_GROUPS]
        ]  # fmt: skip
        yield from markdown_table("", (*map(markdown_text, check.by), *RESULTS, "of"), groups)
    found = [
        (finding.result, finding.rows, markdown_text(reason_text(finding)),
         markdown_text(group_text(check.by, finding.group)),
         markdown_text(host_text(finding.hosts, finding.unnamed), MAX_HOSTS_TEXT))
        for finding in check.findings[:MAX_FINDINGS]
    ]  # fmt: skip
    yield from markdown_table("", ("result", "rows", "why", "of", "hosts"), found)
    if len(check.findings) > MAX_FINDINGS:
        yield f"\nand {some(len(check.findings) - MAX_FINDINGS, 'more reason')}"
