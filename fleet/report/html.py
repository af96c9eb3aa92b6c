"""A report as one page: self-contained, and closed. Its policy lets its own style and its own script be and
nothing else, so what a host says can neither run nor load anything even where it was markup."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

from fleet.observe import safe
from fleet.report.charts import histogram, stacked
from fleet.report.gather import STATUSES, TargetLines
from fleet.report.groups import short_name
from fleet.report.markup import Child, Html, element, join
from fleet.report.model import CauseGroup, Report, WayLine
from fleet.report.shares import Common
from fleet.report.wording import cost_text, days_left, failures_title, gaps_title, host_text, some

GROUPS = 200
VALUES = 100  # of one label or proxy: more are no table to read
_STATES = {
    "complete": "Complete: every target has exactly one outcome.",
    "running": "A scan works on it: these are the counts so far.",
    "stopped": "Stopped: targets are missing. fleet resume goes on with it.",
    "unknown": "Made from a file of outcomes: whether targets are missing is not known.",
}
_STEP_PARTS = ("complete", "incomplete", "absent")


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
    sections = [*_sections(report), *([_targets(report, lines)] if len(lines) else [])]
    body = element(
        "body",
        element("a", "Skip to why targets failed", href="#failures", class_="skip"),
        _header(report, run, sections),
        element("main", *(content for _, _, content in sections)),
        element("footer", f"Made by fleet from {run}. Nothing in this page is loaded from elsewhere."),
        _data(lines),
        element("script", Html(script)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


_Section = tuple[str, str, Html]  # its anchor, its title, its content


def _sections(report: Report) -> list[_Section]:
    found = [
        _section("failures", failures_title(report), _groups(report.failures, report.targets)),
        _section("gaps", gaps_title(report), _groups(report.gaps, report.targets)),
        _section("steps", "Steps", _steps(report)),
        _section("operations", "Failed requests", _operations(report)),
        _section("latency", "How long targets took", _latency(report)),
        _section("proxies", "Proxies", _ways("proxy", report.proxies)),
        *(
            _section(f"label-{at}", f"By {safe(table.label, 40)}", _ways(table.label, table.lines))
            for at, table in enumerate(report.labels)
            if len(table.lines) <= VALUES
        ),
        _section("checks", "Checks", _checks(report)),
        _section("certificates", "Certificates", _certificates(report)),
        _section("violations", "Answers that break their schema", _violations(report)),
    ]
    return [section for section in found if section is not None]


def _section(anchor: str, title: str, content: Html | None) -> _Section | None:
    if content is None:
        return None
    heading = element("h2", title, id=f"{anchor}-title")
    return anchor, title, element("section", heading, content, id=anchor, aria_labelledby=f"{anchor}-title")


def _header(report: Report, run: str, sections: Sequence[_Section]) -> Html:
    statuses = [
        element("li", element("b", f"{report.statuses.get(name, 0):,}"), f" {name}", class_=f"k-{name}")
        for name in STATUSES
    ]
    label = ", ".join(f"{report.statuses.get(name, 0):,} {name}" for name in STATUSES)
    links = [element("a", title, href=f"#{anchor}") for anchor, title, _ in sections]
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


def _groups(groups: Sequence[CauseGroup], targets: int) -> Html | None:
    if not groups:
        return None
    rest = groups[GROUPS:]
    more = f"{some(len(rest), 'further cause')}: {sum(group.targets for group in rest):,} targets"
    return element(
        "div",
        *(_group(group, targets) for group in groups[:GROUPS]),
        element("p", more) if rest else None,
        class_="groups",
    )


def _group(group: CauseGroup, targets: int) -> Html:
    requests = f"{some(group.errors, 'request')} of {some(group.targets, 'target')}" if group.errors else ""
    common = [element("span", _common(common, group), class_="common") for common in group.common]
    return element(
        "article",
        element(
            "h3",
            element("span", f"{group.targets:,}", class_="number"),
            element("span", group.kind, class_="kind"),
            element("span", f"blame: {group.blame}", class_="blame") if group.blame else None,
            element("span", requests, class_="requests") if requests else None,
        ),
        stacked(
            {"partial" if group.errors else "failed": group.targets},
            STATUSES,
            whole=targets,
            height=6,
            label=f"{group.targets:,} of {targets:,} targets",
        ),
        element("p", group.cause, class_="cause"),
        element(
            "dl",
            *_pair("hosts", element("code", host_text(group.hosts, group.unnamed))),
            *_pair(
                "in common",
                *common,
            ),
            *_pair("where", _where(group)),
            *_pair(
                "example", element("code", f"{short_name(group.example.target)}: {group.example.message}")
            ),
            *_pair("hint", group.hint),
            *_pair("again", _command(group.again) if group.again else None),
        ),
    )


def _where(group: CauseGroup) -> str:
    """The steps, and the operations where messages name them."""
    operations = _counted(group.operations)
    return _counted(group.steps) + (f" ({operations})" if operations else "")


def _command(command: str) -> Html:
    """A command whose words stay whole where it is broken; a click selects all of it."""
    words = [element("span", word) for word in command.split(" ")]
    spaced = [join(" " if at else None, word) for at, word in enumerate(words)]
    return element("code", *spaced, class_="command", tabindex=0)


def _pair(term: str, *says: Child) -> tuple[Child, ...]:
    given = [child for child in says if child not in (None, "")]
    return (element("dt", term), element("dd", *given)) if given else ()


def _common(common: Common, group: CauseGroup) -> str:
    share = "all" if common.count == group.targets else f"{common.share:.0%}"
    how = f"went through {common.value}" if common.name == "proxy" else f"have {common.name}={common.value}"
    return f"{share} {how} (of the fleet {common.fleet:.0%})"


def _steps(report: Report) -> Html | None:
    if not report.steps:
        return None
    rows = []
    for step in report.steps:
        counts = {"complete": step.complete, "incomplete": step.incomplete, "absent": step.absent}
        whole = max(sum(counts.values()), 1)
        label = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        bar = stacked(counts, _STEP_PARTS, whole=whole, height=10, label=label)
        rows.append((step.name, step.rows, step.complete, step.incomplete, step.absent, bar))
    head = ("step", "rows", "complete", "incomplete", "not offered", "")
    note = element("p", "Rows that are missing in an incomplete step are unknown, not gone.", class_="note")
    return join(_table("Steps", head, rows), note)


def _operations(report: Report) -> Html | None:
    rows = [
        (line.name or "(not named)", line.step or "", line.errors, line.targets, _counted(line.kinds))
        for line in report.operations
    ]
    return (
        _table("Failed requests", ("operation", "step", "requests", "targets", "kinds"), rows)
        if rows
        else None
    )


def _latency(report: Report) -> Html | None:
    latency = report.latency
    if not latency.buckets:
        return None
    said = (
        f"Half took up to {latency.median:g} s, 90 % {latency.p90:g} s, 99 % {latency.p99:g} s, "
        f"the longest {latency.longest:g} s."
    )
    rows = [
        (short_name(slow.target), f"{slow.seconds:,.1f}", slow.status, slow.requests, slow.retries)
        for slow in report.slowest
    ]
    head = ("slowest targets", "seconds", "status", "requests", "retries")
    return join(histogram(latency.buckets), element("p", said), _table("Slowest targets", head, rows))


def _ways(title: str, lines: Sequence[WayLine]) -> Html | None:
    if not lines:
        return None
    rows: list[Sequence[Child]] = []
    for line in lines:
        label = ", ".join(f"{name} {count:,}" for name, count in line.statuses.items())
        bar = stacked(line.statuses, STATUSES, whole=line.targets, height=10, label=label)
        counts = (line.statuses.get(name, 0) for name in STATUSES)
        rows.append((line.name or "(none)", line.targets, *counts, f"{line.median:g}", bar))
    return _table(title, (title, "targets", *STATUSES, "median s", ""), rows)


def _checks(report: Report) -> Html | None:
    rows: list[Sequence[Child]] = [
        (
            check.name,
            check.severity,
            check.passed,
            check.failed,
            check.unknown,
            check.targets,
            element("code", host_text(check.hosts, check.unnamed)) if check.targets else "",
        )
        for check in report.checks
    ]
    head = ("check", "severity", "pass", "fail", "unknown", "targets", "failed on")
    return _table("Checks", head, rows) if rows else None


def _certificates(report: Report) -> Html | None:
    certificates = report.certificates
    if not certificates.seen:
        return None
    said = (
        f"{some(certificates.seen, 'certificate')}: {certificates.expired:,} expired, "
        f"{certificates.soon:,} end within {some(certificates.within, 'day')}, "
        f"{certificates.unsigned:,} self-signed."
    )
    rows: list[Sequence[Child]] = [
        (end.day, days_left(end.days), end.targets, element("code", host_text(end.hosts, end.unnamed)))
        for end in certificates.expiries
    ]
    table = _table("Certificates that end", ("ends", "in", "targets", "which"), rows) if rows else None
    spoken = f"Spoken: {_counted(certificates.versions)}." if certificates.versions else ""
    return join(element("p", said), table, element("p", spoken, class_="note") if spoken else None)


def _violations(report: Report) -> Html | None:
    if not report.violations:
        return None
    rows = [(line.rule, line.pointer, line.places, line.targets) for line in report.violated]
    note = element("p", f"{some(report.violations, 'place')} in all; advisory.", class_="note")
    return join(_table("Violations", ("rule", "at", "places", "targets"), rows), note)


def _targets(report: Report, lines: TargetLines) -> _Section:
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
        _table("Targets", head, (), name="list"),
        element("button", "Show more", type="button", id="more", hidden=True),
        element("p", left_out, class_="note") if left_out else None,
    )
    found = _section("targets", "Targets", content)
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


def _table(
    title: str, head: Sequence[str], rows: Iterable[Sequence[Child]], *, name: str | None = None
) -> Html:
    """A table that its heads sort; where it is wider than the page it scrolls by itself."""
    heads = [
        element(
            "th",
            element("button", text, type="button") if text else None,
            scope="col",
            aria_sort="none" if text else None,
        )
        for text in head
    ]
    lines = [element("tr", *(_cell(cell) for cell in row)) for row in rows]
    table = element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *lines),
        id=name,
        class_="sortable",
    )
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label=title)


def _cell(value: Child) -> Html:
    if isinstance(value, int):
        return element("td", f"{value:,}", class_="n")
    if isinstance(value, Html) and value.text.startswith("<svg"):
        return element("td", value, class_="chart")
    return element("td", value)


def _counted(counts: Mapping[str, int]) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:8]]
    return ", ".join(shown) + (f", {len(counts) - 8:,} more" if len(counts) > 8 else "")


def _resource(name: str) -> str:
    return files("fleet.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")
