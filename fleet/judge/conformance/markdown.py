"""A conformance report as Markdown, for a ticket with the maker of the machines."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.judge.conformance.model import Conformance, Maker
from fleet.judge.conformance.wording import (
    example_text,
    machines_text,
    maker_text,
    place_text,
    remarks,
    summary_text,
    wants_text,
)
from fleet.page import code, markdown_table, markdown_text
from fleet.phrases import host_text, some

MAX_WAYS = 60  # of one maker
MAX_MACHINES = 10  # kinds of machines named of one way


def conformance_markdown(report: Conformance, *, run: str) -> str:
    """The whole of it."""
    return "\n".join(_lines(report, run)) + "\n"


def _lines(report: Conformance, run: str) -> Iterator[str]:
    yield f"# Deviations from {markdown_text(report.description)}\n"
    yield f"{code(report.run or run)}, {report.started[:16].replace('T', ' ')}: **{summary_text(report)}**"
    for remark in remarks(report):
        yield f"\n{remark}"
    for maker in report.makers:
        yield from _maker(maker, report)


def _maker(maker: Maker, report: Conformance) -> Iterator[str]:
    yield f"\n## {markdown_text(maker.name) or '(no maker named)'}\n"
    yield f"{maker_text(maker)}."
    head = [markdown_text(name) for name in report.by[1:]] or ["machines"]
    rows = [
        (*(markdown_text(value or "(none)") for value in kind.values[1:] or (maker.name,)),
         kind.targets, kind.deviating, kind.ways)
        for kind in maker.kinds
    ]  # fmt: skip
    yield from markdown_table("", (*head, "targets", "deviate", "ways"), rows) if report.by else ()
    for found in maker.deviations[:MAX_WAYS]:
        first = found.machines[0].example
        yield f"\n### {markdown_text(place_text(found))}\n"
        if found.operation:
            yield f"in {code(found.operation)}\n"
        yield f"{code(wants_text(found, first.actual))}\n"
        for one in found.machines[:MAX_MACHINES]:
            yield f"- {markdown_text(machines_text(one))}: {code(host_text(one.hosts, one.unnamed))}"
        if len(found.machines) > MAX_MACHINES:
            yield f"- and {some(len(found.machines) - MAX_MACHINES, 'more kind')}"
        yield f"\nExample: {code(example_text(first))}"
    if len(maker.deviations) > MAX_WAYS:
        yield f"\nand {some(len(maker.deviations) - MAX_WAYS, 'more way')}"
