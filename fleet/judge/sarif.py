"""The checks of a run as SARIF 2.1.0: a rule for each check, a result for each reason why rows did not pass.

A result lies where its check stands in the spec, which is the file that people keep; the hosts are its
logical locations. What is waived is there, suppressed; what is unknown is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fleet.judge.model import Check, CheckReport, Finding
from fleet.judge.wording import counts_text, group_text, reason_text, unjudged_text, waiver_texts
from fleet.observe import safe
from fleet.phrases import host_text

LEVELS = {"critical": "error", "warning": "warning", "info": "note"}
MAX_RULES = 500
MAX_RESULTS = 5000  # GitHub takes as many
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(
    report: CheckReport, *, run: str, uri: str, lines: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The log. `uri` is where the spec is, from where results are shown; `lines` are those of its checks."""
    checks = report.checks[:MAX_RULES]
    index = {check.name: at for at, check in enumerate(checks)}
    results = [
        _result(check, finding, index[check.name], uri, (lines or {}).get(check.name))
        for check in checks
        for finding in check.findings
    ]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "fleet",
                        "version": report.fleet or "0",
                        "rules": [_rule(check, report) for check in checks],
                    }
                },
                "automationDetails": {"id": f"fleet-checks/{_text(report.spec or 'spec')}/"},
                "columnKind": "unicodeCodePoints",
                "results": results[:MAX_RESULTS],
                "properties": {
                    "run": _text(report.run or run),
                    "started": _text(report.started),
                    "targets": report.targets,
                    "statuses": {_text(name): count for name, count in report.statuses.items()},
                    "judgedAgain": report.again,
                    "resultsLeftOut": max(len(results) - MAX_RESULTS, 0),
                },
            }
        ],
    }


def _rule(check: Check, report: CheckReport) -> dict[str, Any]:
    told = check.message or check.assertion or check.name
    full = f"{told} ({counts_text(check.results)})"
    return {
        "id": _text(check.name),
        "shortDescription": {"text": _text(told)},
        "fullDescription": {"text": _text(full)},
        "defaultConfiguration": {"level": LEVELS.get(check.severity, "warning")},
        "properties": {
            "severity": _text(check.severity),
            "assert": _text(check.assertion),
            "rows": dict(check.results),
            "targets": check.targets,
            "waivers": [_text(told) for told in waiver_texts(check)],
            "unjudged": _text(unjudged_text(check, report)),
        },
    }


def _result(check: Check, finding: Finding, at: int, uri: str, line: int | None) -> dict[str, Any]:
    group = group_text(check.by, finding.group)
    hosts = host_text(finding.hosts, finding.unnamed)
    told = f"{check.message or check.name}: {reason_text(finding)}{f' [{group}]' if group else ''}: {hosts}"
    fails = finding.result in ("fail", "waived")
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line is not None:
        place["region"] = {"startLine": line}
    shown: dict[str, Any] = {
        "ruleId": _text(check.name),
        "ruleIndex": at,
        "kind": "fail" if fails else "open",
        "level": LEVELS.get(check.severity, "warning") if fails else "none",
        "message": {"text": _text(told, 2000)},
        "locations": [
            {
                "physicalLocation": place,
                "logicalLocations": [{"name": _text(name), "kind": "resource"} for name in finding.hosts],
            }
        ],
        "partialFingerprints": {"fleet/v1": _fingerprint(check, finding)},
        "occurrenceCount": finding.rows,
        "properties": {
            "result": finding.result,
            "targets": finding.targets,
            "unnamed": finding.unnamed,
            "example": _text(finding.example),
            "saw": {_text(name): _text(value) for name, value in finding.saw.items()},
        },
    }
    if finding.result == "waived":
        justification = f"{finding.why} (until {finding.until})"
        shown["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _text(justification)}
        ]
    return shown


def _fingerprint(check: Check, finding: Finding) -> str:
    """The same in every run for what is the same: the hosts that it is about may change."""
    parts = (check.name, finding.result, *finding.group, *(f"{k}={v}" for k, v in finding.saw.items()))
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _text(text: str, limit: int = 600) -> str:
    return safe(text, limit)
