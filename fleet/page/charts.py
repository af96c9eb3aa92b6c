"""Bars as inline SVG: drawn with attributes and classes only, so that a strict policy allows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.page.markup import Html, element

WIDTH = 1000


def stacked(counts: Mapping[str, int], order: Sequence[str], *, whole: int, height: int, label: str) -> Html:
    """One bar, a part for each name in `order` that has a count, as long as their sum is of `whole`."""
    parts, at = [], 0.0
    for name in order:
        count = counts.get(name, 0)
        if not count or not whole:
            continue
        width = max(WIDTH * count / whole, 2.0)
        title = element("title", f"{name}: {count:,}")
        rect = element("rect", x=round(at, 1), y=0, width=round(width, 1), height=height, class_=f"s-{name}")
        parts.append(element("g", title, rect))
        at += width
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {WIDTH} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="bar",
    )
