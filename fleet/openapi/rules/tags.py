"""Rules about tags: each is declared once, and its parents (3.2) are declared and end somewhere."""

from __future__ import annotations

from typing import Any

from fleet.openapi.lower.parts import mapping
from fleet.openapi.rules.finding import Findings


def tags(found: Findings) -> None:
    """Names that are declared twice; parents that are not declared, or lead back to where they began."""
    listed = found.tree.get("tags")
    declared: dict[str, Any] = {}
    for index, node in enumerate(listed if isinstance(listed, list) else ()):
        name = mapping(node).get("name")
        if not isinstance(name, str):
            continue
        if name in declared:
            found.error("duplicate-tag", f"the tag {name!r} is declared twice", "tags", index)
        declared.setdefault(name, (index, mapping(node).get("parent")))
    for name, (index, parent) in declared.items():
        if not isinstance(parent, str):
            continue
        if parent not in declared:
            message = f"the parent {parent!r} of the tag {name!r} is not declared"
            found.error("tag-parent", message, "tags", index, "parent")
        elif _is_in_circle(name, declared):
            message = f"the parents of the tag {name!r} lead back to it"
            found.error("tag-parent", message, "tags", index, "parent")


def _is_in_circle(name: str, declared: dict[str, Any]) -> bool:
    at, passed = name, set[str]()
    while isinstance(at, str) and at in declared and at not in passed:
        passed.add(at)
        at = declared[at][1]
    return at == name
