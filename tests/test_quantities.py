"""Durations, sizes and rates: what is written is read, in any case, and by everybody alike."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fleet.cli.options.values import Duration, PerSecond, Size
from fleet.quantities import (
    UNITS,
    parse_duration,
    parse_rate,
    parse_size,
    written_duration,
    written_rate,
    written_size,
)
from fleet.service.config import values

SOME = st.integers(1, 10**7).map(lambda count: count / 1000)  # seconds, to the millisecond
CASES = st.sampled_from([str.lower, str.upper, str.title])


@given(SOME, CASES)
def test_a_duration_that_is_written_is_read_again(duration: float, case: Callable[[str], str]) -> None:
    assert parse_duration(case(written_duration(duration))) == pytest.approx(duration)


@given(st.integers(1, 2**60), CASES)
def test_a_size_that_is_written_is_that_size(size: int, case: Callable[[str], str]) -> None:
    assert parse_size(case(written_size(size))) == size


@given(st.floats(1e-12, 1e12), CASES)
def test_a_rate_that_is_written_is_that_rate(rate: float, case: Callable[[str], str]) -> None:
    assert parse_rate(case(written_rate(rate))) == rate


@given(st.decimals(1, 10**6, places=3), st.sampled_from(["", *"kmgt"]), st.sampled_from(["", "i"]), CASES)
def test_a_part_of_a_unit_is_exact_to_the_byte(
    number: Decimal, unit: str, binary: str, case: Callable[[str], str]
) -> None:
    power = " kmgt".index(unit) if unit else 0
    text = f"{number}{unit}{binary if unit else ''}B"
    assert parse_size(case(text)) == int(number * (1024 if binary else 1000) ** power)


TEXTS = [
    *(
        "64KiB",
        "64kib",
        "64 KIB",
        "1.5gib",
        "1MB",
        "1m",
        "512",
        "512b",
        "0",
        "0.2",
        "much",
        "9" * 400,
        "1.KiB",
    ),
    *("much", "200", "200/s", "100/m", "5000/H", "5/fortnight", "0/s", "nan", "inf", "-1/s"),
    *("1h30m", "1H30M", "500ms", " 20s ", "20 s", "0s", "s", "1y", "٣s"),
]


KINDS = {
    "size": (Size(), values.Size),
    "rate": (PerSecond(), values.PerSecond),
    "duration": (Duration(), values.Duration),
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kind, text)
        for kind in KINDS
        for text in TEXTS
        if not (kind == "duration" and text.replace(".", "").isdigit())  # a flag takes bare seconds
    ],
)
def test_a_flag_and_a_file_take_the_same(kind: str, text: str) -> None:
    flag, key = KINDS[kind]
    assert _flag(flag, text) == _key(key, text)


def _flag(kind: click.ParamType, text: str) -> object:
    try:
        return kind.convert(text, None, None)
    except click.BadParameter:
        return None


def _key(kind: object, text: str) -> object:
    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return None


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_of_time_is_one_of_a_rate_too(unit: str) -> None:
    assert parse_rate(f"7/{unit}") == pytest.approx(7 / parse_duration(f"1{unit}"))
