"""Values as JSON text, integers of any length included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

_LEAST, _MOST = -(2**63), 2**64 - 1  # the integers that orjson writes
_DEEPEST = 254  # levels that it writes


def json_text(value: Any, known: Callable[[Any], Any]) -> bytes:
    """A value as JSON; `known` gives a value that JSON can say for one that it cannot.

    Raises TypeError where nothing can. NaN is null, as orjson has it.
    """
    try:
        return orjson.dumps(value, default=known)
    except TypeError:
        return orjson.dumps(_spelt(value, _DEEPEST), default=known)


def _spelt(value: Any, levels: int) -> Any:
    """The value with its long integers as the JSON text that they are."""
    if levels == 0:
        return value  # too deep, or a circle: orjson says so
    if isinstance(value, Mapping):
        return {key: _spelt(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelt(item, levels - 1) for item in value]
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        return orjson.Fragment(str(value))
    return value
