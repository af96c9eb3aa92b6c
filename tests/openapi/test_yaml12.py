"""YAML to plain data: scalars of YAML 1.2, merge keys, and limits on hostile text."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import gc
import gzip
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import SpecError
from fleet.openapi import load_yaml, locate, parse
from fleet.openapi.reading.yamltags import tags_used


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("yes", "yes"), ("No", "No"), ("2020-01-01", "2020-01-01"), ("12_24", "12_24"),
        ("017", 17), ("08", 8), ("0o17", 15), ("0xff", 255), ("-1", -1), ("+1", 1), ("1e3", 1000.0),
        (".5", 0.5), ("1.", 1.0), (".inf", float("inf")), ("-.INF", float("-inf")), ("true", True), ("False", False),
        ("~", None), ("null", None), ("1:30", "1:30"), ("1.2.3", "1.2.3"), ("0b1", "0b1"), ("t", "t"),
        ("'1'", "1"), ('"true"', "true"), ("!!str 12", "12"), ("!!int '12'", 12), ("!!float 1", 1.0),
        ("!thing x", "x"), ("!!timestamp 2020-01-01", "2020-01-01"), ("9" * 5000, "9" * 5000), ("=", "="), ("-", [None]),
    ],
)  # fmt: skip
def test_scalars_are_those_of_the_core_schema(text: str, value: Any) -> None:
    found = load_yaml(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("encoded", [str, str.encode])
def test_characters_in_two_halves_are_read_where_escapes_are(encoded: Any) -> None:
    smile = "\\ud83d\\ude00"
    text = f"""
a: "{smile}x\\uD83D\\uDE01"
b: '{smile}'
c: {smile}
d: |
  {{"text": "{smile}"}}
e: "\\\\ud83d\\\\ude00"
"f{smile}": 1
"""
    assert load_yaml(encoded(text)) == {
        "a": "\U0001f600x\U0001f601",
        "b": smile,
        "c": smile,
        "d": f'{{"text": "{smile}"}}\n',
        "e": smile,
        "f\U0001f600": 1,
    }
    assert parse(encoded(f'{{"a": "{smile}", }}'), "a.yaml") == {"a": "\U0001f600"}
    assert locate(encoded(text), ("e",)) == (7, 1)
    assert tags_used(encoded(text))[0].values == 5


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00\\ud83d", "\\ud83d \\ude00"])
def test_half_a_character_is_none(half: str) -> None:
    with pytest.raises(
        SpecError, match=r"f\.yaml:2:\d+: not valid YAML: .* invalid Unicode character escape"
    ):
        load_yaml(f'a: "\\ud83d\\ude00"\nb: "{half}"\n', source="f.yaml")


@pytest.mark.parametrize("name", ["api.json", "api.yaml"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "latin-1"])
def test_an_encoding_that_does_not_say_its_name_is_told(name: str, encoding: str) -> None:
    text = '{"a":\n "\xe9"}' if name == "api.json" else "a:\n \xe9\n"
    with pytest.raises(SpecError, match=r"the text is (UTF-32, or UTF-16|not UTF-8)") as caught:
        parse(text.encode(encoding), name)
    assert (caught.value.hint, caught.value.line) == (
        "save the file as UTF-8",
        2 if encoding == "latin-1" else None,
    )
    assert parse(text.encode("utf-16"), name) == parse(text.encode("utf-8-sig"), name) == {"a": "\xe9"}


def test_keys_are_the_text_that_was_written() -> None:
    assert load_yaml("200: a\ntrue: b\n1.50: c\n12_24: d\n") == {
        "200": "a",
        "true": "b",
        "1.50": "c",
        "12_24": "d",
    }


def test_merge_keys_fill_in_what_is_absent() -> None:
    text = (
        "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\nd:\n  x: 0\n  <<: *b\n'<<': kept\n"
    )
    found = load_yaml(text)
    assert found["c"] == {"x": 1, "y": 3, "z": 2}
    assert found["d"] == {"x": 0, "z": 2}
    assert found["<<"] == "kept"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {x: 1, x: 2}\n", "f.yaml:2:11: duplicate key 'x'"),
        ("a: [1\nb: 2\n", "f.yaml:2:2: not valid YAML"),
        ("a: *b\n", "f.yaml:1:4: alias *b"),
        ("a: &a [*a]\n", "f.yaml:1:8: alias *a"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: more than one YAML document"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a mapping key must be a scalar"),
        ("!!int x", "f.yaml:1:1: 'x' is not of the type !!int"),
        ("<<: 1", "a mapping or a list of mappings"),
        (
            "a:\n  b: 1\n   c: 2\n",
            "f.yaml:3:5: not valid YAML: mapping values are not allowed in this context\n  check",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "f.yaml:3:2: not valid YAML: while parsing a block mapping did not find expected key\n",
        ),
        ("a:\n\tb: 1\n", "f.yaml:2:1: not valid YAML: a tab, where only spaces can indent\n  write spaces"),
        ("a: @b\n", "quotes"),
        ("a: 1\nb: \x07\n", "f.yaml:2: not valid YAML: unacceptable character #x07: control"),
        (b"a: 1\nb: caf\xe9 \n", "f.yaml:2: not valid YAML: the text is not UTF-8\n  save the file as UTF-8"),
    ],
)
def test_errors_say_where(text: str | bytes, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_yaml(text, source="f.yaml")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"[" * 400_000, b"{a: " * 200_000, b"- " * 300_000, b"[" * 400_000 + b"]" * 400_000]
)
def test_deep_nesting_is_refused_before_it_costs_anything(text: bytes) -> None:
    started = time.process_time()
    with pytest.raises(SpecError, match="nested deeper than"):
        load_yaml(text)
    assert time.process_time() - started < 1


def test_an_alias_bomb_is_counted_not_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(SpecError, match="aliases expand to more than"):
        load_yaml("\n".join(lines))


def test_aliases_share_what_they_name() -> None:
    found = load_yaml("a: &a {x: 1}\nb: *a\nc: [*a]\n")
    assert found["b"] is found["a"]
    assert found["c"][0] is found["a"]


def test_the_collector_is_as_it_was() -> None:
    assert gc.isenabled()
    with pytest.raises(SpecError):
        load_yaml("[")
    assert gc.isenabled()
    gc.disable()
    try:
        load_yaml("a: 1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_threads_parse_at_the_same_time() -> None:
    text = "\n".join(f"k{n}: [on, 017, {n}, 2020-01-01]" for n in range(300))
    expected = {f"k{n}": ["on", 17, n, "2020-01-01"] for n in range(300)}
    wrong: list[Any] = []

    def work() -> None:
        wrong.extend(found for _ in range(20) if (found := load_yaml(text)) != expected)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@given(st.binary(max_size=300))
def test_any_bytes_are_a_tree_or_a_spec_error(data: bytes) -> None:
    try:
        parse(data, "x.yaml")
    except SpecError as error:
        assert "x.yaml" in str(error)


@given(st.text(max_size=200))
def test_any_text_is_a_tree_or_a_spec_error(text: str) -> None:
    try:
        assert load_yaml(text) is not NotImplemented
    except SpecError as error:
        assert error.message


def test_json_goes_its_own_way() -> None:
    assert parse(b'{"a": [1, 2.5, null, "on"]}', "x.json") == {"a": [1, 2.5, None, "on"]}
    assert parse(b"{a: 1, # flow YAML\n b: on}", "x") == {"a": 1, "b": "on"}
    with pytest.raises(SpecError, match=r"x\.json:2:\d+: not valid JSON"):
        parse(b'{"a": 1,\n "b": oops}', "x.json")
    with pytest.raises(SpecError, match="HTML"):
        parse(b"<!DOCTYPE html><html>", "x")


def test_locate_finds_lines_and_columns() -> None:
    text = "a:\n  b:\n    - x\n    - c: 1\n"
    assert locate(text, ["a", "b", 1, "c"]) == (4, 7)
    assert locate(text, ["a", "b"]) == (2, 3)
    assert locate(text, ["a", "nowhere", 3]) == (1, 1)
    assert locate("[", ["a"]) == (1, 1)
    assert locate('{"a": {\n  "b": 1}}', ["a", "b"]) == (2, 3)
    assert locate("[" * 100_000, ["a"]) == (1, 1)


def test_four_megabytes_are_read_whole(shared: Path) -> None:
    data = (shared / "data/redfish-2021.4/openapi/openapi.yaml").read_bytes()
    assert len(load_yaml(data)["paths"]) == 1587


def test_an_archive_is_told_for_what_it_is() -> None:
    with pytest.raises(SpecError, match="this is a gzip archive"):
        parse(gzip.compress(b"openapi: 3.1.0"), "api.yaml")
