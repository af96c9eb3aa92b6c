"""Links and members of collections, read in the dialect of an API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fleet.pipeline.language.closures import truthy
from fleet.pipeline.plan import Dialect


def links_in(value: Any, dialect: Dialect, notes: Counter[str]) -> Iterator[str]:
    """The URLs in what `follow` found: a text, a link object, or a list of them. Null, empty text and
    empty objects are no link; what else is none is counted."""
    for element in value if isinstance(value, list) else (value,):
        found = link_in(element, dialect)
        if found is not None:
            yield found
        elif truthy(element):
            notes["links_without_url"] += 1


def link_in(element: Any, dialect: Dialect) -> str | None:
    """The URL of one link object, or of a text that is one."""
    url = dialect.link.value(element) if isinstance(element, dict) else element
    return url if isinstance(url, str) and url else None


def is_whole(member: dict[str, Any], link: str | None, dialect: Dialect) -> bool:
    """Whether a member of a collection is complete as it stands, and needs no request."""
    if dialect.whole is not None:
        return dialect.whole.holds(member)
    return bool(member) and (link is None or len(member) > 1)


def elements_of(value: Any, notes: Counter[str]) -> list[Any]:
    """The elements of a list; an object where a list belongs is a list of one, null is an empty one."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if value:
            notes["not_a_list"] += 1
            return [value]
        return []
    if value is not None:
        notes["not_a_list"] += 1
    return []
