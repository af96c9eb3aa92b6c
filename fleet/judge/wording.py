"""Phrases that every form of the checks of a run shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.judge.model import Check, CheckReport, Finding
from fleet.outcome import RESULTS
from fleet.phrases import some

_WORDS = {"fail": "failed", "unknown": "unknown", "waived": "waived", "pass": "passed", "": "judged nothing"}


def verdict_text(report: CheckReport) -> str:
    """`6 checks on 5,000 targets: 2 failed, 1 waived, 3 passed`."""
    counts = dict.fromkeys(_WORDS.values(), 0)
    for check in report.checks:
        counts[_WORDS[check.worst]] += 1
    told = ", ".join(f"{count:,} {words}" for words, count in counts.items() if count)
    return (
        f"{some(len(report.checks), 'check')} on {some(report.targets, 'target')}: {told or 'there are none'}"
    )


def counts_text(results: Mapping[str, int]) -> str:
    """`72 of 212 failed, 3 unknown`: what is not a pass, of all."""
    rows = sum(results.values())
    told = [f"{results[name]:,} {_WORDS[name]}" for name in RESULTS if name != "pass" and results.get(name)]
    return f"of {some(rows, 'row')} {', '.join(told)}" if told else f"all {some(rows, 'row')} passed"


def group_text(by: Sequence[str], values: Sequence[str]) -> str:
    """`model=R760, labels.site=a`; nothing where nothing groups."""
    return ", ".join(f"{name}={value or '(none)'}" for name, value in zip(by, values, strict=False))


def saw_text(saw: Mapping[str, str]) -> str:
    """`bios=2.17.1, $lookup.bios=2.19.0`."""
    return ", ".join(f"{name}={value or '(empty)'}" for name, value in saw.items())


def reason_text(finding: Finding) -> str:
    """Why rows did not pass, in one line."""
    if finding.result == "waived":
        return f"{finding.why} (until {finding.until})"
    if finding.result == "unknown":
        return finding.why or "no value"
    return saw_text(finding.saw) or finding.why or "does not hold"


def waiver_texts(check: Check) -> list[str]:
    """What is worth saying of its waivers: those that have ended, and those that waive nothing."""
    told = []
    for waiver in check.waivers:
        if waiver.expired:
            fail = f"{some(waiver.rows, 'row')} of it {'fails' if waiver.rows == 1 else 'fail'}"
            told.append(f"the waiver {waiver.reason!r} ended on {waiver.until}: {fail}")
        elif not waiver.rows:
            told.append(f"the waiver {waiver.reason!r} (until {waiver.until}) waives nothing")
    return told


def unjudged_text(check: Check, report: CheckReport) -> str:
    """How many targets have no row that the check is about; nothing where all have one."""
    rest = report.targets - check.targets
    return f"not judged: {some(rest, 'target')} without such a row" if rest else ""
