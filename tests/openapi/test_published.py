"""What published descriptions do, in the fewest words that do it: each once ended in something else than
an answer or a `SpecError`. `make corpus` runs the descriptions themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleet.errors import SpecError
from fleet.openapi import Document

Make = Callable[..., Document]


def test_an_index_of_any_length_in_a_pointer_finds_nothing(make: Make) -> None:
    far = "9" * 5000  # more digits than Python turns into a number
    document = make({"/p": {"get": {"parameters": [{"$ref": f"#/x-list/{far}"}]}}}, **{"x-list": [1]})
    with pytest.raises(SpecError, match="finds nothing"):
        document.operation("GET /p").compile()
