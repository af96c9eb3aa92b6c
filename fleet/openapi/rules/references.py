"""Rules about references: each must lead somewhere, and what has a name should be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.lower.parts import mapping
from fleet.openapi.refs import Library, every_mapping
from fleet.openapi.rules.finding import Findings

_KEPT = {"schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks"}


def references(found: Findings) -> None:
    """Each `$ref` of each document that was read must lead somewhere."""
    for uri, tree in list(found.library.trees.items()):
        for node in every_mapping(tree):
            ref = node.get("$ref")
            if isinstance(ref, str) and (why := _broken(found.library, uri, node, ref)):
                found.at("unresolved-reference", f"{ref!r} leads nowhere: {why}", uri, node)


def _broken(library: Library, uri: str, node: dict[str, Any], ref: str) -> str:
    try:
        library.resolve(library.enter(uri, node), ref)
    except SpecError as error:
        return library.missing.get(error.file or "", error.message).partition("\n")[0]
    return ""


def unused(found: Findings) -> None:
    """Components that nothing refers to."""
    used = {
        ref.partition("#")[2]
        for tree in found.library.trees.values()
        for node in every_mapping(tree)
        for ref in _mentions(node)
    }
    used = {"/".join(ref.split("/")[:4]) for ref in used}
    components = mapping(found.tree.get("components"))
    for kind, entries in components.items():
        for name in mapping(entries) if kind in _KEPT else ():
            pointer = f"/components/{kind}/{name.replace('~', '~0').replace('/', '~1')}"
            if pointer not in used:
                steps: list[str | int] = ["components", kind, name]
                message = f"{name!r} under {kind} is not used"
                found.add("warning", "unused", message, found.document.source, steps)


def _mentions(node: dict[str, Any]) -> Iterator[str]:
    if isinstance(node.get("$ref"), str):
        yield node["$ref"]
    discriminator = node.get("discriminator")
    if isinstance(discriminator, dict):
        for value in mapping(discriminator.get("mapping")).values():
            yield value if "#" in str(value) else f"#/components/schemas/{value}"
