"""Phrases that every form of a conformance report shares."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.judge.conformance.model import Conformance, Deviating, Deviation, Example, Maker
from fleet.phrases import some


def summary_text(report: Conformance) -> str:
    """`417 of 4,684 targets deviate in 3 ways`."""
    if not report.deviating:
        return f"none of {some(report.targets, 'target')} deviates"
    return f"{_share(report.deviating, report.targets)} in {some(report.ways, 'way')}"


def maker_text(maker: Maker) -> str:
    """The same of one maker."""
    if not maker.deviating:
        return f"none of {some(maker.targets, 'target')} deviates"
    return f"{_share(maker.deviating, maker.targets)} in {some(len(maker.deviations), 'way')}"


def remarks(report: Conformance) -> Iterator[str]:
    """What a reader must know to read the counts right."""
    if report.unjudged:
        counts = "counts" if report.unjudged == 1 else "count"
        yield f"{some(report.unjudged, 'target')} gave no answer to judge, and {counts} nowhere."
    if report.dropped:
        yield f"{some(report.dropped, 'place')} beyond what an outcome stores: counted, not told apart."
    if report.more:
        yield f"{some(report.more, 'place')} beyond the kinds and ways that are told apart: in (others)."


def machines_text(found: Deviating) -> str:
    """`74 of 212 PowerEdge R760 with 2.18.1`."""
    rest = [value or "(none)" for value in found.kind[1:]]
    what = rest[0] if rest else (found.kind[0] or "(none)") if found.kind else "targets"
    if what[:1].isdigit():
        what = f'"{what}"'  # a model that is a number is no count
    also = f" with {', '.join(rest[1:])}" if len(rest) > 1 else ""
    return f"{found.targets:,} of {found.of:,} {what}{also}"


def place_text(deviation: Deviation) -> str:
    """Where it is in an answer: `/Boot/Mode`; of what is missing, where it should be."""
    missing = deviation.expected if deviation.rule == "required" else ""
    return f"{deviation.pointer}/{missing}" if missing else deviation.pointer or "(the whole answer)"


def wants_text(deviation: Deviation, actual: str = "") -> str:
    """What the rule wants and what was there: `enum: one of "A", "B"; there was "a"`."""
    if deviation.rule == "required" and deviation.expected:
        return "required: it is missing"
    wanted = f"{deviation.rule}: {deviation.expected}" if deviation.expected else deviation.rule
    return f"{wanted}; there was {actual}" if actual else wanted


def example_text(example: Example) -> str:
    """A place that can be looked at."""
    return f"{example.target}{example.uri}{'#' if example.pointer else ''}{example.pointer}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {some(whole, 'target')} {'deviates' if part == 1 else 'deviate'}"
