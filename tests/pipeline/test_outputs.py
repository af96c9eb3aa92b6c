"""Outputs of a row, read together: as each of them would be alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from fleet.openapi import read_json
from fleet.pipeline.language.convert import MAX_TEXT, converted
from fleet.pipeline.language.expression import compile_expression
from fleet.pipeline.language.outputs import reader

OUTPUTS = (("z", "a", None), ("deep", "b.a", None), ("a", "b", None), ("n", "a", "int"), ("c", "b.c", None))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=12
)


@given(VALUES)
def test_what_is_read_together_is_as_if_read_alone(value: Any) -> None:
    body = orjson.dumps(value)
    resource, _ = read_json(body)
    outputs = [(name, compile_expression(text), kind) for name, text, kind in OUTPUTS]
    alone: Counter[str] = Counter()
    expected = {name: converted(one.value(resource), kind, alone) for name, one, kind in outputs}
    for short in (True, False) if len(body) <= MAX_TEXT else (False,):
        notes: Counter[str] = Counter()
        found = reader(outputs)(resource, None, notes, short)
        assert list(found.items()) == list(expected.items())
        assert notes == alone
