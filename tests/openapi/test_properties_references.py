"""References in any shape: they load, compile and judge as another reading of them says, in bounded time."""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import SpecError
from fleet.openapi import Document, load
from fleet.openapi.schema import compile_check

HOME = "/d/api.json"
FILES = (HOME, "/d/other.json", "/d/sub/third.json")
NAMES = ("a", "b/c", "~", "~1", "%25", "é ü", " ", "", "d%2Fe", "0", "$ref", "x?y#z")
TYPES = ("string", "integer", "boolean")
VALUES: tuple[Any, ...] = ("x", 1, True, {"n": "x"}, {"n": 1}, {"n": {"n": True}}, {"n": {"n": {"n": 1}}})
LIMIT = 30.0  # seconds of CPU, for what takes under two: nothing here may be quadratic in 10,000
PATIENCE = 600.0  # seconds until it counts as one that never ends


def pointer(file: int, to: tuple[int, str], *, encoded: bool) -> str:
    """A reference to a schema by file and name, as it is written in `file`."""
    fragment = "/components/schemas/" + to[1].replace("~", "~0").replace("/", "~1")
    up = "../" if file == 2 and to[0] != 2 else ""
    name = "" if to[0] == file else up + FILES[to[0]].removeprefix("/d/" if file != 2 or up else "/d/sub/")
    return f"{name}#{quote(fragment, safe='/~' if encoded else '/~$')}"


def schemas(target: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A schema, with references as (file, name, whether they are percent-encoded to the full)."""
    ref = st.tuples(st.just("ref"), target, st.booleans())
    return (
        st.tuples(st.just("type"), st.sampled_from(TYPES))
        | ref
        | st.tuples(st.just("beside"), ref, st.sampled_from(TYPES))
        | st.tuples(st.just("all"), st.lists(ref, min_size=1, max_size=3))
        | st.tuples(st.just("any"), st.lists(ref, min_size=1, max_size=3))
        | st.tuples(st.just("next"), ref)
    )


KEYS = st.tuples(st.integers(0, len(FILES) - 1), st.sampled_from(NAMES))
GRAPHS = st.dictionaries(KEYS, schemas(KEYS), min_size=1, max_size=12)


def written(file: int, schema: Any) -> Any:
    """The schema as JSON."""
    kind, *rest = schema
    if kind == "ref":
        return {"$ref": pointer(file, rest[0], encoded=rest[1])}
    if kind == "type":
        return {"type": rest[0]}
    if kind == "beside":
        return {**written(file, rest[0]), "type": rest[1]}
    if kind == "next":
        return {"type": "object", "properties": {"n": written(file, rest[0])}}
    return {f"{kind}Of": [written(file, entry) for entry in rest[0]]}


def accepts(graph: Any, schema: Any, value: Any, *, beside: bool, seen: frozenset[Any] = frozenset()) -> bool:
    """What the schema means. A reference that leads nowhere, or back to itself at one place, asks nothing."""
    kind, *rest = schema
    if kind == "ref":
        if rest[0] in seen or rest[0] not in graph:
            return True
        return accepts(graph, graph[rest[0]], value, beside=beside, seen=seen | {rest[0]})
    if kind == "type":
        wanted = {"string": str, "integer": int, "boolean": bool}[rest[0]]
        return type(value) is wanted
    if kind == "beside":
        inner = accepts(graph, rest[0], value, beside=beside, seen=seen)
        return inner and (not beside or accepts(graph, ("type", rest[1]), value, beside=beside))
    if kind == "next":
        return isinstance(value, dict) and accepts(graph, rest[0], value.get("n"), beside=beside)
    judged = (accepts(graph, entry, value, beside=beside, seen=seen) for entry in rest[0])
    return all(judged) if kind == "all" else any(judged)


def description(graph: Any, start: Any, version: str) -> Document:
    """The graph over three files; the answers of `GET /` have the schema that `start` refers to."""
    held: list[dict[str, Any]] = [{}, {}, {}]
    for (file, name), schema in graph.items():
        held[file][name] = written(file, schema)
    content = {"application/json": {"schema": {"$ref": pointer(0, start, encoded=True)}}}
    paths = {"/": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    trees = [{"components": {"schemas": schemas}} for schemas in held]
    trees[0] = {"openapi": version, "paths": paths, **trees[0]}
    texts = {name: orjson.dumps(tree) for name, tree in zip(FILES, trees, strict=True)}

    def read(uri: str) -> bytes:
        if uri not in texts:
            raise SpecError("there is no such file", file=uri)
        return texts[uri]

    return load(source=HOME, reader=read)


@given(GRAPHS, KEYS, st.sampled_from(["3.0.3", "3.1.0"]))
def test_random_graphs_mean_what_they_say(graph: Any, start: Any, version: str) -> None:
    if any_cycle(graph):  # the meaning of these is open; that they end is not
        document = description(graph, start, version)
        assert all(isinstance(judged(document, value), bool) for value in VALUES)
        return
    document = description(graph, start, version)
    for value in VALUES:
        expected = accepts(graph, ("ref", start, True), value, beside=version == "3.1.0")
        assert judged(document, value) is expected, value
    assert not any("nowhere" in warning for warning in document.warnings)


def judged(document: Document, value: Any) -> bool:
    return document.operation("GET /").violations(200, None, value) == ()


def any_cycle(graph: Any) -> bool:
    """Whether some schema leads back to itself at one place of a value."""
    edges = {key: list(_refs(schema)) for key, schema in graph.items()}
    for start, first in edges.items():
        todo, seen = list(first), set()
        while todo:
            key = todo.pop()
            if key == start:
                return True
            if key not in seen:
                seen.add(key)
                todo.extend(edges.get(key, ()))
    return False


def _refs(schema: Any) -> Any:
    kind, *rest = schema
    if kind == "ref":
        yield rest[0]
    elif kind == "beside":
        yield rest[0][1]
    elif kind in {"all", "any"}:
        yield from (entry[1] for entry in rest[0])


LONG = {
    "references": lambda ref: ref,
    "described references": lambda ref: {**ref, "description": "on the way"},
    "properties": lambda ref: {"properties": {"a": ref}},
    "items": lambda ref: {"items": ref},
    "allOf": lambda ref: {"allOf": [ref]},
    "anyOf": lambda ref: {"anyOf": [ref, {"type": "null"}]},
    "not": lambda ref: {"not": ref},
    "if": lambda ref: {"if": ref, "then": True},
    "siblings": lambda ref: {**ref, "minLength": 0},
    "unevaluated": lambda ref: {"allOf": [ref], "unevaluatedProperties": False},
    "two ways": lambda ref: {"anyOf": [{"properties": {"a": ref}}, {"properties": {"b": ref}}]},
}
JUDGED = {"references", "described references", "properties", "items", "two ways"}


@pytest.mark.parametrize(
    ("kind", "files"), [*((kind, 1) for kind in LONG), ("references", 3), ("properties", 3), ("anyOf", 3)]
)
def test_chains_of_ten_thousand(kind: str, files: int) -> None:
    """In a thread, whose stack is smaller than that of a process. What would use it up is refused."""
    length = 2_000 if kind == "two ways" else 10_000  # the one compiles twice of everything
    made: list[dict[str, Any]] = [{}, {}, {}]
    for number in range(length):
        after = {"$ref": pointer(number % files, ((number + 1) % files, f"s{number + 1}"), encoded=True)}
        made[number % files][f"s{number}"] = LONG[kind](after)
    made[length % files][f"s{length}"] = {"type": "string"}
    texts = {f: orjson.dumps({"components": {"schemas": held}}) for f, held in zip(FILES, made, strict=True)}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}}
    paths = {"/": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    head = {"openapi": "3.1.0", "paths": paths, "components": {"schemas": made[0]}}
    found: list[Any] = []

    def run() -> None:
        document = load(orjson.dumps(head), source=HOME, reader=texts.__getitem__)
        operation = document.operation("GET /")
        violations = [operation.violations(200, None, value) for value in (1, "x", {"a": {"a": {}}}, [[]])]
        found.extend((violations, document.warnings, time.thread_time()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    violations, warnings, seconds = found
    assert seconds < LIMIT
    if kind in JUDGED:
        assert warnings == ()
        assert violations[0] == ((("", "type"),) if "references" in kind else ())
    else:
        assert "lead to one another too many times" in warnings[0]
    assert violations[1] == ()


def test_deep_values_and_long_chains_at_each_level() -> None:
    """Each bounded, their product was not: 300 schemas at each of 255 levels used up the stack."""
    schemas: dict[str, Any] = {
        f"s{number}": {"anyOf": [{"$ref": f"#/components/schemas/s{number + 1}"}, {"type": "null"}]}
        for number in range(300)
    }
    schemas["s300"] = {"type": "array", "items": {"$ref": "#/components/schemas/s0"}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}}
    paths = {"/": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    tree = {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}}
    operation = load(orjson.dumps(tree)).operation("GET /")
    value: list[Any] = []
    for _ in range(254):
        value = [value]
    assert operation.violations(200, None, value) == (("", "maxDepth"),)
    assert operation.violations(200, None, [[], None]) == ()
    assert operation.violations(200, None, 1) != ()


@pytest.mark.parametrize("kind", ["allOf", "anyOf", "oneOf"])
def test_schemas_that_only_lead_back_to_one_another(kind: str) -> None:
    for size in (1, 2, 50):
        schemas = {
            f"s{n}": {kind: [{"$ref": f"#/components/schemas/s{(n + 1) % size}"}]} for n in range(size)
        }
        graph = {"components": {"schemas": schemas}}
        document = load(orjson.dumps({"openapi": "3.1.0", "paths": {}, **graph}), source=HOME)
        for strict in (False, True):
            place = document.library.resolve(HOME, "#/components/schemas/s0")
            check = compile_check(document.library, place, "2020-12", strict=strict)
            assert isinstance(check({"a": 1}), tuple)
