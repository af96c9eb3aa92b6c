"""The official JSON Schema tests for 2020-12, where `tests/corpus/schema_suite.py` left them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "corpus"))

import schema_suite


@pytest.fixture(scope="module")
def root() -> Path:
    found = schema_suite.suite()
    if found is None:
        pytest.skip(
            "the JSON-Schema-Test-Suite is not here: `python tests/corpus/schema_suite.py` fetches it"
        )
    return found


def test_the_required_tests_pass(root: Path) -> None:
    tally = schema_suite.judged(root, schema_suite.required(root))
    assert tally.failed == {}
    assert tally.total.total() >= 1257


def test_optional_tests_that_fail_have_a_reason(root: Path) -> None:
    tally = schema_suite.judged(root, schema_suite.optional(root))
    assert set(tally.failed) <= set(schema_suite.REASONS)


def test_the_page_tells_the_numbers(root: Path) -> None:
    tally = schema_suite.judged(root, schema_suite.required(root))
    told = f"Required tests: {tally.passed} of {tally.total.total()} pass"
    assert told in schema_suite.PAGE.read_text(encoding="utf-8")
