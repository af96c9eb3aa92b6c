"""A comparison as one page, which loads nothing and runs nothing but its own."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.compare.model import Diff
from fleet.compare.sections import sections
from fleet.compare.wording import side_text, states, sums, verdict
from fleet.page import Html, Section, closed_page, element, links, stacked

_PARTS = ("same", "changed", "uncompared")


def diff_html(diff: Diff) -> str:
    """The whole page."""
    told = sections(diff)
    first, second = (side.run or side.path for side in (diff.first, diff.second))
    source = f"{diff.first.path} and {diff.second.path}"
    return closed_page(f"{first} to {second}", _header(diff, told), told, source=source).text


def _header(diff: Diff, told: Sequence[Section]) -> Html:
    counts = {name: getattr(diff.counts, name) for name in _PARTS}
    names = {"same": "the same", "changed": "changed", "uncompared": "not compared"}
    label = ", ".join(f"{count:,} {names[name]}" for name, count in counts.items())
    asked = [f"of targets where {diff.where}"] if diff.where is not None else []
    asked += [f"rows of {', '.join(diff.steps_asked)} only"] if diff.steps_asked else []
    first, second = (side.run or side.path for side in (diff.first, diff.second))
    first_sum, second_sum, _, *partly = sums(diff)  # the third is what the bar shows
    return element(
        "header",
        element("p", side_text(diff.second) if diff.second.spec else "", class_="what"),
        element("h1", f"{first} → {second}"),
        element("p", element("b", verdict(diff)), class_="state"),
        *(element("p", line, class_="facts") for line in asked),
        *(element("p", line, class_="state stopped") for line in states(diff)),
        *(element("p", line, class_="facts") for line in (first_sum, second_sum, *partly)),
        stacked(counts, _PARTS, whole=diff.counts.both, height=26, label=label),
        element(
            "ul",
            element("li", element("b", f"{diff.counts.both:,}"), " in both runs ="),
            *(
                element("li", element("b", f"{count:,}"), f" {names[name]}", class_=f"k-{name}")
                for name, count in counts.items()
            ),
            class_="counts",
        ),
        links(told),
    )
