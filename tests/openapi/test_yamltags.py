"""Tags: which are resolved, which a document uses, and other people's readers."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
from typing import Any

import pytest
import yaml

from fleet.errors import SpecError
from fleet.openapi import YAML12Loader, YAMLCompatibilityLoader, load, reading_with, tags_used

TEXT = b"""\
a: &a {n: 12, b: true, z: ~, f: 1.5}
c: {<<: *a, d: 2020-01-01}
on: yes
12_24: 12_24
s: 'quoted'
t: !!int '7'
"""


@pytest.mark.parametrize(
    ("disabled", "a", "c"),
    [
        ((), {"n": 12, "b": True, "z": None, "f": 1.5}, {"n": 12, "b": True, "z": None, "f": 1.5, "d": "2020-01-01"}),
        (("int",), {"n": "12", "b": True, "z": None, "f": 1.5}, {"n": "12", "b": True, "z": None, "f": 1.5, "d": "2020-01-01"}),
        ((",2002:bool", "!!null"), {"n": 12, "b": "true", "z": "~", "f": 1.5}, {"n": 12, "b": "true", "z": "~", "f": 1.5, "d": "2020-01-01"}),
        (("tag:yaml.org,2002:merge", "tag:yaml.org,2002:timestamp"), {"n": 12, "b": True, "z": None, "f": 1.5}, {"<<": {"n": 12, "b": True, "z": None, "f": 1.5}, "d": "2020-01-01"}),
        (("float",), {"n": 12, "b": True, "z": None, "f": "1.5"}, {"n": 12, "b": True, "z": None, "f": "1.5", "d": "2020-01-01"}),
    ],
)  # fmt: skip
def test_disabled_tags_leave_text(disabled: tuple[str, ...], a: Any, c: Any) -> None:
    tree = YAML12Loader.without(*disabled)(TEXT, "x.yaml")
    assert (tree["a"], tree["c"]) == (a, c)
    assert (tree["on"], tree["12_24"], tree["s"], tree["t"]) == ("yes", "12_24", "quoted", 7)


def test_the_compatibility_loader_leaves_what_json_has() -> None:
    tree = YAMLCompatibilityLoader(TEXT)
    assert tree["a"] == {"n": 12, "b": True, "z": None, "f": 1.5}
    assert tree["c"]["<<"] is tree["a"]
    assert YAMLCompatibilityLoader(b'{"a": [1, null]}') == {"a": [1, None]}
    assert pickle.loads(pickle.dumps(YAMLCompatibilityLoader)) == YAMLCompatibilityLoader
    assert YAMLCompatibilityLoader.without("int")(b"a: 1\nb: true\n") == {"a": "1", "b": True}


def test_unknown_tags_are_refused() -> None:
    with pytest.raises(SpecError, match="no tag 'timestmp'") as caught:
        YAML12Loader.without("timestmp")
    assert "did you mean 'timestamp'" in str(caught.value)


def test_the_tags_of_a_document() -> None:
    found = {(use.tag.rpartition(":")[2], use.resolved): use for use in tags_used(TEXT)}
    assert {key: (use.values, use.keys) for key, use in found.items()} == {
        ("map", True): (3, 0), ("str", True): (1, 9), ("int", True): (2, 0), ("bool", True): (1, 0), ("null", True): (1, 0),
        ("float", True): (1, 0), ("merge", True): (0, 1), ("timestamp", False): (1, 0), ("bool", False): (1, 1), ("int", False): (1, 1),
    }  # fmt: skip
    date = found["timestamp", False]
    assert (date.line, date.column, date.example) == (2, 16, "2020-01-01")
    limited = {(use.tag.rpartition(":")[2], use.resolved) for use in tags_used(TEXT, tags=frozenset())}
    assert {("merge", False), ("null", False)} <= limited
    assert ("null", True) not in limited
    with pytest.raises(SpecError, match="x:1:515: nested deeper"):
        tags_used("a: " + "[" * 600, source="x")


def test_another_loader_of_pyyaml_can_read() -> None:
    older = reading_with(yaml.SafeLoader)
    assert older(b"on: 2020-01-01\n12_24: [017, yes]\n~: 1\n", "x") == {
        "true": "2020-01-01",
        "1224": [15, True],
        "null": 1,
    }
    assert older(b'{"on": 1}', "x") == {"on": 1}
    with pytest.raises(SpecError, match=r"x\.yaml: not valid YAML for SafeLoader"):
        older(b"a: !thing 1\n", "x.yaml")
    with pytest.raises(SpecError, match="nested deeper"):
        older(b"a: " + b"[" * 100_000, "x.yaml")
    document = load(
        b"openapi: '3.0.0'\ninfo: {version: 12}\n", parse=reading_with(YAML12Loader.without("int"))
    )
    assert document.version == "12"
    assert reading_with(lambda data, uri: {"openapi": "3.1.0", "uri": uri})(b"", "u")["uri"] == "u"
