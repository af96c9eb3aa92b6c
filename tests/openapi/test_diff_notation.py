"""Another notation is no difference: nothing breaks between a description and the same one in other words; and
what cannot be read is said, not raised."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hostile import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from fleet.openapi import Change, Document, compare, convert, load

HEAD = {"info": {"title": "T", "version": "1"}}


def document(tree: dict[str, Any], source: str = "/d/api.json") -> Document:
    return load(orjson.dumps(tree), source=source)


def api(version: str, operation: dict[str, Any], **rest: Any) -> dict[str, Any]:
    word = "swagger" if version == "2.0" else "openapi"
    return {word: version, **HEAD, "paths": {"/p": {"post": {"responses": {}, **operation}}}, **rest}


def changed(old: dict[str, Any], new: dict[str, Any]) -> tuple[Change, ...]:
    return compare(document(old), document(new))


def converted(one: Document) -> Document:
    return document(convert(one).tree, one.source)


def query(**words: Any) -> dict[str, Any]:
    return {"parameters": [{"name": "q", "in": "query", **words}]}


def body(schema: Any, kind: str = "application/json") -> dict[str, Any]:
    return {"requestBody": {"content": {kind: {"schema": schema}}}}


def both(schema: Any) -> dict[str, Any]:
    """A schema that is asked for and given."""
    content = {"application/json": {"schema": schema}}
    return {
        "requestBody": {"content": content},
        "responses": {"200": {"description": "", "content": content}},
    }


TEXT = {"schema": {"type": "string"}}
LIST = {"schema": {"type": "array", "items": {"type": "string"}}}
BINARY = {"type": "string", "format": "binary"}
RAW = {"contentMediaType": "application/octet-stream"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (api("2.0", query(type="string")), api("3.1.0", query(**TEXT))),
        (api("3.0.0", query(**TEXT, explode=False)), api("3.0.0", query(**TEXT, explode=True))),
        (api("3.0.0", query(**TEXT, style="pipeDelimited")), api("3.0.0", query(**TEXT))),
        (api("2.0", query(type="array", items={"type": "string"})), api("3.1.0", query(**LIST, explode=False))),
        (api("3.0.0", both({"type": "string", "format": "byte"})), api("3.1.0", both({"type": "string", "contentEncoding": "base64"}))),
        (api("3.0.0", both(BINARY)), api("3.1.0", both({"type": "string", **RAW}))),
        (api("3.0.0", both(BINARY)), api("3.1.0", both(RAW))),
        (api("3.0.0", body(BINARY, "a/b")), api("3.1.0", {"requestBody": {"content": {"a/b": {}}}})),
        (api("3.0.0", both({"type": "string", "nullable": True})), api("3.1.0", both({"type": ["string", "null"]}))),
        (api("3.0.0", both({"nullable": True, "oneOf": [{"type": "string"}, {"type": "integer"}]})), api("3.1.0", both({"anyOf": [{"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]}))),
        (api("3.0.0", both({"minimum": 0, "exclusiveMinimum": True})), api("3.1.0", both({"exclusiveMinimum": 0}))),
        (api("3.0.0", both({"exclusiveMinimum": True})), api("3.1.0", both({}))),
        (api("3.1.0", both({"minLength": 0})), api("3.1.0", both({}))),
        (api("3.0.0", both({"example": 1})), api("3.1.0", both({"examples": [1]}))),
        (api("2.0", {"parameters": [{"name": "Accept", "in": "header", "type": "string"}]}), api("3.0.0", {})),
    ],
)  # fmt: skip
def test_another_notation_is_no_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changed(old, new) == ()
    assert changed(new, old) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (api("3.0.0", query(**LIST, explode=False)), api("3.0.0", query(**LIST))),
        (api("2.0", {"parameters": [{"name": "Accept", "in": "header", "type": "string"}]}), api("2.0", {})),
        (api("3.0.0", both({"type": "string", "format": "byte"})), api("3.0.0", both(BINARY))),
        (api("3.0.0", body(BINARY, "a/b")), api("3.0.0", body({"type": "integer"}, "a/b"))),
        (api("3.0.0", both({"nullable": True, "oneOf": [{"type": "string"}]})), api("3.0.0", both({"oneOf": [{"type": "string"}]}))),
    ],
)  # fmt: skip
def test_what_only_looks_like_notation_is_a_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert "breaking" in {change.severity for change in changed(old, new)}


def form(schema: Any, **encoding: Any) -> dict[str, Any]:
    made = {"schema": {"type": "object", "properties": {"a": schema}}, "encoding": {"a": encoding}}
    return {"requestBody": {"content": {"multipart/form-data": made}}}


def answered(header: Any = None, **words: Any) -> dict[str, Any]:
    headers = {} if header is None else {"headers": {"H": header}}
    return {"responses": {"200": {"description": "", **headers, **words}}}


NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("old", "new", "rule", "forth", "back"),
    [
        (form(TEXT["schema"]), form(TEXT["schema"], contentType="a/b"), "encoding", "breaking", "breaking"),
        (form(LIST["schema"]), form(LIST["schema"], style="pipeDelimited", explode=False), "encoding", "breaking", "breaking"),
        (answered({"required": True}), answered({}), "header-required", "breaking", "compatible"),
        (answered({}), answered(), "header-removed", "breaking", NOTHING),
        (answered(links={"l": {"operationId": "o"}}), answered(), "link-removed", "breaking", NOTHING),
        (answered(content={"a/b": {}}), answered(), "media-removed", "breaking", NOTHING),
        (query(**TEXT, required=True), query(**TEXT), "parameter-required", "compatible", "breaking"),
        (query(content={"application/json": {}}), query(schema={}), "parameter-style", "breaking", "breaking"),
        (query(**TEXT, allowReserved=True), query(**TEXT), "parameter-style", "breaking", "breaking"),
        (query(**TEXT, required=True), {}, "parameter-removed", "breaking", NOTHING),
        ({"servers": [{"url": "/a"}, {"url": "/b"}]}, {"servers": [{"url": "/a"}]}, "server", "breaking", "compatible"),
        ({"callbacks": {"c": {"{$url}": {"post": {"responses": {}}}}}}, {}, "operation-removed", "breaking", NOTHING),
        ({"requestBody": {"required": True, "content": {}}}, {"requestBody": {"content": {}}}, "body-required", "compatible", "breaking"),
        (form(TEXT["schema"], style="form"), form(TEXT["schema"], style="form", explode=False), "encoding", NOTHING, NOTHING),
    ],
)  # fmt: skip
def test_each_rule_both_ways(
    old: dict[str, Any], new: dict[str, Any], rule: str, forth: Any, back: Any
) -> None:
    sides = api("3.0.0", old), api("3.0.0", new)
    for (one, other), expected in ((sides, forth), (sides[::-1], back)):
        found = [change.severity for change in changed(one, other) if change.rule == rule]
        assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("old", "new", "asked", "given"),
    [
        ({"minimum": 5}, {"exclusiveMinimum": 5}, "breaking", "compatible"),
        ({"exclusiveMaximum": 5}, {"maximum": 5}, "compatible", "breaking"),
        ({"exclusiveMinimum": 5}, {"minimum": 6}, "breaking", "compatible"),
    ],
)
def test_an_exclusive_limit_is_one_limit(old: Any, new: Any, asked: str, given: str) -> None:
    found = changed(api("3.1.0", both(old)), api("3.1.0", both(new)))
    assert {("requestBody" in c.pointer, c.severity, c.rule) for c in found} == {
        (True, asked, "limit"),
        (False, given, "limit"),
    }


def test_a_host_without_a_scheme_has_that_of_its_document() -> None:
    one = document({**api("2.0", {}), "host": "h", "basePath": "/v1"}, "http://elsewhere/api.json")
    assert convert(one).tree["servers"] == [{"url": "http://h/v1"}]
    assert compare(one, converted(one)) == ()


def test_an_empty_consumes_takes_the_place_of_the_documents() -> None:
    """What it takes then is what it takes where nothing is said: JSON."""
    taken = [{"name": "b", "in": "body", "schema": {}}]
    one = document(api("2.0", {"consumes": [], "parameters": taken}, consumes=["application/xml"]))
    made = converted(one)
    assert [media.type for media in made.operation("POST /p").body.media] == ["application/json"]  # type: ignore[union-attr]
    assert compare(one, made) == ()


def test_a_reference_that_leads_nowhere_stays_as_it_is() -> None:
    answer = {"description": "", "schema": {"$ref": "http://away/x.yaml#/definitions/A"}}
    one = document(api("2.0", {"responses": {"200": answer}}))
    assert compare(one, converted(one)) == ()


BROKEN_CALLBACK = api("3.0.0", {"callbacks": {"c": {"$ref": "#/components/callbacks/none"}}})
BAD_SECURITY = api("3.0.0", {"security": "all"})
BAD_PARAMETERS = api("3.0.0", {"parameters": {}})
BAD_PARAMETERS["paths"]["/p"]["post"]["parameters"] = {"a": 1}


@pytest.mark.parametrize(
    ("broken", "part"),
    [(BROKEN_CALLBACK, "callbacks"), (BAD_SECURITY, "security"), (BAD_PARAMETERS, "parameters")],
)
def test_what_cannot_be_read_is_said(broken: dict[str, Any], part: str) -> None:
    sound = api("3.0.0", {})
    assert changed(broken, broken) == ()
    for old, new, severity, which in (
        (sound, broken, "breaking", "new"),
        (broken, sound, "compatible", "old"),
    ):
        (found,) = changed(old, new)
        assert (found.severity, found.rule) == (severity, "unreadable")
        assert found.pointer == f"/paths/~1p/post/{part}"
        assert f"{part} of the {which} description cannot be read" in found.message


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.get("openapi", "2.0"))
def test_a_whole_description_and_its_conversion(seed: dict[str, Any]) -> None:
    one = document(seed)
    assert compare(one, document(seed)) == ()
    if seed.get("openapi", "").startswith("3.2"):
        return
    made = convert(one)
    found = [c for c in compare(one, document(made.tree, one.source)) if c.severity == "breaking"]
    lost = [note for note in made.notes if "cannot write" in note]  # 3.x has no word for it
    assert [(c.rule, c.pointer.rpartition("/")[2]) for c in found] == [
        ("parameter-style", note.partition("parameter '")[2].partition("'")[0]) for note in lost
    ]


NUMBERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={
        "minimum": st.integers(0, 3), "exclusiveMinimum": st.booleans(), "maximum": st.integers(4, 9),
        "exclusiveMaximum": st.booleans(), "format": st.sampled_from(["int32", "double"]), "default": st.just(3),
    },
)  # fmt: skip
TEXTS = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "format": st.sampled_from(["byte", "binary", "date", "base64"]), "maxLength": st.integers(0, 9),
        "enum": st.lists(st.sampled_from("abc"), min_size=1, unique=True), "pattern": st.just("^a"),
    },
)  # fmt: skip
PLAIN = st.one_of(NUMBERS, TEXTS, st.just({"type": "boolean"}))


def schemas(null: str, *, of_3: bool) -> st.SearchStrategy[Any]:
    leaves: st.SearchStrategy[Any] = st.one_of(PLAIN, st.just({}), st.just({"$ref": "#/NAMED"}))
    inner = st.deferred(lambda: leaves | mixed)
    mixed = st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            },
            optional={"required": st.just(["a"]), "additionalProperties": st.booleans() | inner},
        ),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        *([st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)})] if of_3 else []),
    )
    words = st.fixed_dictionaries(
        {}, optional={null: st.booleans(), "description": st.just("d"), "example": st.just(1)}
    )
    return st.builds(lambda one, more: {**one, **more}, inner, words)


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    of_3 = draw(st.booleans())
    schema = schemas("nullable" if of_3 else "x-nullable", of_3=of_3)
    asked, given_, named = draw(schema), draw(schema), draw(PLAIN)
    kinds = st.lists(st.sampled_from(["application/json", "a/b", "text/plain"]), min_size=1, unique=True)
    place = draw(st.sampled_from(["query", "header"]))
    if of_3:
        parameters = [
            {"name": "q", "in": place, "schema": draw(PLAIN)},
            {"name": "l", "in": "query", **LIST, "explode": draw(st.booleans())},
        ]
        operation: dict[str, Any] = {
            "parameters": parameters,
            "requestBody": {"content": {kind: {"schema": asked} for kind in draw(kinds)}},
            "responses": {
                "200": {"description": "", "content": {kind: {"schema": given_} for kind in draw(kinds)}}
            },
        }
        tree, there = api("3.0.3", operation, components={"schemas": {"N": named}}), "#/components/schemas/N"
    else:
        form = draw(st.sampled_from(["csv", "ssv", "pipes", "multi"]))
        parameters = [
            {"name": "q", "in": place, **draw(PLAIN)},
            {
                "name": "l",
                "in": "query",
                "type": "array",
                "items": {"type": "string"},
                "collectionFormat": form,
            },
        ]
        taken = (
            [{"name": "b", "in": "body", "schema": asked}]
            if draw(st.booleans())
            else [{"name": "f", "in": "formData", "type": draw(st.sampled_from(["file", "string"]))}]
        )
        operation = {
            "parameters": parameters + taken,
            "responses": {"200": {"description": "", "schema": given_}},
        }
        rest = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "host": st.just("h"),
                    "basePath": st.just("/v"),
                    "schemes": st.just(["http"]),
                    "consumes": kinds,
                    "produces": kinds,
                },
            )
        )
        tree, there = api("2.0", operation, definitions={"N": named}, **rest), "#/definitions/N"
    made: dict[str, Any] = orjson.loads(orjson.dumps(tree).replace(b"#/NAMED", there.encode()))
    return made


@given(descriptions())
def test_a_description_and_its_conversion(tree: dict[str, Any]) -> None:
    one = document(tree)
    assert compare(one, document(tree)) == ()
    assert [str(c) for c in compare(one, converted(one)) if c.severity == "breaking"] == []
