"""The digest table tells keys apart, keeps their values, and stays small."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.digest import DigestTable


def test_a_set_knows_what_was_added() -> None:
    table = DigestTable()
    assert table.add(b"a")
    assert not table.add(b"a")
    assert table.get(b"a") == 0
    assert table.get(b"b") is None
    assert b"a" in table
    assert b"b" not in table
    assert len(table) == 1


@given(st.lists(st.tuples(st.binary(max_size=2), st.integers(0, 255), st.booleans()), max_size=400))
def test_a_digest_table_does_what_a_dict_does(steps: list[tuple[bytes, int, bool]]) -> None:
    table, model = DigestTable(value_bits=8), dict[bytes, int]()
    for key, value, replace in steps:
        if replace:
            table.put(key, value)
            model[key] = value
        else:
            assert table.add(key, value) is (key not in model)
            model.setdefault(key, value)
    assert len(table) == len(model)
    assert {key: table.get(key) for key in model} == model


@pytest.mark.parametrize("count", [10_000, 15_000, 40_000, 60_000])
@pytest.mark.parametrize("bits", [0, 16])
def test_at_most_32_bytes_per_key_at_any_size(count: int, bits: int) -> None:
    table = DigestTable(bits)
    for number in range(count):
        assert table.add(b"https://%d" % number, number % 100 if bits else 0)
    assert len(table) == count
    assert table.nbytes <= 32 * count
    assert all(b"https://%d" % number in table for number in range(count))


def test_a_value_that_does_not_fit_is_refused() -> None:
    table = DigestTable(value_bits=8)
    with pytest.raises(OverflowError):
        table.add(b"a", 256)
    assert b"a" not in table


def test_a_value_is_not_taken_for_a_key() -> None:
    table = DigestTable(value_bits=32, digest=4)
    other = int.from_bytes(blake2b(b"other", digest_size=4).digest(), "little")
    table.add(b"key", other)
    assert b"other" not in table
    table.add(b"other", 7)
    assert (table.get(b"other"), table.get(b"key")) == (7, other)
