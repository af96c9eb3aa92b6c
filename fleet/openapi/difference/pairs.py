"""Pairs of schemas of two descriptions. Each is compared once, however often it is met, so recursion ends;
who needs a pair is kept, so that a change knows all of its operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fleet.openapi.difference.schemas import Difference, Direction, Step
from fleet.openapi.reading.refs import Place
from fleet.openapi.shapes import TYPES, Shaper

Key = tuple[int, int, Direction]


@dataclass(slots=True)
class Pair:
    """Two schemas that were compared: what differs right there, and the pairs below."""

    differences: list[Difference] = field(default_factory=list)
    below: set[Key] = field(default_factory=set)


class SchemaPairs:
    """Compares schemas of two descriptions."""

    def __init__(self, old: Shaper, new: Shaper) -> None:
        self._old = old
        self._new = new
        self._alive: list[Any] = []  # pairs are told apart by identity: what was made for us must stay
        self.pairs: dict[Key, Pair] = {}

    def in_common(self, old: Place | None, new: Place | None) -> frozenset[str]:
        """The types that two schemas have in common."""
        found = frozenset(TYPES)
        for shaper, schema in ((self._old, old), (self._new, new)):
            own = None if schema is None else shaper.of(schema).types
            found = found if own is None else found & own
        return found

    def in_common_below(self, name: str, old: Place | None, new: Place | None) -> frozenset[str]:
        """The types that the properties of one name of two schemas have in common."""
        sides = ((self._old, old), (self._new, new))
        before, after = (
            None if place is None else shaper.of(place).properties.get(name) for shaper, place in sides
        )
        return self.in_common(before, after)

    def without_bytes(self, old: Place | None, new: Place | None) -> tuple[Place | None, Place | None]:
        """The schemas of a media type; where one says no more than that it is bytes, as no schema does in
        3.1, None."""
        sides = ((self._old, old), (self._new, new))
        before, after = (
            None if place is None or shaper.of(place).is_bytes else place for shaper, place in sides
        )
        return before, after

    def compare(self, old: Place, new: Place, direction: Direction, pointer: str) -> Key:
        """Compares two schemas and all below them; gives the pair."""
        old, new = self._old.target(old), self._new.target(new)
        self._alive += [old.value, new.value]
        first: Key = (id(old.value), id(new.value), direction)
        todo = [(old, new, direction, pointer)]
        while todo:
            before, after, way, where = todo.pop()
            key: Key = (id(before.value), id(after.value), way)
            if key in self.pairs:
                continue
            pair = self.pairs[key] = Pair()
            if before.value is after.value:
                continue
            step = Step(self._old.of(before), self._new.of(after), way, where)
            step.run()
            pair.differences = step.found
            for inner in reversed(step.below):
                found = self._old.target(inner[0]), self._new.target(inner[1]), inner[2], inner[3]
                pair.below.add((id(found[0].value), id(found[1].value), found[2]))
                self._alive += [found[0].value, found[1].value]
                todo.append(found)
        return first
