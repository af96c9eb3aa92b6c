"""What changed between two schemas, judged by direction: what is asked for may be widened, what is given may
be narrowed, and the other way round breaks callers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fleet.frozen import frozen
from fleet.openapi.difference.change import Severity, at, listed, shown
from fleet.openapi.reading.refs import Place
from fleet.openapi.shapes import TYPES, Shape

Direction = Literal["asked", "given"]
Effect = Literal["narrowed", "widened", "changed", "harmless"]


@frozen
class Difference:
    """A change inside a schema, not yet of an operation."""

    severity: Severity
    rule: str
    pointer: str
    message: str


class Step:
    """One pair of shapes: `found` is what differs right there, `below` the pairs of schemas inside."""

    def __init__(self, old: Shape, new: Shape, direction: Direction, pointer: str) -> None:
        self.old: Shape = old
        self.new: Shape = new
        self.direction: Direction = direction
        self.pointer: str = pointer
        self.found: list[Difference] = []
        self.below: list[tuple[Place, Place, Direction, str]] = []

    def run(self) -> None:
        if self.old.nothing != self.new.nothing:
            gone = self.new.nothing
            words = "no value is allowed any more" if gone else "a value is allowed now"
            self.say("narrowed" if gone else "widened", "forbidden", words)
        if not self._types():
            return
        self._enum()
        self._limits()
        self._exact()
        self._properties()
        self._inner()
        self._branches()
        self._words()

    def say(self, effect: Effect, rule: str, message: str, *steps: str | int) -> None:
        bad = effect in {"changed", "narrowed" if self.direction == "asked" else "widened"}
        severity: Severity = "breaking" if bad else "compatible"
        self.found.append(Difference(severity, rule, at(self.pointer, *steps), message))

    def _types(self) -> bool:
        """Whether the two have a type in common, so that there is more to say."""
        everything = frozenset(TYPES)
        old = everything if self.old.types is None else self.old.types
        new = everything if self.new.types is None else self.new.types
        if old != new:
            effect: Effect = "narrowed" if new < old else "widened" if old < new else "changed"
            self.say(effect, "type", f"the type {_named(self.old.types)} became {_named(self.new.types)}")
        elif self.old.types is None and self.old.branches and self.old.null != self.new.null:
            words = "null is allowed now" if self.new.null else "null is no longer allowed"
            self.say("widened" if self.new.null else "narrowed", "type", words)
        return bool(old & new)

    def _enum(self) -> None:
        old, new = self.old.enum, self.new.enum
        if old is None and new is not None:
            self.say("narrowed", "enum", f"only {listed(new)} is allowed now")
        elif old is not None and new is None:
            self.say("widened", "enum", f"any value is allowed, no longer only {listed(old)}")
        elif old is not None and new is not None:
            if gone := [value for value in old if value not in new]:
                self.say("narrowed", "enum", f"{listed(gone)} is no longer among the values")
            if added := [value for value in new if value not in old]:
                self.say("widened", "enum", f"{listed(added)} is among the values now")

    def _limits(self) -> None:
        old, new = _limits(self.old), _limits(self.new)
        for key in sorted(old.keys() | new.keys()):
            before, after = old.get(key), new.get(key)
            if before == after:
                continue
            lower = key.startswith("min")
            if before is None or (after is not None and (after > before) == lower):
                effect: Effect = "narrowed"
            else:
                effect = "widened"
            self.say(effect, "limit", f"{_limit(key, before)} became {_limit(key, after)}")

    def _exact(self) -> None:
        old, new = self.old.exact, self.new.exact
        for key in sorted(old.keys() | new.keys()):
            before, after = old.get(key), new.get(key)
            if before == after:
                continue
            effect: Effect = "narrowed" if before is None else "widened" if after is None else "changed"
            if (before, after) == ("int32", "int64"):
                effect = "widened"
            elif (before, after) == ("int64", "int32"):
                effect = "narrowed"
            self.say(effect, key, f"{key} {shown(before)} became {shown(after)}")

    def _properties(self) -> None:
        old, new = self._seen(self.old), self._seen(self.new)
        owed_before, owed_after = self._owed(self.old), self._owed(self.new)
        for name in (name for name in old if name not in new):
            effect: Effect = "harmless" if old[name].value is False else "changed"
            self.say(effect, "property-removed", f"the property {name!r} is gone", "properties", name)
        for name in (name for name in new if name not in old):
            words = "a required property" if name in owed_after else "a property"
            effect = "narrowed" if name in owed_after and self.direction == "asked" else "harmless"
            self.say(effect, "property-added", f"{name!r} is {words} now", "properties", name)
        for name in (name for name in old if name in new):
            self.below.append((old[name], new[name], self.direction, at(self.pointer, "properties", name)))
        for name in sorted(owed_after - owed_before - (new.keys() - old.keys())):
            self.say("narrowed", "required", f"{name!r} is required now", "required")
        for name in sorted(owed_before - owed_after - (old.keys() - new.keys())):
            self.say("widened", "required", f"{name!r} is no longer required", "required")
        self._more()

    def _seen(self, shape: Shape) -> dict[str, Place]:
        """The properties that go in this direction: none that are read-only are asked for."""
        return {name: place for name, place in shape.properties.items() if not self._is_hidden(place)}

    def _owed(self, shape: Shape) -> set[str]:
        return {
            name
            for name in shape.required
            if name not in shape.properties or not self._is_hidden(shape.properties[name])
        }

    def _is_hidden(self, place: Place) -> bool:
        key = "readOnly" if self.direction == "asked" else "writeOnly"
        return isinstance(place.value, dict) and place.value.get(key) is True

    def _more(self) -> None:
        """Properties that have no name: in answers more of them harm nobody."""
        old, new = self.old.inner.get("additionalProperties"), self.new.inner.get("additionalProperties")
        open_before, open_after = old is None or old.value is not False, new is None or new.value is not False
        if open_before != open_after:
            harmless = open_after and self.direction == "given"
            effect: Effect = "harmless" if harmless else "widened" if open_after else "narrowed"
            words = "allowed now" if open_after else "no longer allowed"
            self.say(effect, "additional-properties", f"more properties are {words}", "additionalProperties")
        elif open_before:
            self._pair("additionalProperties", old, new)
        for name in self.old.patterns.keys() | self.new.patterns.keys():
            self._pair("patternProperties", self.old.patterns.get(name), self.new.patterns.get(name), name)

    def _inner(self) -> None:
        for key in ("items", "propertyNames", "contains"):
            self._pair(key, self.old.inner.get(key), self.new.inner.get(key))
        before, after = self.old.inner.get("not"), self.new.inner.get("not")
        if before is not None and after is not None:
            flipped: Direction = "given" if self.direction == "asked" else "asked"
            self.below.append((before, after, flipped, at(self.pointer, "not")))
        elif before is not after:
            self.say("narrowed" if before is None else "widened", "not", "what is excluded changed", "not")
        for index in range(max(len(self.old.tuples), len(self.new.tuples))):
            before, after = (dict(enumerate(shape.tuples)).get(index) for shape in (self.old, self.new))
            self._pair("prefixItems", before, after, index)

    def _pair(self, key: str, old: Place | None, new: Place | None, *steps: str | int) -> None:
        """Two schemas of which either may be absent: then it is as good as `true`."""
        if old is None and new is None:
            return
        before = old or Place(new.uri if new else "", True)
        after = new or Place(before.uri, True)
        self.below.append((before, after, self.direction, at(self.pointer, key, *steps)))

    def _branches(self) -> None:
        for key in ("oneOf", "anyOf"):
            old, new = self.old.branches.get(key), self.new.branches.get(key)
            if old is None and new is None:
                continue
            if old is None or new is None:
                self.say(
                    "narrowed" if old is None else "widened",
                    key,
                    f"{key} is {'new' if old is None else 'gone'}",
                    key,
                )
                continue
            for index, before, after in _matched(old, new):
                if before is not None and after is not None:
                    self.below.append((before, after, self.direction, at(self.pointer, key, index)))
                elif before is not None:
                    self.say(
                        "narrowed",
                        "alternative",
                        f"{_branch(before)} is no longer an alternative",
                        key,
                        index,
                    )
                elif after is not None:
                    self.say("widened", "alternative", f"{_branch(after)} is an alternative now", key, index)

    def _words(self) -> None:
        for old, new, rule in (
            (self.old.read_only, self.new.read_only, "readOnly"),
            (self.old.write_only, self.new.write_only, "writeOnly"),
        ):
            if old != new:
                hidden = new and (rule == "readOnly") == (self.direction == "asked")
                self.say(
                    "changed" if hidden else "harmless", rule, f"it is {'' if new else 'no longer '}{rule}"
                )
        for key in sorted(self.old.said.keys() | self.new.said.keys()):
            before, after = self.old.said.get(key), self.new.said.get(key)
            if before != after:
                kind: Severity = "compatible" if key in {"default", "deprecated"} else "documentation"
                said = f"{key} {shown(before)} became {shown(after)}"
                self.found.append(Difference(kind, key, at(self.pointer, key), said))


def _matched(old: list[Place], new: list[Place]) -> Iterator[tuple[int, Place | None, Place | None]]:
    """Alternatives in pairs: those of one name or one text, then what is left in its order where it is as
    many on both sides."""
    left = dict(enumerate(new))
    alone: list[tuple[int, Place]] = []
    for index, before in enumerate(old):
        twin = next((at for at, after in left.items() if _branch(before) == _branch(after)), None)
        if twin is None:
            alone.append((index, before))
        else:
            yield twin, before, left.pop(twin)
    if len(alone) == len(left):
        for (_, before), (index, after) in zip(alone, left.items(), strict=True):
            yield index, before, after
    else:
        for index, before in alone:
            yield index, before, None
        for index, after in left.items():
            yield index, None, after


def _branch(place: Place) -> str:
    node = place.value
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        return repr(node["$ref"].rpartition("/")[2])
    return shown(node)


def _limits(shape: Shape) -> dict[str, tuple[float, int]]:
    """The limits of a schema so that those of one keyword can be ordered: those that are themselves excluded
    stand under `minimum` and `maximum` too, with 1 and -1 beside them."""
    found = {key: (value, 0) for key, value in shape.limits.items() if not key.startswith("exclusive")}
    for key, beyond, stricter in (("minimum", 1, max), ("maximum", -1, min)):
        excluded = shape.limits.get(f"exclusive{key.capitalize()}")
        if excluded is not None:
            limit = (excluded, beyond)
            found[key] = stricter(found[key], limit) if key in found else limit
    return found


def _limit(key: str, value: tuple[float, int] | None) -> str:
    """A limit in the words of 3.1."""
    if value is not None and value[1]:
        key = f"exclusive{key[0].upper()}{key[1:]}"
    return f"{key} {shown(None if value is None else value[0])}"


def _named(types: frozenset[str] | None) -> str:
    if types is None:
        return "any"
    return (
        "|".join(kind for kind in TYPES if kind in types and not (kind == "integer" and "number" in types))
        or "none"
    )
