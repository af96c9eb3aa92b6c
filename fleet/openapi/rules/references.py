"""Rules about references: each must lead somewhere, and what has a name should be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.lower.parts import mapping
from fleet.openapi.refs import MissingDocument, every_mapping
from fleet.openapi.rules.finding import Findings

_KEPT = {"schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks"}


def references(found: Findings) -> None:
    """Each `$ref` of each document that was read must lead somewhere. A document that is not there is told
    once, at the first reference to it."""
    absent: dict[str, list[tuple[str, Any]]] = {}
    for uri in list(found.library.trees):
        for place in found.library.mappings(uri):
            node = place.value
            ref = node.get("$ref")
            if not isinstance(ref, str):
                continue
            try:
                found.library.resolve(place.uri, ref)
            except MissingDocument as error:
                absent.setdefault(error.file or "", []).append((uri, node))
            except SpecError as error:
                why = error.message.partition("\n")[0]
                found.at("unresolved-reference", f"{ref!r} leads nowhere: {why}", uri, node)
    for name, nodes in absent.items():
        uri, node = min(nodes, key=lambda entry: (entry[0] != found.document.source, entry[0]))
        why = found.library.missing.get(name, "").partition("\n")[0].removeprefix(f"{name}: ")
        more = f" (nor do {len(nodes) - 1} more to that document)" if len(nodes) > 1 else ""
        found.at("unresolved-reference", f"{node['$ref']!r} leads nowhere{more}: {why}", uri, node)


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
            yield value if isinstance(value, str) and "#" in value else f"#/components/schemas/{value}"
