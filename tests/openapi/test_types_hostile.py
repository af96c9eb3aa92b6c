"""Types of schemas that nobody should write, and of those that DMTF published."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from fleet.client import FileSystemLoader
from fleet.errors import SpecError
from fleet.openapi import Document, Library, Place, SchemaModel, Types, load, parse

WORDS = [
    "$ref", "$dynamicRef", "$id", "$anchor", "type", "enum", "const", "properties", "required", "items",
    "prefixItems", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "format",
    "additionalProperties", "patternProperties", "x-patternProperties", "unevaluatedProperties", "nullable",
    "discriminator", "default", "contentEncoding", "title", "description", "propertyName", "mapping", "a", "",
]  # fmt: skip
NAMES = st.sampled_from(WORDS)
TEXTS = st.sampled_from([
    "#/components/schemas/A", "#/components/schemas/B", "#", "#x", "other.json", "A", "object", "array",
    "string", "null", "date-time", "byte", "base64", "^a", "(", "kind", "",
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | TEXTS
NONSENSE: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(NAMES, NONSENSE, max_size=6),
    NONSENSE,
    VALUES,
    st.sampled_from(["2.0", "3.0.3", "3.1.0", "3.2.0"]),
)
def test_any_schema_has_a_type_or_is_a_spec_error(a: Any, b: Any, value: Any, version: str) -> None:
    schemas = {"A": a, "B": b}
    where: Any = {"definitions": schemas} if version == "2.0" else {"components": {"schemas": schemas}}
    word = "swagger" if version == "2.0" else "openapi"
    document = load(orjson.dumps({word: version, "info": {}, "paths": {}, **where}))
    for name in ("A", "B"):
        try:
            kind = document.types[name]
        except SpecError:
            continue
        try:
            made = kind.model_validate(value)
        except ValidationError:
            made = None
        if isinstance(made, BaseModel):
            assert made.model_dump(by_alias=True, exclude_unset=True) == value
        shaped: Any = document.types.typed(Place(document.source, schemas[name]), value)
        if isinstance(shaped, SchemaModel):
            assert shaped == value


def test_names_that_are_no_text_and_patterns_that_take_for_ever() -> None:
    text = """
openapi: 3.1.0
paths: {}
components:
  schemas:
    A: {properties: {1: {type: string}, 2020-01-01: {type: integer}, yes: {type: string}}}
    B: {patternProperties: {"^(a+)+$": {properties: {x: {format: date}}}, "(": {items: {format: date}}}}
"""
    kinds: Any = load(text).types
    assert kinds["A"].model_validate({"yes": "y"}).yes == "y"
    assert kinds["B"].model_validate({"a" * 40 + "!": {"x": "2020-01-01"}}).root
    assert kinds["B"].model_validate({"aaa": {"x": "2020-01-01"}}).root["aaa"].x.year == 2020


def test_wide_unions_and_long_names() -> None:
    branches = [
        {"type": "object", "required": [f"p{n}"], "properties": {f"p{n}": {"type": "integer"}}}
        for n in range(300)
    ]
    name = "n" * 100_000
    schemas = {"U": {"oneOf": branches}, "L": {"properties": {name: {"type": "string"}}}}
    kinds: Any = load(
        orjson.dumps({"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}})
    ).types
    assert kinds["U"].model_validate({"p250": 1}).p250 == 1
    assert kinds["L"].model_validate({name: "x"})[name] == "x"


def test_published_schemas_have_types(shared: Path) -> None:
    """A sample of DMTF's 2021.4 files: every named schema has a type with the properties that it declares."""
    root = shared / "data/redfish-2021.4/openapi"
    library = Library(FileSystemLoader(root), parse)
    chosen = random.Random(2021).sample(sorted(root.glob("*.yaml")), 25)
    warnings: list[str] = []
    count = 0
    for path in chosen:
        types = Types(library, str(path), "3.0", warnings.append)
        for name, kind in types.items():
            count += 1
            declared = library.tree(str(path))["components"]["schemas"][name].get("properties")
            if declared:
                assert {info.alias for info in kind.model_fields.values()} == set(declared), name
    assert count > 100 and warnings == []


@pytest.mark.parametrize("name", ["public-bladed", "public-catfish", "public-rackmount1"])
def test_published_mockups_come_back_typed(shared: Path, name: str) -> None:
    """Each resource by its own `@odata.type`, as far as that file is at hand."""
    root = shared / "data/redfish-2025.4/openapi"

    def beside(uri: str) -> bytes:
        path = root / Path(uri).name
        if not path.is_file():
            raise SpecError(f"{path.name} is not there")
        return path.read_bytes()

    home = "/descriptions/openapi.yaml"
    document: Document = load(b'{"openapi": "3.0.1", "paths": {}}', source=home, reader=beside)
    seen = 0
    for path in sorted((shared / "data/redfish-2025.4/mockups" / name).rglob("index.json")):
        value = orjson.loads(path.read_bytes())
        file, _, kind = value.get("@odata.type", "#none.none").removeprefix("#").rpartition(".")
        if not (root / f"{file}.yaml").is_file():
            continue
        ref = f"{file}.yaml#/components/schemas/{file.replace('.', '_')}_{kind}"
        made: Any = document.types.typed(Place(home, {"$ref": ref}), value)
        assert isinstance(made, SchemaModel) and made["Name"] == value["Name"]
        assert type(made).__name__ == f"{file.replace('.', '_')}_{kind}"
        assert made.model_dump(by_alias=True, exclude_unset=True) == value
        seen += 1
    assert seen > 10
