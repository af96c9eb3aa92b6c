"""Rules about references: each must lead somewhere, and what has a name should be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from fleet.errors import SpecError
from fleet.openapi.lower.parts import mapping
from fleet.openapi.reading.refs import MissingDocument
from fleet.openapi.reading.trees import every_mapping
from fleet.openapi.rewrite.grammar import grammar_of, objects, parts, sections_of
from fleet.openapi.rules.finding import Findings
from fleet.openapi.schema.keywords import is_standard
from fleet.pointer import pointer_of


def references(found: Findings) -> None:
    """Each `$ref` of each document that was read must lead somewhere. A document that is not there is told
    once, at the first reference to it."""
    absent: dict[str, list[tuple[str, Any]]] = {}
    for uri, tree in list(found.library.trees.items()):
        data = _data(tree)
        for place in found.library.mappings(uri):
            node = place.value
            ref = node.get("$ref")
            if not isinstance(ref, str) or id(node) in data or is_standard(ref):
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


def _data(tree: Any) -> set[int]:
    """The mappings of a document that are data, told by identity: in examples, defaults, enumerations and
    extensions a `$ref` is only a word."""
    data: set[int] = set()
    known: set[int] = set()
    for kind, node in objects(tree):
        known.add(id(node))
        named = {steps[0] for steps, _, _ in parts(grammar_of(tree), kind, node)}
        for key, value in node.items():
            if key not in named and (kind != "document" or key.startswith("x-")):
                data.update(id(inner) for inner in every_mapping(value))
    return data - known


def unused(found: Findings) -> None:
    """What has a name and is not referred to; schemas that a discriminator means by name are."""
    sections = {section for kind, section in sections_of(found.tree).items() if kind != "securityScheme"}
    used = {
        ref.partition("#")[2]
        for tree in found.library.trees.values()
        for node in every_mapping(tree)
        for ref in _mentions(node, found.tree)
    }
    depth = 1 + max(map(len, sections))
    used = {"/".join(ref.split("/")[: depth + 1]) for ref in used}
    for section in sorted(sections):
        entries: Any = found.tree
        for key in section:
            entries = mapping(entries).get(key)
        for name, value in mapping(entries).items():
            steps = [*section, name]
            if pointer_of(steps) not in used and not _is_heir(found, value):
                message = f"{name!r} under {section[-1]} is not used"
                found.add("warning", "unused", message, found.document.source, steps)
    _unused_schemes(found)


def _unused_schemes(found: Findings) -> None:
    """Security schemes that nothing requires."""
    document = found.document
    required = {
        document.front.scheme_name(name, document.source)
        for _, node in objects(found.tree)
        if isinstance(listed := node.get("security"), list)
        for entry in listed
        for name in mapping(entry)
    }
    section = sections_of(found.tree)["securityScheme"]
    declared: Any = found.tree
    for key in section:
        declared = mapping(declared).get(key)
    for name in document.schemes:
        if name in mapping(declared) and name not in required and document.replaced is None:
            message = f"no operation needs the security scheme {name!r}"
            found.add("warning", "unused", message, document.source, [*section, name])


def _is_heir(found: Findings, schema: Any) -> bool:
    """Whether a schema extends one that has a discriminator: values mean it by its name."""
    parents = mapping(schema).get("allOf")
    for entry in parents if isinstance(parents, list) else ():
        ref = mapping(entry).get("$ref")
        if isinstance(ref, str):
            try:
                parent = found.library.resolve(found.document.source, ref).value
            except SpecError:
                continue
            if "discriminator" in mapping(parent):
                return True
    return False


def _mentions(node: dict[str, Any], tree: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(node.get("$ref"), str):
        yield unquote(node["$ref"])
    discriminator = node.get("discriminator")
    if isinstance(discriminator, dict):
        for value in mapping(discriminator.get("mapping")).values():
            if isinstance(value, str):
                yield value if "#" in value else "#" + pointer_of([*sections_of(tree)["schema"], value])
