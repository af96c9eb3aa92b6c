"""What is wrong with a description: our own rules over the document and everything that it refers to.

The official meta-schemas of OpenAPI are not part of this: no package ships them. What JSON Schema's own
meta-schema says of the schemas of 3.1 and 3.2 is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fleet.errors import SpecError
from fleet.openapi.document import Document
from fleet.openapi.load import Positions
from fleet.openapi.lower.parts import mapping
from fleet.openapi.operation import Operation
from fleet.openapi.refs import Library, every_mapping

MAX_FINDINGS = 1000  # of one description
_VARIABLE = re.compile(r"\{([^{}/]+)\}")
_STATUS = re.compile(r"[1-5](\d\d|XX)|default")
_KEPT = {"schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where (a document, a JSON pointer, line and column from 1) and which rule.

    `line` and `column` are None where the document's text cannot be had.
    """

    severity: Literal["error", "warning"]
    rule: str
    message: str
    document: str
    pointer: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.document, self.line, self.column) if part is not None)
        return f"{place}: {self.severity}: {self.message} [{self.rule}] (at #{self.pointer})"


def review(document: Document) -> tuple[Finding, ...]:
    """Everything that is wrong with a description, in the order of its text; at most `MAX_FINDINGS`.

    Reads every document that references lead to.
    """
    document.preload()
    found = _Review(document)
    for rule in (_head, _paths, _references, _operations, _security, _schemas, _unused):
        rule(found)
    for warning in document.warnings:
        if "additionalOperations" in warning or "beside the reference" in warning:  # the rest has its rule
            found.add("warning", "document", warning, document.source, [])
    return found.result()


class _Review:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.library: Library = document._library
        self.tree: dict[str, Any] = self.library.trees[document.source]
        self._found: dict[tuple[str, str, str], Finding] = {}
        self.broken: set[Operation] = set()  # what cannot be called: told once
        self._ways: dict[str, dict[int, tuple[int, str | int]]] = {}
        self._texts: dict[str, Positions | None] = {}

    def add(
        self, severity: Literal["error", "warning"], rule: str, message: str, uri: str, steps: list[str | int]
    ) -> None:
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
        if len(self._found) >= MAX_FINDINGS or (rule, uri, pointer + message) in self._found:
            return
        line, column = self._position(uri, steps)
        finding = Finding(severity, rule, message, uri, pointer, line, column)
        self._found[rule, uri, pointer + message] = finding

    def error(self, rule: str, message: str, *steps: str | int) -> None:
        self.add("error", rule, message, self.document.source, list(steps))

    def at(self, rule: str, message: str, uri: str, node: Any) -> None:
        """An error about a node of any document, told by identity."""
        self.add("error", rule, message, uri, self._steps(uri, node))

    def _steps(self, uri: str, node: Any) -> list[str | int]:
        """The keys and indexes that lead to a node; [] where it is not part of the document as read."""
        ways = self._ways.get(uri)
        if ways is None:
            ways = self._ways[uri] = _ways(self.library.trees.get(uri))
        steps: list[str | int] = []
        at = id(node)
        while at in ways:
            at, step = ways[at]
            steps.append(step)
        return steps[::-1]

    def result(self) -> tuple[Finding, ...]:
        own = self.document.source
        return tuple(
            sorted(
                self._found.values(),
                key=lambda f: (f.document != own, f.document, f.line or 0, f.column or 0, f.pointer),
            )
        )

    def _position(self, uri: str, steps: list[str | int]) -> tuple[int | None, int | None]:
        if uri not in self._texts:
            text = self.library.text(uri)
            self._texts[uri] = None if text is None else Positions(text)
        positions = self._texts[uri]
        return (None, None) if positions is None else positions.of(steps)


def _ways(tree: Any) -> dict[int, tuple[int, str | int]]:
    """For every mapping and list of a tree: what it stands in, and its key there."""
    ways: dict[int, tuple[int, str | int]] = {}
    todo = [tree]
    while todo:
        value = todo.pop()
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for step, inner in items:
            if isinstance(inner, dict | list) and id(inner) not in ways and inner is not tree:
                ways[id(inner)] = (id(value), step)
                todo.append(inner)
    return ways


def _head(found: _Review) -> None:
    info = found.tree.get("info")
    if not isinstance(info, dict):
        found.error("info", "there is no 'info'")
    else:
        for key in ("title", "version"):
            if not isinstance(info.get(key), str):
                found.error("info", f"'info' has no {key!r}, as text", "info")
    if "paths" not in found.tree and found.document._front.dialect != "2020-12":
        found.error("paths", "there are no 'paths'")


def _paths(found: _Review) -> None:
    shapes: dict[str, str] = {}
    for template, item in mapping(found.tree.get("paths")).items():
        if template.startswith("x-"):
            continue
        if not template.startswith("/"):
            found.error("path", f"the path {template!r} does not begin with '/'", "paths", template)
            continue
        if not isinstance(item, dict):
            found.error("path", f"the path {template!r} is not a mapping", "paths", template)
        shape = _VARIABLE.sub("{}", template)
        if shape in shapes:
            message = f"the path {template!r} cannot be told from {shapes[shape]!r}"
            found.error("ambiguous-path", message, "paths", template)
        shapes.setdefault(shape, template)
        names = _VARIABLE.findall(template)
        if len(set(names)) < len(names):
            found.error("path", f"the path {template!r} uses a name twice", "paths", template)


def _references(found: _Review) -> None:
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


def _operations(found: _Review) -> None:
    ids: dict[str, str] = {}
    for operation in found.document._by_route.values():
        site = operation._site
        shown = f"{operation.method} {operation.template}"
        if site.name is not None and site.name in ids:
            message = f"the operationId {site.name!r} of {shown} is that of {ids[site.name]} too"
            found.at("duplicate-operation-id", message, site.node.uri, site.node.value)
        ids.setdefault(site.name or "", shown)
        try:
            operation.compile()
            _path_parameters(found, operation, shown)
        except SpecError as error:
            found.broken.add(operation)
            found.at("operation", error.message, site.node.uri, site.node.value)
        _responses(found, operation, shown)


def _path_parameters(found: _Review, operation: Operation, shown: str) -> None:
    site = operation._site
    declared = {p.name for p in operation.parameters if p.location == "path"}
    used = set(_VARIABLE.findall(operation.template))
    for name in sorted(used - declared):
        message = f"the path parameter {name!r} of {shown} is not declared"
        found.at("undeclared-path-parameter", message, site.node.uri, site.node.value)
    for name in sorted(declared - used):
        message = f"the path parameter {name!r} of {shown} is not in its path"
        found.at("unused-path-parameter", message, site.node.uri, site.node.value)
    for owner in (site.item, site.node):
        seen: set[tuple[Any, Any]] = set()
        for node in owner.value.get("parameters") or []:
            key = (node.get("in"), node.get("name")) if isinstance(node, dict) else (None, None)
            if None in key:
                continue
            if key in seen:
                found.at("duplicate-parameter", f"{shown} declares {key[1]!r} twice", owner.uri, node)
            seen.add(key)
            if key[0] == "path" and node.get("required") is not True:
                found.at("path-parameter", f"the path parameter {key[1]!r} is not required", owner.uri, node)


def _responses(found: _Review, operation: Operation, shown: str) -> None:
    node = operation._site.node
    responses = node.value.get("responses")
    if not isinstance(responses, dict) or not responses:
        if found.document._front.dialect != "2020-12":
            found.at("responses", f"{shown} has no responses", node.uri, node.value)
        return
    for status in responses:
        if not status.startswith("x-") and not _STATUS.fullmatch(status):
            found.at("status", f"{shown} answers with {status!r}, which is no status", node.uri, responses)


def _security(found: _Review) -> None:
    document = found.document
    for names in document.security:
        for name in names:
            if name not in document.schemes:
                found.error("unknown-security-scheme", f"no security scheme {name!r} is defined", "security")
    for operation in document._by_route.values():
        site = operation._site
        try:
            own = operation.security or ()
        except SpecError as error:
            found.at("security", error.message, site.node.uri, site.node.value)
            continue
        for name in dict.fromkeys(name for names in own for name in names):
            if name not in document.schemes:
                message = f"{operation.method} {operation.template} needs {name!r}, which is not defined"
                found.at("unknown-security-scheme", message, site.node.uri, site.node.value.get("security"))


def _schemas(found: _Review) -> None:
    """Schemas that JSON Schema's meta-schema refuses (3.1 and later), or that cannot be compiled."""
    document = found.document
    old = document._front.dialect != "2020-12"
    judge = None if old else _meta()
    for steps, schema in _component_schemas(found.tree):
        if judge is not None:
            for inner, message in judge(schema):
                found.error("schema", message, *steps, *inner)
    for operation in document._by_route.values():
        if operation in found.broken:
            continue
        before = len(document._warnings)
        try:
            operation.compile(validate=True)
        except SpecError:
            continue  # told before
        for warning in document._warnings[before:]:
            node = operation._site.node
            found.at("schema", warning.partition("\n")[0], node.uri, node.value)


def _component_schemas(tree: Mapping[str, Any]) -> Iterator[tuple[list[str | int], Any]]:
    for name, schema in mapping(mapping(tree.get("components")).get("schemas")).items():
        yield ["components", "schemas", name], schema


def _meta() -> Callable[[Any], list[tuple[list[str | int], str]]]:
    import jsonschema_rs  # noqa: PLC0415  (2 MB of machine code that only validation needs)

    meta = jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})

    def judge(schema: Any) -> list[tuple[list[str | int], str]]:
        return [(list(e.instance_path), e.message.partition("\n")[0]) for e in meta.iter_errors(schema)][:20]

    return judge


def _unused(found: _Review) -> None:
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
