"""References: chains, cycles, pointers, other documents, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import SpecError
from fleet.openapi import Document, Library, Place, load
from fleet.openapi.reading.refs import join

Files = dict[str, Any]


def description(paths: dict[str, Any], **rest: Any) -> bytes:
    return orjson.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths, **rest})


def reading(files: Files) -> Callable[[str], bytes]:
    def read(uri: str) -> bytes:
        if uri not in files:
            raise SpecError("no such file", file=uri)
        value = files[uri]
        return value if isinstance(value, bytes) else orjson.dumps(value)

    return read


@pytest.mark.parametrize(
    ("base", "name", "expected"),
    [
        ("/a/b.yaml", "", "/a/b.yaml"),
        ("/a/b.yaml", "c.yaml", "/a/c.yaml"),
        ("/a/b.yaml", "./s/c.yaml", "/a/s/c.yaml"),
        ("/a/b.yaml", "../c.yaml", "/c.yaml"),
        ("/a/b.yaml", "c%20d.yaml", "/a/c d.yaml"),
        ("/a/b.yaml", "http://h/c.yaml", "http://h/c.yaml"),
        ("http://h/a/b.yaml", "c.yaml", "http://h/a/c.yaml"),
        ("http://h/a/b.yaml", "/c.yaml", "http://h/c.yaml"),
    ],
)
def test_names_are_relative_to_their_document(base: str, name: str, expected: str) -> None:
    assert join(base, name) == expected


def test_pointers_escape_and_index() -> None:
    tree = {"a/b": {"c~d": [{"x y": 1}]}, "": {"": 2}}
    library = Library(reading({"/t": tree}))
    assert library.resolve("/t", "#/a~1b/c~0d/0/x%20y").value == 1
    assert library.resolve("/t", "#//").value == 2
    assert library.resolve("/t", "#").value == tree
    for broken in (
        "#/a~1b/nowhere",
        "#/a~1b/c~0d/7",
        "#/a~1b/c~0d/00",
        "#/a~1b/c~0d/-1",
        "#/a~1b/c~0d/٣",
        "#anchor",
    ):
        with pytest.raises(SpecError, match="finds n"):
            library.resolve("/t", broken)


def test_a_long_chain_is_followed_and_a_cycle_ends() -> None:
    chain: Files = {f"n{n}": {"$ref": f"#/n{n + 1}"} for n in range(10_000)}
    chain["n10000"] = {"end": True}
    library = Library(reading({"/t": chain, "/c": {"a": {"$ref": "#/b"}, "b": {"$ref": "/c#/a"}}}))
    assert library.follow(Place("/t", {"$ref": "#/n0"})).value == {"end": True}
    with pytest.raises(SpecError, match="leads back to itself"):
        library.follow(Place("/c", {"$ref": "#/a"}))


def test_a_missing_file_fails_only_what_needs_it() -> None:
    paths = {
        "/good": {"get": {"responses": {}}},
        "/bad": {"get": {"parameters": [{"$ref": "gone.json#/p"}], "responses": {}}},
        "/loose": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {
            "schema": {"properties": {"a": {"$ref": "gone.json#/s"}, "b": {"type": "integer"}}}}}}}}},
    }  # fmt: skip
    document = load(description(paths), source="/d/api.json", reader=reading({}))
    assert document.operation("GET /good").build().path == "/good"
    with pytest.raises(SpecError, match=r"^/d/gone\.json: a referenced document cannot be used: (?!/d/gone)"):
        document.operation("GET /bad").build()
    loose = document.operation("GET /loose")
    assert loose.build().path == "/loose"
    assert loose.violations(200, "application/json", {"a": 1, "b": 1}) == ()
    assert loose.violations(200, "application/json", {"a": 1, "b": "x"}) == (("/b", "type"),)
    assert document.warnings == ("1 referenced file is missing: gone.json",)


def test_a_missing_file_is_asked_for_once() -> None:
    asked: list[str] = []

    def reader(uri: str) -> bytes:
        asked.append(uri)
        raise SpecError("no")

    library = Library(reader)
    for _ in range(3):
        with pytest.raises(SpecError):
            library.tree("/x")
    assert asked == ["/x"]


def test_path_items_and_parameters_come_from_other_documents() -> None:
    files: Files = {
        "/d/items.json": {
            "one": {
                "parameters": [{"$ref": "parts.json#/id"}],
                "get": {"operationId": "getOne", "responses": {}},
            }
        },
        "/d/parts.json": {"id": {"name": "id", "in": "path", "required": True}},
    }
    paths = {"/x/{id}": {"$ref": "items.json#/one"}, "/y": {"$ref": "gone.json#/one"}}
    document = load(description(paths), source="/d/api.json", reader=reading(files))
    assert document.operation("getOne").build({"id": "7"}).path == "/x/7"
    assert document.operation(("/x/{id}", "get")).name == "getOne"
    assert any("/y" in warning for warning in document.warnings)


def test_recursive_schemas_are_checked(make: Callable[..., Document]) -> None:
    schemas = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
        "B": {"type": "array", "items": {"$ref": "#/components/schemas/A"}},
        "Self": {"$ref": "#/components/schemas/Self"},
    }
    answer = {
        "200": {
            "description": "",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}},
        }
    }
    itself = {
        "200": {
            "description": "",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Self"}}},
        }
    }
    document = make(
        {"/a": {"get": {"responses": answer}}, "/s": {"get": {"responses": itself}}},
        components={"schemas": schemas},
    )
    check = document.operation("GET /a").violations
    assert check(200, None, {"b": [{"b": [{"b": []}]}]}) == ()
    assert check(200, None, {"b": [{"b": [3]}]}) == (("/b/0/b/0", "type"),)
    assert document.operation("GET /s").violations(200, None, {"any": 1}) == ()
    assert any("cannot be checked" in warning for warning in document.warnings)


@given(st.lists(st.integers(0, 29), min_size=30, max_size=30), st.booleans())
def test_random_reference_graphs_load(targets: list[int], chained: bool) -> None:
    ref = [{"$ref": f"#/components/schemas/S{t}"} for t in targets]
    schemas = {f"S{n}": r if chained and n % 2 else {"properties": {"x": r}} for n, r in enumerate(ref)}
    answer = {
        "200": {
            "description": "",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}},
        }
    }
    document = load(description({"/a": {"get": {"responses": answer}}}, components={"schemas": schemas}))
    assert document.operation("GET /a").violations(200, None, {"x": {"x": 1}}) == ()


def test_a_chain_of_ten_thousand_schemas_is_checked(make: Callable[..., Document]) -> None:
    schemas: Files = {f"S{n}": {"$ref": f"#/components/schemas/S{n + 1}"} for n in range(10_000)}
    schemas["S10000"] = {"type": "string"}
    answer = {
        "200": {
            "description": "",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}},
        }
    }
    document = make({"/a": {"get": {"responses": answer}}}, components={"schemas": schemas})
    assert document.operation("GET /a").violations(200, None, 1) == (("", "type"),)
    assert document.operation("GET /a").violations(200, None, "x") == ()


def test_preload_reads_the_whole_closure() -> None:
    files: Files = {"/d/a.json": {"x": {"$ref": "b.json#/y"}}, "/d/b.json": {"y": {"$ref": "gone.json"}}}
    document = load(
        description({}, components={"schemas": {"A": {"$ref": "a.json#/x"}}}),
        source="/d/api.json",
        reader=reading(files),
    )
    document.preload()
    assert set(document.trees) == {"/d/api.json", "/d/a.json", "/d/b.json"}
    assert set(document.missing) == {"/d/gone.json"}


def test_answers_in_a_missing_file_are_one_warning_for_all_operations() -> None:
    lost = {"get": {"responses": {"200": {"$ref": "gone.json#/r"}}}}
    broken = {"get": {"responses": {"200": {"$ref": "#/components/nowhere"}}}}
    document = load(
        description({f"/{n}": lost for n in range(5)} | {"/broken": broken}),
        source="/d/api.json",
        reader=reading({}),
    )
    for operation in document.operations.values():
        assert operation.build().headers == (("Accept", "*/*"),)
        assert operation.violations(200, None, 1) == ()
    assert len(document.warnings) == 2
    assert "the answers of GET /broken cannot be read" in document.warnings[0]
    assert document.warnings[1] == "1 referenced file is missing: gone.json"
