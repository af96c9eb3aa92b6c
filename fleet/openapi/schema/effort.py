"""How much of the stack judging takes: the validator recurses, and a stack that is used up ends the process.

It recurses from keyword to keyword at one place of a value, through references, and from there into the
value. The weights are bytes per step, measured with jsonschema-rs 0.60 and rounded up; steps with `anyOf` or
`unevaluated*` also take time with the square of their number, which the limit on chains bounds too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

STEP = 650
ALTERNATIVES = 2_000  # anyOf, oneOf
UNEVALUATED = 12_000
MAX_CHAIN = 1_000_000  # bytes, at one place of a value: some 500 schemas with `anyOf`
MAX_STACK = 4_000_000  # bytes, for one value: half of what a thread has where nobody chose

Edges = list[tuple[str, int]]  # the names of schemas that are referred to, and the bytes on the way there


def weight_of(node: dict[str, Any], *, alternatives: bool = False) -> int:
    """The bytes that one schema takes, without those that it leads to. `alternatives`: it has some that it
    does not say."""
    if "unevaluatedProperties" in node or "unevaluatedItems" in node:
        return UNEVALUATED
    return ALTERNATIVES if alternatives or "anyOf" in node or "oneOf" in node else STEP


class Effort:
    """Told of each step while schemas are walked, knows the longest chain of steps at one place of a value.

    `above` is what the chain has taken so far; whoever descends sets it and puts it back. `inside` tells
    that the chain began at another place of the value than the schema did that is being walked.
    """

    __slots__ = ("_dynamic", "_edges", "_longest", "_name", "_own", "_starts", "above", "inside")

    def __init__(self) -> None:
        self.above: int = 0
        self.inside: bool = False
        self._name = ""
        self._own: dict[str, int] = {"": 0}
        self._edges: dict[str, Edges] = {"": []}
        self._starts: Edges = []
        self._dynamic: list[tuple[str, str, int]] = []
        self._longest = 0

    def begin(self, name: str) -> None:
        """The schema of that name is walked from here on."""
        self._name, self.above, self.inside = name, 0, False
        self._own[name], self._edges[name] = 0, []

    def step(self) -> None:
        """The chain has come to where `above` says."""
        if self.inside:
            self._longest = max(self._longest, self.above)
        else:
            self._own[self._name] = max(self._own[self._name], self.above)

    def leads_to(self, name: str) -> None:
        """And goes on in the schema of that name."""
        (self._starts if self.inside else self._edges[self._name]).append((name, self.above))

    def leads_to_anchor(self, anchor: str) -> None:
        """Or in any that has this dynamic anchor."""
        self._dynamic.append(("" if self.inside else self._name, anchor, self.above))

    def chain(self, anchored: dict[str, list[str]]) -> int:
        """The bytes of the longest chain. `anchored` are the names of schemas by dynamic anchor."""
        for owner, anchor, far in self._dynamic:
            edges = [(name, far) for name in anchored.get(anchor, ())]
            (self._edges[owner] if owner else self._starts).extend(edges)
        heights = self._heights()
        begun = (far + heights.get(name, 0) for name, far in self._starts)
        return max(self._longest, *heights.values(), *begun)

    def _heights(self) -> dict[str, int]:
        """By name the bytes of the longest chain from a schema. Those that lead back to one another at one
        place are entered once each by the validator: all of them together are the longest possible."""
        own, edges = self._own, self._edges
        heights: dict[str, int] = {}
        for group in groups(edges):
            beyond = [far + heights[to] for name in group for to, far in edges[name] if to in heights]
            alone = len(group) == 1 and all(to != group[0] for to, _ in edges[group[0]])
            if alone:
                total = max([own[group[0]], *beyond])
            else:
                total = sum(own[name] for name in group) + max(beyond, default=0)
            heights.update(dict.fromkeys(group, total))
        return heights


def groups(edges: dict[str, Edges]) -> Iterator[list[str]]:
    """Tarjan's strongly connected components, those that are led to first."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    for root, begun in edges.items():
        if root in index:
            continue
        todo = [(root, iter(begun))]
        while todo:
            name, rest = todo[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                path.append(name)
                on_path.add(name)
            for target, _ in rest:
                if target not in edges:
                    continue
                if target not in index:
                    todo.append((target, iter(edges[target])))
                    break
                if target in on_path:
                    low[name] = min(low[name], index[target])
            else:
                todo.pop()
                if todo:
                    low[todo[-1][0]] = min(low[todo[-1][0]], low[name])
                if low[name] == index[name]:
                    group: list[str] = []
                    while not group or group[-1] != name:
                        group.append(path.pop())
                    on_path.difference_update(group)
                    yield group
