"""Discriminators: a property of an object that says which schema it goes by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fleet.errors import SpecError
from fleet.openapi.reading.refs import Place
from fleet.openapi.types.parts import Choice, Parts, mapping, unwrapped
from fleet.pointer import escape, unescape

if TYPE_CHECKING:
    from fleet.openapi.types.shapes import Shapes

_MAX_NESTED = 50  # unions within unions that a tag is looked for in


class Tags:
    """The discriminator of one choice: tags to branches.

    `mapping` names schemas or points at them; besides, every branch goes by the name of its schema, and by
    the constants that it declares for the property. A branch that is a union with the same discriminator has
    the tags of its own branches. With 3.2's `defaultMapping` that schema takes what has no known tag.
    """

    def __init__(self, shapes: Shapes, choice: Choice) -> None:
        self._shapes = shapes
        self._choice = choice
        self._node: Mapping[str, Any] = choice.discriminator or {}
        self.property: str = self._node["propertyName"]
        self._branches = {id(self._real(place).value): place for place in choice.branches}
        self._known: dict[str, Place | None] = {}
        self._default = self._mapped(self._node.get("defaultMapping"))
        for tag, name in mapping(self._node.get("mapping")).items():
            self._known[str(tag)] = self._mapped(name)
        if choice.branches:
            self._declare()

    def branch(self, value: Mapping[str, Any]) -> Place | None:
        """The schema for an object; None where its tag leads to none."""
        tag = value.get(self.property)
        found = None
        if isinstance(tag, str):
            if tag not in self._known and not self._choice.branches:
                self._known[tag] = self._subtype(tag) if len(self._known) < _MAX_TAGS else None
            found = self._known.get(tag)
        return found or self._default

    def _declare(self) -> None:
        choice = self._choice
        for place in choice.branches:
            parts = self._shapes.parts((place,))
            if parts.types <= {"array"}:
                why = "is an array: it has no property that could tell it from others"
                raise self._shapes.library.error(f"a member of a discriminated union {why}", choice.node)
            constants = set(self._constants(parts))
            given = {tag for tag, known in self._known.items() if known is place}
            if constants and not given <= constants:
                odd = ", ".join(sorted(given - constants))
                allowed = ", ".join(sorted(constants))
                self._shapes.warn(
                    f"the discriminator {self.property!r} maps {odd} to a schema whose {self.property!r} "
                    f"is {allowed}"
                )
            ref = mapping(place.value).get("$ref")
            name = ref.rpartition("/")[2] if isinstance(ref, str) else ""
            for tag in (*constants, unescape(name)):
                self._known.setdefault(tag, place)
        for place in choice.branches:
            for tag in self._inner(self._shapes.parts((place,)), set(), 0):
                self._known.setdefault(tag, place)

    def _inner(self, parts: Parts, seen: set[tuple[int, str]], depth: int) -> Iterator[str]:
        """The tags of unions inside a branch that have the same discriminator."""
        for choice in parts.choices:
            node = choice.discriminator
            if choice.key in seen or depth > _MAX_NESTED or node is None or not choice.branches:
                continue
            seen.add(choice.key)
            if node["propertyName"] != self.property:
                continue
            yield from map(str, mapping(node.get("mapping")))
            for place in choice.branches:
                ref = mapping(place.value).get("$ref")
                if isinstance(ref, str):
                    yield ref.rpartition("/")[2]
                inner = self._shapes.parts((place,))
                yield from self._constants(inner)
                yield from self._inner(inner, seen, depth + 1)

    def _constants(self, parts: Parts) -> Iterator[str]:
        """What the branch itself lets its discriminator be, where that is a list of constants."""
        for part in parts.all_of:
            place = Place(part.uri, mapping(part.value.get("properties")).get(self.property))
            node = mapping(self._real(place).value)
            listed = [node["const"]] if "const" in node else node.get("enum")
            yield from (tag for tag in (listed if isinstance(listed, list) else ()) if isinstance(tag, str))

    def _real(self, place: Place) -> Place:
        return unwrapped(self._shapes.library, self._shapes.dialect, place)

    def _mapped(self, name: Any) -> Place | None:
        """The branch that a name or a reference in `mapping` means."""
        if not isinstance(name, str):
            return None
        found = self._named(name)
        if found is None:
            try:
                found = self._shapes.library.resolve(self._choice.node.uri, name)
            except SpecError as error:
                self._shapes.warn(f"the discriminator {self.property!r} leads nowhere: {error}")
                return None
        if not self._choice.branches:
            return found
        branch = self._branches.get(id(self._real(found).value))
        if branch is None:
            self._shapes.warn(
                f"the discriminator {self.property!r} maps to {name!r}, which is no branch of it"
            )
        return branch

    def _named(self, name: str) -> Place | None:
        """The named schema of the document that the discriminator stands in."""
        uri = self._choice.node.uri
        where = "#/definitions/" if self._shapes.dialect == "2.0" else "#/components/schemas/"
        try:
            return self._shapes.library.resolve(uri, where + escape(name).replace("%", "%25"))
        except SpecError:
            return None

    def _subtype(self, tag: str) -> Place | None:
        """The schema of that name, where it is one of those that extend this one by `allOf`."""
        found = self._named(tag)
        if found is None:
            return None
        found = self._real(found)
        parent = id(self._choice.node.value)
        return found if parent in self._shapes.parts((found,)).ids and id(found.value) != parent else None


_MAX_TAGS = 10_000  # tags are the peer's text
