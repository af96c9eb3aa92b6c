"""What a search for targets means: words, labels, and bounds of values."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from fleet.frozen import frozen
from fleet.target import Target

_COMPARED = re.compile(r"([a-z_][a-z0-9_]*)(>=|<=|!=|>|<|=)(-?[0-9]+(?:\.[0-9]+)?)", re.ASCII)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


class Valued(Protocol):
    """What is known of a target, as far as it has values."""

    @property
    def values(self) -> Mapping[str, float]: ...


@frozen
class _Bound:
    """A value compared: any metric whose name has `name` in it."""

    name: str
    compare: Callable[[float, float], bool]
    number: float

    def fits(self, state: Valued | None) -> bool:
        values = state.values.items() if state is not None else ()
        return any(self.name in name.lower() and self.compare(value, self.number) for name, value in values)


class Search:
    """A text that somebody searches by. It fits a target whose id, address, or label (name=value) has all of
    it; or where each of its words is such a part, or a comparison (temperature>40) that one of the target's
    metrics fulfils. Case makes no difference."""

    def __init__(self, text: str) -> None:
        self._whole = text.strip().lower()
        self._words = tuple((word, _bound(word)) for word in self._whole.split())

    @property
    def compares(self) -> bool:
        """Whether it is about metrics too, and not about names alone."""
        return any(bound is not None for _, bound in self._words)

    def fits(self, target: Target, state: Valued | None) -> bool:
        """Whether a target is meant."""
        if not self._words:
            return True
        parts = [target.id.lower(), target.url.lower()]
        parts += [f"{name}={value}".lower() for name, value in target.labels.items()]
        if any(self._whole in part for part in parts):
            return True
        return all(
            any(word in part for part in parts) or (bound is not None and bound.fits(state))
            for word, bound in self._words
        )


def _bound(word: str) -> _Bound | None:
    found = _COMPARED.fullmatch(word)
    return _Bound(found[1], _OPERATORS[found[2]], float(found[3])) if found is not None else None
