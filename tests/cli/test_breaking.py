"""Where long words break: what is copied from a narrow terminal should still be read by a person."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group

from fleet.cli.render.breaking import Breaking

SET = "127.61.0.[145-146,148-149,155-158,165]:18443"


def lines(text: str, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, markup=False).print(Group(Breaking(text)))
    return [line.rstrip() for line in out.getvalue().split("\n")[:-1]]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        (f"{SET}, bmc-7", 60, [f"{SET}, bmc-7"]),
        (SET, 30, ["127.61.0.[145-146,148-149,", "155-158,165]:18443"]),
        (f"on {SET}", 30, ["on 127.61.0.[145-146,148-149,", "155-158,165]:18443"]),
        ("managers-have-the-right-time", 26, ["managers-have-the-right-", "time"]),
        ("/redfish/v1/SessionService/Sessions", 28, ["/redfish/v1/SessionService/", "Sessions"]),
        ("8b035d63201474e1", 10, ["8b035d6320", "1474e1"]),
        ("one two three", 8, ["one two", "three"]),
        ("a,b\nc,d", 10, ["a,b", "c,d"]),
    ],
)
def test_breaks_are_where_a_person_would_make_them(text: str, width: int, expected: list[str]) -> None:
    assert lines(text, width) == expected


@given(st.text("ab,-/ \u6f22", max_size=60), st.integers(4, 30))
def test_nothing_is_lost_and_no_line_is_too_long(text: str, width: int) -> None:
    shown = lines(text, width)
    assert "".join("".join(shown).split()) == "".join(text.split())
    assert all(len(line) <= width for line in shown)


def test_styles_go_with_their_words() -> None:
    out = io.StringIO()
    text = Breaking("a,b,c,", style="bold").append("dd,ee", style="red")
    Console(file=out, width=6, force_terminal=True, color_system="standard").print(Group(text))
    first, second = out.getvalue().rstrip("\n").split("\n")
    assert "a,b,c," in first
    assert "31m" in second
