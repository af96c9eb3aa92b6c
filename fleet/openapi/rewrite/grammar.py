"""What stands where in a description: the objects of 2.0 and 3.x, their parts, and what each may refer to.

Values that the tables do not name (examples, defaults, enumerations, `x-` keys) are data: a `$ref` in them
is no reference. The tables are those of the Swagger 2.0 and OpenAPI 3.2 specifications; 3.0 and 3.1 have
subsets of the latter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = str
"""The specification's word for an object: "schema", "parameter", "pathItem", ..."""

Shape: TypeAlias = Literal["one", "map", "list"]

Table: TypeAlias = Mapping[str, tuple[tuple[Shape, Kind], ...]]
Grammar: TypeAlias = Mapping[Kind, Table]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

_SCHEMA_ONE = (
    "items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties",
    "additionalItems", "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip
_SCHEMA_LIST = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SCHEMA_MAP = (
    "properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "x-patternProperties",
)  # fmt: skip
_SCHEMA: Table = {
    **dict.fromkeys(_SCHEMA_ONE, (("one", "schema"),)),
    **{key: (("list", "schema"),) for key in _SCHEMA_LIST if key != "items"},
    "items": (("one", "schema"), ("list", "schema")),  # a list before 2020-12
    **dict.fromkeys(_SCHEMA_MAP, (("map", "schema"),)),
}

_HEADER: Table = {
    "schema": (("one", "schema"),),
    "content": (("map", "media"),),
    "examples": (("map", "example"),),
}
_ENCODING: Table = {
    "headers": (("map", "header"),),
    "encoding": (("map", "encoding"),),
    "prefixEncoding": (("list", "encoding"),),
    "itemEncoding": (("one", "encoding"),),
}

OF_3: Grammar = {
    "document": {
        "paths": (("map", "pathItem"),),
        "webhooks": (("map", "pathItem"),),
        "components": (("one", "components"),),
    },
    "components": {
        "schemas": (("map", "schema"),),
        "responses": (("map", "response"),),
        "parameters": (("map", "parameter"),),
        "examples": (("map", "example"),),
        "requestBodies": (("map", "requestBody"),),
        "headers": (("map", "header"),),
        "securitySchemes": (("map", "securityScheme"),),
        "links": (("map", "link"),),
        "callbacks": (("map", "callback"),),
        "pathItems": (("map", "pathItem"),),
        "mediaTypes": (("map", "media"),),
    },
    "pathItem": {
        **dict.fromkeys(METHODS, (("one", "operation"),)),
        "additionalOperations": (("map", "operation"),),
        "parameters": (("list", "parameter"),),
    },
    "operation": {
        "parameters": (("list", "parameter"),),
        "requestBody": (("one", "requestBody"),),
        "responses": (("map", "response"),),
        "callbacks": (("map", "callback"),),
    },
    "parameter": _HEADER,
    "header": _HEADER,
    "requestBody": {"content": (("map", "media"),)},
    "response": {
        "headers": (("map", "header"),),
        "content": (("map", "media"),),
        "links": (("map", "link"),),
    },
    "media": {
        "schema": (("one", "schema"),),
        "itemSchema": (("one", "schema"),),
        "examples": (("map", "example"),),
        "encoding": (("map", "encoding"),),
        "prefixEncoding": (("list", "encoding"),),
        "itemEncoding": (("one", "encoding"),),
    },
    "encoding": _ENCODING,
    "schema": _SCHEMA,
}

OF_2: Grammar = {
    "document": {
        "paths": (("map", "pathItem"),),
        "definitions": (("map", "schema"),),
        "parameters": (("map", "parameter"),),
        "responses": (("map", "response"),),
        "securityDefinitions": (("map", "securityScheme"),),
    },
    "pathItem": {
        **dict.fromkeys(METHODS[:7], (("one", "operation"),)),
        "parameters": (("list", "parameter"),),
    },
    "operation": {"parameters": (("list", "parameter"),), "responses": (("map", "response"),)},
    "parameter": {"schema": (("one", "schema"),)},
    "response": {"schema": (("one", "schema"),), "headers": (("map", "header"),)},
    "schema": _SCHEMA,
}

SECTIONS_OF_3: Mapping[Kind, tuple[str, ...]] = {
    parts[0][1]: ("components", key) for key, parts in OF_3["components"].items()
}
"""Where a kind is kept under a name of its own."""

SECTIONS_OF_2: Mapping[Kind, tuple[str, ...]] = {
    "schema": ("definitions",),
    "parameter": ("parameters",),
    "response": ("responses",),
    "securityScheme": ("securityDefinitions",),
}


def grammar_of(tree: Mapping[str, Any]) -> Grammar:
    """The table for the version that a description names."""
    return OF_2 if "swagger" in tree else OF_3


def sections_of(tree: Mapping[str, Any]) -> Mapping[Kind, tuple[str, ...]]:
    """Where the description's version keeps what has a name, by kind."""
    return SECTIONS_OF_2 if "swagger" in tree else SECTIONS_OF_3


def parts(
    grammar: Grammar, kind: Kind, node: Mapping[str, Any]
) -> Iterator[tuple[tuple[str | int, ...], Kind, Any]]:
    """The parts of one object: the one or two steps down to each, its kind, its value.

    What does not have its shape is left out. A callback is a mapping of expressions to path items.
    """
    if kind == "callback":
        for key, value in node.items():
            if not key.startswith("x-") and key != "$ref":
                yield (key,), "pathItem", value
        return
    table = grammar.get(kind, {})
    for key in node:
        for shape, inner in table.get(key, ()):
            value = node[key]
            if shape == "one":
                if isinstance(value, dict | bool):
                    yield (key,), inner, value
            elif shape == "map" and isinstance(value, dict):
                held = kind in {"document", "operation"} and key in {"paths", "responses"}
                for name, entry in value.items():
                    if not (held and name.startswith("x-")):
                        yield (key, name), inner, entry
            elif shape == "list" and isinstance(value, list):
                for index, entry in enumerate(value):
                    yield (key, index), inner, entry


def objects(tree: Any) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """The objects of one document, by kind, the document itself first. References are not followed."""
    if not isinstance(tree, dict):
        return
    grammar = grammar_of(tree)
    todo: list[tuple[Kind, Any]] = [("document", tree)]
    seen: set[int] = set()
    while todo:
        kind, node = todo.pop()
        if isinstance(node, dict) and id(node) not in seen:
            seen.add(id(node))
            yield kind, node
            todo.extend((inner, value) for _, inner, value in parts(grammar, kind, node))


Change: TypeAlias = Callable[[Kind, dict[str, Any]], dict[str, Any]]
"""Makes a new object of one; its parts are changed after it."""


def changed(grammar: Grammar, kind: Kind, node: Any, change: Change) -> Any:
    """A copy of an object in which `change` was made to it and to all of its parts, outermost first. What is
    only data is shared with the original."""
    holder: dict[str, Any] = {"made": node}
    todo: list[tuple[Kind, Any, Any]] = [(kind, holder, "made")]
    while todo:
        kind, owner, key = todo.pop()
        value = owner[key]
        if not isinstance(value, dict):
            continue
        made = owner[key] = change(kind, value)
        if made is value:
            made = owner[key] = dict(value)
        copies: dict[str, Any] = {}
        for steps, inner, _ in parts(grammar, kind, made):
            target: Any = made
            if len(steps) == 2:
                step = str(steps[0])
                if step not in copies:
                    held = made[step]
                    copies[step] = dict(held) if isinstance(held, dict) else list(held)
                target = copies[step]
            todo.append((inner, target, steps[-1]))
        made.update(copies)
    return holder["made"]
