"""A conformance report as one page, to be sent to the makers of the machines: a section for each."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.judge.conformance.model import Conformance, Deviation, Maker
from fleet.judge.conformance.wording import (
    example_text,
    machines_text,
    maker_text,
    place_text,
    remarks,
    summary_text,
)
from fleet.observe import safe
from fleet.page import Child, Html, Section, closed_page, element, join, links, section, stacked, table
from fleet.phrases import host_text, some

MAX_WAYS = 200  # of one maker
MAX_KINDS = 500  # of one maker
MAX_MACHINES = 20  # kinds of machines named of one way
MAX_MAKERS = 200


def conformance_page(report: Conformance, *, run: str) -> str:
    """The whole page."""
    found = [_maker(maker, report, at) for at, maker in enumerate(report.makers[:MAX_MAKERS])]
    told: list[Section] = [part for part in found if part is not None]
    title = f"Deviations from {report.description}"
    return closed_page(title, _header(report, title, told), told, source=run).text


def _header(report: Conformance, title: str, told: Sequence[Section]) -> Html:
    counts = {"failed": report.deviating, "ok": report.targets - report.deviating}
    facts = (
        f"{report.started[:16].replace('T', ' ')} UTC" if report.started else "",
        f"run {report.run}" if report.run else "",
        " ".join(filter(None, (report.spec, report.pipeline))),
        f"fleet {report.fleet}" if report.fleet else "",
    )
    return element(
        "header",
        element("p", "Answers held against their published schemas", class_="what"),
        element("h1", title),
        element("p", " · ".join(filter(None, facts)), class_="facts"),
        element("p", f"{summary_text(report)}.", class_="state"),
        stacked(counts, ("failed", "ok"), whole=report.targets, height=26, label=summary_text(report)),
        *(element("p", remark, class_="note") for remark in remarks(report)),
        links(told) if len(told) > 1 else None,
    )


def _maker(maker: Maker, report: Conformance, at: int) -> Section | None:
    name = safe(maker.name, 80) or ("(no maker named)" if report.by else "All machines")
    told = maker_text(maker)
    more = len(maker.deviations) - MAX_WAYS
    cards = [_card(found, report) for found in maker.deviations[:MAX_WAYS]]
    content = join(
        element("p", f"{told[:1].upper()}{told[1:]}."),
        _kinds(maker, report) if report.by else None,
        element("div", *cards, class_="groups wide") if cards else None,
        element("p", f"and {some(more, 'more way')}: fleet conformance --format json", class_="note")
        if more > 0
        else None,
    )
    return section(f"maker-{at}", name, content)


def _kinds(maker: Maker, report: Conformance) -> Html:
    """Every kind of machines of a maker, those without a deviation too: that is good to know."""
    names = [name.rpartition(".")[2].replace("_", " ") for name in report.by[1:]] or ["machines"]
    rows: list[Sequence[Child]] = []
    for kind in maker.kinds[:MAX_KINDS]:
        counts = {"failed": kind.deviating, "ok": kind.targets - kind.deviating}
        label = f"{kind.deviating:,} of {kind.targets:,} deviate"
        bar = stacked(counts, ("failed", "ok"), whole=kind.targets, height=10, label=label)
        values = [value or "(none)" for value in kind.values[1:]] or [maker.name]
        rows.append((*values, kind.targets, kind.deviating, kind.ways, bar))
    return table("Kinds of machines", (*names, "targets", "deviate", "ways", ""), rows)


def _card(found: Deviation, report: Conformance) -> Html:
    shown = found.machines[:MAX_MACHINES]
    example = shown[0].example
    more = found.machines[MAX_MACHINES:]
    missing = found.rule == "required" and bool(found.expected)
    machines = [
        element(
            "p",
            element("b", machines_text(one)),
            f", {some(one.places, 'place')}: " if one.places != one.targets else ": ",
            element("code", host_text(one.hosts, one.unnamed)),
        )
        for one in shown
    ]
    return element(
        "article",
        element(
            "h3",
            element("span", f"{found.targets:,}", class_="number"),
            element("span", place_text(found), class_="kind"),
            element("span", found.rule, class_="blame"),
        ),
        element(
            "dl",
            *_pair("in", _code(found.operation)),
            *(_pair("wanted", "that it is there") if missing else _pair("wanted", _code(found.expected))),
            *(_pair("there was", "nothing") if missing else _pair("there was", _code(example.actual))),
            *_pair(
                "machines", *machines, element("p", f"and {some(len(more), 'more kind')}") if more else None
            ),
            *_pair("example", element("code", example_text(example))),
        ),
    )


def _code(text: str) -> Html | None:
    return element("code", text) if text else None


def _pair(term: str, *says: Child) -> tuple[Child, ...]:
    given = [child for child in says if child is not None]
    return (element("dt", term), element("dd", *given)) if given else ()
