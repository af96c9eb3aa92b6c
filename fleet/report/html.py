"""A report as one page: what it says of the run, its sections, and the list of its targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.observe import safe
from fleet.outcome import STATUSES
from fleet.page import Html, Section, closed_page, element, join, links, section, stacked, table
from fleet.report.groups import short_name
from fleet.report.lines import TargetLines
from fleet.report.model import Report
from fleet.report.sections import sections
from fleet.report.wording import cost_text

_STATES = {
    "complete": "Complete: every target has exactly one outcome.",
    "running": "A scan works on it: these are the counts so far.",
    "stopped": "Stopped: targets are missing. fleet resume goes on with it.",
    "unknown": "Made from a file of outcomes: whether targets are missing is not known.",
}


def to_html(report: Report, lines: TargetLines, *, run: str) -> str:
    """The whole page. `lines` are the targets that its list holds, `run` is what commands call the run."""
    told = [*sections(report), *([_targets(report, lines)] if len(lines) else [])]
    title = " ".join(filter(None, (report.spec, report.pipeline, report.run or run)))
    return closed_page(title, _header(report, run, told), told, source=run, data=_rows(lines)).text


def _header(report: Report, run: str, told: Sequence[Section]) -> Html:
    statuses = [
        element("li", element("b", f"{report.statuses.get(name, 0):,}"), f" {name}", class_=f"k-{name}")
        for name in STATUSES
    ]
    label = ", ".join(f"{report.statuses.get(name, 0):,} {name}" for name in STATUSES)
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
        links(told),
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


def _rows(lines: TargetLines) -> Iterator[list[str | int | float]]:
    """The list, each text as short as a line can show."""
    for line in lines:
        yield [
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
