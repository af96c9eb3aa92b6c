"""A report as one page: self-contained, and closed. Its policy lets its own style and its own script be and
nothing else, so what a host says can neither run nor load anything even where it was markup."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from fleet.observe import safe
from fleet.report.charts import stacked
from fleet.report.gather import STATUSES
from fleet.report.groups import short_name
from fleet.report.lines import TargetLines
from fleet.report.markup import Html, element, join
from fleet.report.model import Report
from fleet.report.sections import Section, section, sections
from fleet.report.tables import table
from fleet.report.wording import (
    cost_text,
)

_STATES = {
    "complete": "Complete: every target has exactly one outcome.",
    "running": "A scan works on it: these are the counts so far.",
    "stopped": "Stopped: targets are missing. fleet resume goes on with it.",
    "unknown": "Made from a file of outcomes: whether targets are missing is not known.",
}


def to_html(report: Report, lines: TargetLines, *, run: str) -> str:
    """The whole page. `lines` are the targets that its list holds, `run` is what commands call the run."""
    style, script = _resource("page.css"), _resource("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = " ".join(filter(None, (report.spec, report.pipeline, report.run or run)))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Html(style)),
    )
    told = [*sections(report), *([_targets(report, lines)] if len(lines) else [])]
    body = element(
        "body",
        element("a", "Skip to why targets failed", href="#failures", class_="skip"),
        _header(report, run, told),
        element("main", *(content for _, _, content in told)),
        element("footer", f"Made by fleet from {run}. Nothing in this page is loaded from elsewhere."),
        _data(lines),
        element("script", Html(script)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


def _header(report: Report, run: str, told: Sequence[Section]) -> Html:
    statuses = [
        element("li", element("b", f"{report.statuses.get(name, 0):,}"), f" {name}", class_=f"k-{name}")
        for name in STATUSES
    ]
    label = ", ".join(f"{report.statuses.get(name, 0):,} {name}" for name in STATUSES)
    links = [element("a", title, href=f"#{anchor}") for anchor, title, _ in told]
    facts = " · ".join(
        filter(
            None,
            (
                report.started[:16].replace("T", " ") + (" UTC" if report.started else ""),
                cost_text(report),
                f"fleet {report.fleet}" if report.fleet else "",
            ),
        )
    )
    return element(
        "header",
        element("p", " ".join(filter(None, (report.spec, report.pipeline))), class_="what"),
        element("h1", report.run or run),
        element("p", facts, class_="facts"),
        element("p", _STATES[report.state], class_=f"state {report.state}"),
        stacked(report.statuses, STATUSES, whole=report.targets, height=26, label=label),
        element(
            "ul", element("li", element("b", f"{report.targets:,}"), " targets ="), *statuses, class_="counts"
        ),
        element("nav", *links, aria_label="Sections"),
    )


def _targets(report: Report, lines: TargetLines) -> Section:
    """The list, which the script fills: without it, the groups above name the hosts."""
    head = ("target", "status", "kind", "seconds", "requests", "retries", "proxy", "labels", "message")
    left_out = (
        f"{lines.left_out:,} more targets are not in this list: those that are well and quick come last."
        if lines.left_out
        else ""
    )
    chips = [
        element("button", f"{name} {report.statuses.get(name, 0):,}", type="button", class_="chip",
                data_status=name, aria_pressed="false")
        for name in STATUSES if report.statuses.get(name, 0)
    ]  # fmt: skip
    search = element(
        "div",
        element("label", "Search ", element("input", type="search", id="search", autocomplete="off",
                                            placeholder="host, kind, label, message")),
        element("span", *chips, role="group", aria_label="Status"),
        element("output", "", id="shown", for_="search"),
        class_="search",
    )  # fmt: skip
    content = join(
        element("noscript", element("p", "The list needs JavaScript; all above does not.")),
        search,
        table("Targets", head, (), name="list"),
        element("button", "Show more", type="button", id="more", hidden=True),
        element("p", left_out, class_="note") if left_out else None,
    )
    found = section("targets", "Targets", content)
    assert found is not None  # noqa: S101  (there is content)
    return found


def _data(lines: TargetLines) -> Html | None:
    """The list as JSON in which no `<` begins anything; the script writes each text as text."""
    if not len(lines):
        return None
    rows = [
        [
            safe(short_name(line.id), 300),
            line.status,
            safe(line.kind, 60),
            round(line.seconds, 2),
            line.requests,
            line.retries,
            safe(line.proxy, 80),
            safe(" ".join(f"{name}={value}" for name, value in line.labels.items()), 160),
            safe(line.message, 200),
        ]
        for line in lines
    ]
    text = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return element("script", Html(text), type="application/json", id="data")


def _resource(name: str) -> str:
    return files("fleet.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")
