"""Rules about schemas: JSON Schema's own meta-schema (3.1 and later), and whether they can be compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.lower.parts import mapping
from fleet.openapi.rules.finding import Findings


def schemas(found: Findings) -> None:
    """Schemas that JSON Schema's meta-schema refuses (3.1 and later), or that cannot be compiled."""
    document = found.document
    old = document.front.dialect != "2020-12"
    judge = None if old else _meta()
    for steps, schema in _component_schemas(found.tree):
        if judge is not None:
            for inner, message in judge(schema):
                found.error("schema", message, *steps, *inner)
    for operation in document.by_route.values():
        if operation in found.broken:
            continue
        before = len(document.warned)
        try:
            operation.compile(validate=True)
        except SpecError:
            continue  # told before
        for warning in document.warned[before:]:
            node = operation.site.node
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
