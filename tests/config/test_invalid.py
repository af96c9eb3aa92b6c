"""Every bad example says what is wrong with it, where, and what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.config import SpecOutside, load_spec
from fleet.errors import SpecError
from fleet.openapi import load
from fleet.pipeline import compile_plan

EXAMPLES = sorted((Path(__file__).parents[1] / "testdata" / "invalid").glob("*.yaml"))


def expected(text: str) -> str:
    """The message in the example's first comment: a line for the error, one for the hint if there is one."""
    error, hint = (line.removeprefix("#").strip() for line in text.splitlines()[:2])
    return f"{error}\n  {hint}" if hint else error


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_bad_specs_are_refused_in_words(path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        spec = load_spec(path)
        document = load(Path(spec.api_source).read_bytes(), source=spec.api_source)
        compile_plan(spec, document, locate=spec.place, outside=SpecOutside(spec))
    assert str(caught.value).removeprefix(f"{path.parent}/") == expected(path.read_text(encoding="utf-8"))
    assert caught.value.line is not None
    assert "calvin" not in str(caught.value)


def test_there_is_an_example_for_every_kind_of_fault() -> None:
    assert len(EXAMPLES) >= 60
