"""Trees as bytes: exact, bound to their source, and refused when anything is odd."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.openapi import decode_tree, digest, encode_tree

SOURCE = digest(b"source")
TREE = {"a": [1, 2.5, None, True, "x"], "b": {}}


def encoded() -> bytes:
    data = encode_tree(TREE, SOURCE)
    assert data is not None
    return data


def test_a_tree_comes_back() -> None:
    assert decode_tree(encoded(), SOURCE) == (TREE,)


@pytest.mark.parametrize("tree", [{"a": float("inf")}, [float("nan")], {"a": 2**70}])
def test_what_json_cannot_hold_is_not_kept(tree: Any) -> None:
    assert encode_tree(tree, SOURCE) is None


def test_stale_and_hostile_files_are_refused() -> None:
    data = encoded()
    assert decode_tree(data, digest(b"changed")) is None
    assert decode_tree(data[:-1], SOURCE) is None
    assert decode_tree(data + b" ", SOURCE) is None
    assert decode_tree(data.replace(b"fleet-tree 1", b"fleet-tree 2"), SOURCE) is None
    assert decode_tree(data.replace(b'"x"', b'"y"'), SOURCE) is None
    assert decode_tree(b"", SOURCE) is None
    assert decode_tree(b"\x80\x04cos\nsystem\n", SOURCE) is None
    assert decode_tree(orjson.dumps(TREE), SOURCE) is None


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    assert decode_tree(data, SOURCE) is None
