"""Tables of a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fleet.page.markup import Child, Html, element


def table(
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
    lines = [element("tr", *(cell(value) for value in row)) for row in rows]
    made = element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *lines),
        id=name,
        class_="sortable",
    )
    return element("div", made, class_="scroll", tabindex=0, role="region", aria_label=title)


def cell(value: Child) -> Html:
    """One cell: numbers to the right, charts as wide as they may be."""
    if isinstance(value, int):
        return element("td", f"{value:,}", class_="n")
    if isinstance(value, Html) and value.text.startswith("<svg"):
        return element("td", value, class_="chart")
    return element("td", value)


def counted(counts: Mapping[str, int]) -> str:
    """`a 12, b 3`, the first eight."""
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:8]]
    return ", ".join(shown) + (f", {len(counts) - 8:,} more" if len(counts) > 8 else "")
