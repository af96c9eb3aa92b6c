"""Values of hosts made into what is stored: of the type that was asked for, and bounded."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

MAX_TEXT = 8192  # characters of one stored text
MAX_ITEMS = 2000  # elements of one stored list or object
MAX_DEPTH = 8  # of one stored value
MAX_INTEGER = 2**63

_TRUE = frozenset({"true", "yes", "on", "enabled", "1"})
_FALSE = frozenset({"false", "no", "off", "disabled", "0"})


def converted(value: Any, kind: str | None, notes: Counter[str]) -> Any:
    """`value` as `kind` (None: as it is), bounded; None, and a count, when it does not convert."""
    if value is None:
        return None
    if kind is None and value.__class__ is str and value.isascii() and len(value) <= MAX_TEXT:
        return value  # what nearly every value is: all that follows would leave it as it is
    if kind is not None:
        try:
            value = _CONVERSIONS[kind](value)
        except (ValueError, TypeError, OverflowError):
            notes["not_converted"] += 1
            return None
    return bounded(value, notes)


def bounded(value: Any, notes: Counter[str]) -> Any:
    """`value` cut to what one output may hold; cuts are counted."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            notes["value_cut"] += 1
            value = value[:MAX_TEXT]
        return storable(value)
    if isinstance(value, (list, dict)):
        return _pruned(value, notes, MAX_DEPTH, [MAX_ITEMS])
    if isinstance(value, float) and not math.isfinite(value):
        notes["not_converted"] += 1
        return None
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and -MAX_INTEGER <= value < MAX_INTEGER:
        return value
    notes["not_converted"] += 1  # a number no JSON reader keeps, or an unevaluated &expression
    return None


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it: lone surrogates, which JSON can smuggle in, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _pruned(value: Any, notes: Counter[str], depth: int, left: list[int]) -> Any:
    if not isinstance(value, (list, dict)):
        return bounded(value, notes)
    if depth == 0:
        notes["value_cut"] += 1
        return None
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    kept = []
    for key, element in pairs:
        if left[0] <= 0:
            notes["value_cut"] += 1
            break
        left[0] -= 1
        kept.append((key, _pruned(element, notes, depth - 1, left)))
    if isinstance(value, dict):
        return {storable(str(key)[:MAX_TEXT]): element for key, element in kept}
    return [element for _, element in kept]


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("a truth value is not a number")
    if isinstance(value, int):
        return value
    number = float(value.strip() if isinstance(value, str) else value)
    if not number.is_integer():
        raise ValueError("not a whole number")
    return int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdigit() else int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a truth value is not a number")
    number = float(value.strip() if isinstance(value, str) else value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError("not a scalar")


def truth(value: Any) -> bool:
    """What words like yes, off and enabled mean. Raises ValueError."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("neither true nor false")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_CONVERSIONS = {"int": _integer, "float": _number, "str": _text, "bool": truth, "list": _list}
