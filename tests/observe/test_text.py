"""Remote text made inert: printable, bounded, one line."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.observe import safe, safe_block

ANYTHING = st.text(alphabet=st.characters(), max_size=400)  # lone surrogates included


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING, st.integers(min_value=10, max_value=300))
def test_whatever_comes_in_one_short_printable_line_goes_out(text: str, limit: int) -> None:
    shown = safe(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    shown.encode("utf-8")


def test_escapes_are_shown_and_never_acted_on() -> None:
    assert safe("a\x1b]52;c;ZXZpbA==\x07b") == r"a\x1b]52;c;ZXZpbA==\x07b"
    assert safe("line\nnext\u2028\u202edcba") == r"line\nnext\u2028\u202edcba"
    assert safe("grün 日本") == "grün 日本"


def test_a_long_text_costs_and_shows_no_more_than_its_limit() -> None:
    assert safe("x" * 10_000_000, 20) == "x" * 17 + "..."
    assert safe("\x00" * 100, 20).endswith("...")


def test_a_block_keeps_its_lines_and_bounds_them() -> None:
    assert safe_block("one\ntwo\x1b[2J") == "one\ntwo\\x1b[2J"
    assert safe_block("\n".join("abc"), lines=2) == "a\nb\n... 1 more lines"
