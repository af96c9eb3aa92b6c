"""Values that are compared, and how one that is long is shown."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

MAX_SHOWN = 200  # characters of a value that are kept; the rest is a digest
_SCALARS = (str, int, float, bool, type(None))


def same_value(before: Any, after: Any) -> bool:
    """Whether two values are one. `true` is no number; 1 and 1.0 are one."""
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def shown_value(value: Any) -> Any:
    """A value as a comparison keeps it: as it is, or where it is long the beginning of its text, its length
    and a digest, so that two that differ stay two."""
    if isinstance(value, str):
        if len(value) <= MAX_SHOWN:
            return value
        text = value
    elif isinstance(value, _SCALARS):
        return value
    else:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        if len(text) <= MAX_SHOWN:
            return value
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{text[:MAX_SHOWN]}... ({len(text):,} characters, {digest})"


def value_key(value: Any) -> bytes:
    """What tells shown values apart."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
