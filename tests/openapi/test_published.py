"""What published descriptions do, in the fewest words that do it: each once ended in something else than
an answer or a `SpecError`. `make corpus` runs the descriptions themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleet.errors import SpecError
from fleet.openapi import Document, load

Make = Callable[..., Document]


def test_an_index_of_any_length_in_a_pointer_finds_nothing(make: Make) -> None:
    far = "9" * 5000  # more digits than Python turns into a number
    document = make({"/p": {"get": {"parameters": [{"$ref": f"#/x-list/{far}"}]}}}, **{"x-list": [1]})
    with pytest.raises(SpecError, match="finds nothing"):
        document.operation("GET /p").compile()


def test_a_byte_order_mark_does_not_make_yaml_of_json(make: Make) -> None:
    # YAML refuses what JSON allows: a key that is written twice. Whoever reads JSON has the last one.
    text = '{"swagger": "2.0", "info": {"title": "T", "version": "1", "version": "2"}, "paths": {}}'
    assert load("\ufeff" + text, source="/d/api.json").version == "2"
    assert load(b"\xef\xbb\xbf" + text.encode(), source="/d/api.json").version == "2"
