"""Charts of a report as inline SVG: attributes and classes only, so that a strict policy allows them."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.outcome import STATUSES
from fleet.page import Html, element, join
from fleet.report.model import Bucket

WIDTH = 1000


def histogram(buckets: Sequence[Bucket]) -> Html:
    """Targets by how long they took, a column for each bucket, stacked by status."""
    sums = [sum(bucket.statuses.values()) for bucket in buckets]
    most, high, base = max(sums, default=1), 150, 175
    wide = min(WIDTH / max(len(buckets), 1), 110)
    columns = []
    for at, (bucket, total) in enumerate(zip(buckets, sums, strict=True)):
        left, top = at * wide, float(base)
        parts: list[Html] = []
        for status in STATUSES:
            count = bucket.statuses.get(status, 0)
            if not count:
                continue
            height = max(high * count / most, 1.0)
            top -= height
            parts.append(
                element(
                    "rect",
                    x=round(left + wide * 0.1, 1),
                    y=round(top, 1),
                    width=round(wide * 0.8, 1),
                    height=round(height, 1),
                    class_=f"s-{status}",
                )
            )
        edge = "longer" if bucket.below is None else f"≤ {bucket.below:g} s"
        middle = round(left + wide / 2, 1)
        said = ", ".join(f"{status} {count:,}" for status, count in bucket.statuses.items())
        parts.append(element("text", f"{total:,}", x=middle, y=round(top - 5, 1), class_="count"))
        parts.append(element("text", edge, x=middle, y=base + 17, class_="edge"))
        columns.append(element("g", element("title", f"{edge}: {said or 'none'}"), *parts))
    across = round(wide * len(buckets))
    return element(
        "svg",
        join(*columns),
        element("line", x1=0, y1=base, x2=across, y2=base, class_="axis"),
        viewBox=f"0 0 {max(across, 1)} {base + 25}",
        role="img",
        aria_label="Targets by the seconds they took",
        class_="histogram",
        width=across,
    )
