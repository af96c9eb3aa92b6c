"""A few targets that stand for all: from every site, through every proxy, with every credential."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from fleet.inventory.choice import rank
from fleet.target import Target

MAX_VALUES = 64  # of one label: a label with more of them names hosts, not places
MAX_PAIRS = 1_000  # of names and values told apart

_Pair = tuple[str, str]


class Spread:
    """Takes all targets, one by one, and gives `count` of them; the same for the same inventory.

    Every value of a label, a proxy or a credential is stood for by the target of it whose digest is least,
    as far as `count` goes: the values that most targets have come first, and what is left of it is filled up
    by digest.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._least: list[tuple[int, str]] = []  # the count targets of least digest, the greatest on top
        self._pairs: dict[
            _Pair, tuple[int, int, str, frozenset[_Pair]]
        ] = {}  # count, least digest, whose, its pairs
        self._values: dict[str, int] = {}  # by name

    def add(self, target: Target) -> None:
        """Take one target."""
        digest = rank(target.id, 0, "canary")
        entry = (-digest, target.id)
        if len(self._least) < self._count:
            heapq.heappush(self._least, entry)
        else:
            heapq.heappushpop(self._least, entry)
        pairs = [*target.labels.items(), ("\0proxy", target.proxy or ""), ("\0auth", target.auth or "")]
        own = frozenset(pairs)
        for pair in pairs:
            held = self._pairs.get(pair)
            if held is None:
                if self._has_room(pair[0]):
                    self._pairs[pair] = (1, digest, target.id, own)
            elif digest < held[1]:
                self._pairs[pair] = (held[0] + 1, digest, target.id, own)
            else:
                self._pairs[pair] = (held[0] + 1, *held[1:])

    def chosen(self) -> frozenset[str]:
        """Their ids."""
        found: set[str] = set()
        stood_for: set[_Pair] = set()
        ranked = sorted(self._pairs.items(), key=lambda item: (-item[1][0], item[0]))
        for pair, (_, _, identity, own) in ranked:
            if len(found) >= self._count:
                break
            if pair not in stood_for:
                found.add(identity)
                stood_for |= own
        for identity in self._by_digest():
            if len(found) >= self._count:
                break
            found.add(identity)
        return frozenset(found)

    def _by_digest(self) -> Iterator[str]:
        return (identity for _, identity in sorted(self._least, reverse=True))

    def _has_room(self, name: str) -> bool:
        """Whether another value of a name is told apart; a name that turns out to name hosts is forgotten."""
        seen = self._values.get(name, 0)
        if seen >= MAX_VALUES:
            if seen == MAX_VALUES:
                self._values[name] = MAX_VALUES + 1
                for pair in [pair for pair in self._pairs if pair[0] == name]:
                    del self._pairs[pair]
            return False
        if len(self._pairs) >= MAX_PAIRS:
            return False
        self._values[name] = seen + 1
        return True
