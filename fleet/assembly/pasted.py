"""Addresses that were pasted with a path of the API itself: a browser's, where a base URL was meant."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.assembly.survey import Survey
from fleet.pipeline import Plan


def pasted_paths(plan: Plan, survey: Survey) -> Iterator[str]:
    """What to say of targets whose base URL goes on as the API's own paths begin, so that they would be asked
    for `/redfish/v1/redfish/v1/`. They are scanned all the same: there may be such a place."""
    ways = (way for step in plan.steps.values() for way in step.ways)
    asked: dict[str, str] = {}
    for way in ways:
        if way.path:
            asked.setdefault(_first(way.path), way.path)
    for path, (target, count) in survey.prefixes.items():
        own = asked.get(_first(path))
        if own is None:
            continue
        more = f"; {count - 1:,} more have it too" if count > 1 else ""
        where = f"{target.origin}: " if target.origin else ""
        yield (
            f"{where}{target.url}: the path comes before the API's own: asked is {path}{own}{more}\n"
            f"  pasted from a browser? write {target.url.removesuffix(path)}"
        )


def _first(path: str) -> str:
    return path.removeprefix("/").partition("/")[0]
