"""Whatever a description holds: it loads, or a `SpecError` says why; using it never fails in another way."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hostile import SEEDS, documents, mutated, touch
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import SpecError
from fleet.openapi import Document, load, load_yaml, review


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.get("openapi", "2.0"))
def test_the_whole_descriptions_are_sound(seed: dict[str, Any]) -> None:
    """What is mutated below is used in full: nothing of it is out of reach of the mutations."""
    document = touch(orjson.dumps(seed))
    assert isinstance(document, Document)
    assert len(document.operations) >= 3
    assert [warning for warning in document.warnings if "used twice" not in warning] == []


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"openapi": "3.0.0", "paths": {"/": {"get": {"parameters": [{"name": "a", "in": {}}]}}}}, "is in {}"),
        ({"openapi": "3.0.0", "paths": {"/": {"get": {"parameters": [{"name": "a", "in": "query", "style": []}]}}}}, "style []"),
        ({"swagger": "2.0", "paths": {"/": {"get": {"parameters": [{"name": "a", "in": ["query"]}]}}}}, "is in ['query']"),
        ({"swagger": "2.0", "paths": {"/": {"get": {"parameters": [{"name": "a", "in": "query", "collectionFormat": {}}]}}}}, "collectionFormat {}"),
    ],
)  # fmt: skip
def test_words_of_the_wrong_type(tree: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(orjson.dumps(tree)).operation("GET /").build()
    assert message in str(caught.value)


def test_schemes_and_headers_of_the_wrong_type() -> None:
    scheme = {"type": "apiKey", "in": [], "name": "k"}
    document = load(orjson.dumps({"swagger": "2.0", "securityDefinitions": {"key": scheme}}))
    assert not document.schemes
    assert "needs 'name'" in document.warnings[0]
    headers = {"X": {"type": "array", "collectionFormat": []}}
    tree = {"swagger": "2.0", "paths": {"/": {"get": {"responses": {"200": {"headers": headers}}}}}}
    assert load(orjson.dumps(tree)).operation("GET /").typed_headers(200, [("X", "a,b")]) == {"X": ["a", "b"]}


def test_a_mapping_of_the_wrong_type() -> None:
    schema = {"oneOf": [{}], "discriminator": {"propertyName": "a", "mapping": {"x": {"#": 1}}}}
    tree = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"A": schema}}}
    findings = list(review(load(orjson.dumps(tree), source="/d/api.json")))
    assert any("is not used" in str(finding) for finding in findings)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_descriptions(seed: int) -> None:
    """A few of those that `python tests/openapi/hostile.py 600` makes; each is replayed by its number."""
    stream = documents(seed)
    for number in range(12):
        data = next(stream)
        try:
            touched = touch(data, tools=number % 4 == 0)
        except Exception as error:
            raise AssertionError(f"document {number} of seed {seed}") from error
        assert touched is None or isinstance(touched, Document)


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    assert loads_or_says_why(data)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_NAMES = st.sampled_from(["openapi", "swagger", "paths", "/", "get", "$ref", "in", "name", "schema", "type", "<<", "3.1.0", "2.0", ""]) | st.text(max_size=5)  # fmt: skip
_TREES = st.recursive(
    _SCALARS | _NAMES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4)
)


@given(st.dictionaries(_NAMES, _TREES, max_size=6), st.sampled_from(["openapi", "swagger"]))
def test_random_trees(tree: dict[str, Any], word: str) -> None:
    tree[word] = {"openapi": "3.1.0", "swagger": "2.0"}[word]
    touched = touch(json.dumps(tree).encode())  # with numbers and texts that orjson refuses to read
    assert touched is None or isinstance(touched, Document)


_WORDS = st.sampled_from([
    "openapi: 3.1.0\n", "swagger: '2.0'\n", "paths:\n", "  /a:\n", "    get: {}\n", "- a\n", "? b\n: c\n", "&a ", "*a ", "!!binary ", "!!set ", "!x ", "<<: *a\n", "--- ", "...\n",
    "%YAML 1.1\n", "%TAG ! tag:x,2000:\n", "{", "}", "[", "]", ", ", "|\n", ">-\n", "'", '"', "\\x", "\t", "\u2028", "\x00", "\ufeff", "~", "017", ".inf", "1e999", "9" * 400, "2001-01-01", "@", "`", "#",
])  # fmt: skip


@given(st.lists(_WORDS | st.text(max_size=4), max_size=30).map("".join))
def test_random_yaml(text: str) -> None:
    assert loads_or_says_why(text.encode("utf-8", "surrogatepass"))


@given(st.integers(0, 2**32), st.integers(0, 10**6), st.binary(max_size=3))
def test_damaged_bytes(seed: int, place: int, instead: bytes) -> None:
    data = orjson.dumps(mutated(random.Random(seed), SEEDS[seed % len(SEEDS)], 1))
    place %= len(data)
    assert loads_or_says_why(data[:place] + instead + data[place + 1 :])


def loads_or_says_why(data: bytes) -> bool:
    """Whether both readers give a result or a refusal with words; any other exception goes out."""
    return all(_end(read, data) for read in (load, load_yaml))


def _end(read: Callable[[bytes], Any], data: bytes) -> bool:
    try:
        made = read(data)
    except SpecError as error:
        return bool(str(error))
    return read is load_yaml or isinstance(made, Document)
