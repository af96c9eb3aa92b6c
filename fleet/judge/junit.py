"""The checks of a run as JUnit XML: a suite for each check, a case for each of its groups.

A case fails where a row of it failed, and is skipped where none of its rows passed either. Written for what
CI systems agree on: the attributes and elements of the Jenkins and Ant schemas, in the order of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from fleet.judge.model import Check, CheckReport, Finding, Group
from fleet.judge.wording import counts_text, group_text, reason_text, unjudged_text, waiver_texts
from fleet.observe import safe
from fleet.phrases import host_text

MAX_TEXT = 20_000  # characters of what one case says
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_UNSEEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: CheckReport) -> Iterator[str]:
    """The document, line by line."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield "<testsuites>\n"
    for number, check in enumerate(report.checks):
        yield from _suite(check, report, number)
    yield "</testsuites>\n"


def _suite(check: Check, report: CheckReport, number: int) -> Iterator[str]:
    started = _TIME.match(report.started)
    said = _attributes(
        name=check.name,
        package=report.spec or "fleet",
        id=number,
        timestamp=started[0] if started is not None else "1970-01-01T00:00:00",
        hostname="fleet",
        tests=max(len(check.groups), 1),
        failures=sum(map(_failed, check.groups)),
        errors=0,
        skipped=sum(map(_skipped, check.groups)) + (not check.groups),
        time=0,
    )
    yield f"  <testsuite {said}>\n    <properties>\n"
    for name, value in _properties(check, report):
        yield f"      <property {_attributes(name=name, value=value)}/>\n"
    yield "    </properties>\n"
    for group in check.groups:
        yield from _case(check, group)
    if not check.groups:
        yield f"{_open(check, 'all rows')}><skipped {_attributes(message='no row was judged')}/></testcase>\n"
    yield "    <system-out></system-out>\n    <system-err></system-err>\n  </testsuite>\n"


def _properties(check: Check, report: CheckReport) -> Iterator[tuple[str, str]]:
    yield "severity", check.severity
    yield "assert", check.assertion
    yield "run", report.run
    for result, count in check.results.items():
        yield f"rows.{result}", str(count)
    yield "targets.judged", f"{check.targets} of {report.targets}"
    for number, told in enumerate(waiver_texts(check)):
        yield f"waiver.{number}", told
    if unjudged := unjudged_text(check, report):
        yield "targets.unjudged", unjudged


def _case(check: Check, group: Group) -> Iterator[str]:
    opened = _open(check, group_text(check.by, group.values) or "all rows")
    found = [finding for finding in check.findings if finding.group == group.values]
    told = _inert("\n".join(_lines(found)))[:MAX_TEXT]
    says = f"{check.message + ': ' if check.message else ''}{counts_text(group.results)}"
    if _failed(group):
        failure = _attributes(message=says, type=check.severity)
        yield f"{opened}>\n      <failure {failure}>{escape(told)}</failure>\n    </testcase>\n"
    elif _skipped(group):
        yield f"{opened}><skipped {_attributes(message=says)}/></testcase>\n"
    else:
        yield f"{opened}/>\n"


def _open(check: Check, name: str) -> str:
    return f"    <testcase {_attributes(name=name, classname=check.name, time=0)}"


def _lines(findings: list[Finding]) -> Iterator[str]:
    for finding in findings:
        hosts = host_text(finding.hosts, finding.unnamed)
        yield f"{finding.result} {finding.rows:,}: {safe(reason_text(finding), 400)}\n  {safe(hosts, 1200)}"


def _failed(group: Group) -> bool:
    return bool(group.results["fail"])


def _skipped(group: Group) -> bool:
    return not group.results["fail"] and not group.results["pass"]


def _attributes(**values: str | int) -> str:
    said = {name: _inert(safe(value, 600)).strip() for name, value in values.items()}
    for name in ("name", "classname", "package"):
        if not said.get(name, "x"):
            said[name] = "(none)"  # the schemas want a text there
    return " ".join(f"{name}={quoteattr(text)}" for name, text in said.items())


def _inert(text: str) -> str:
    """Without the characters that no XML document may hold, in whatever form."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
