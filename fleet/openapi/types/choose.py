"""Which of several schemas a value goes by: those that accept it, not the first that it could be bent to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.reading.refs import Place
from fleet.openapi.types.model import Shape
from fleet.openapi.types.parts import Choice, Parts, asks, json_type, mapping
from fleet.openapi.types.shapes import Done, Shapes
from fleet.openapi.types.tags import Tags

MAX_JUDGED = 100  # branches of one choice that are asked whether they accept a value


def chooser(
    shapes: Shapes, parts: Parts, places: tuple[Place, ...], hint: str, done: Done, otherwise: Shape | None
) -> Shape | None:
    """The shape of schemas that leave something to the value. `otherwise` is their shape without that."""
    open_choices = tuple(choice for choice in parts.choices if choice.key not in done)
    pickers = [picker for choice in open_choices if (picker := _Picker(shapes, choice, hint)).matters()]
    if not pickers:
        return otherwise
    after = done | {choice.key for choice in open_choices}
    whole = any(asks(part.value) for part in parts.all_of)
    known: dict[tuple[int, ...], Shape | None] = {(): shapes.shape(places, hint, after)}

    def shape(value: Any) -> Any:
        if not isinstance(value, dict | list):
            if isinstance(value, str):
                value = _text(pickers, value if otherwise is None else otherwise(value))
            return value
        picks = tuple(pick for picker in pickers for pick in picker.picks(value))
        key = tuple(id(pick.value) for pick in picks)
        try:
            found = known[key]
        except KeyError:
            found = known[key] = _picked(shapes, (*(places if whole else ()), *picks), hint, after)
        return value if found is None else found(value)

    return shape


def _picked(shapes: Shapes, places: tuple[Place, ...], hint: str, done: Done) -> Shape | None:
    """The shape of schemas that are chosen, without those that they have in `allOf`: a child is a parent."""
    unique = {id(place.value): place for place in places}
    for place in places:
        for known in shapes.parts((place,)).ids - {id(place.value)}:
            if len(unique) > 1:
                unique.pop(known, None)
    return shapes.shape(tuple(unique.values()), hint, done)


def _text(pickers: list[_Picker], value: Any) -> Any:
    """A text by the first branch that reads it as more than text."""
    for picker in pickers:
        if isinstance(value, str):
            value = picker.text(value)
    return value


class _Picker:
    """One choice, made for one value at a time."""

    def __init__(self, shapes: Shapes, choice: Choice, hint: str) -> None:
        self._shapes = shapes
        self._choice = choice
        self._hint = hint
        self._tags = self._told()
        self._branches = [(place, shapes.parts((place,))) for place in choice.branches]
        self._texts: list[Shape] | None = None

    def _told(self) -> Tags | None:
        if self._choice.discriminator is None:
            return None
        try:
            return Tags(self._shapes, self._choice)
        except SpecError as error:  # an error of the description: its values have their shape without it
            self._shapes.warn(str(error))
            return None

    def matters(self) -> bool:
        """Whether any outcome gives a value another shape."""
        choice = self._choice
        if choice.kind in {"oneOf", "anyOf"}:
            return self._tags is not None or not all(map(self._shapes.says_nothing, choice.branches))
        return True

    def picks(self, value: Any) -> list[Place]:
        """The schemas that an object or a list goes by."""
        choice = self._choice
        if choice.kind == "if":
            return self._if(value)
        if choice.kind == "dependentSchemas":
            owner = mapping(choice.node.value["dependentSchemas"])
            names = owner.keys() & value.keys() if isinstance(value, dict) else ()
            return [Place(choice.node.uri, owner[name]) for name in owner if name in names]
        if self._tags is not None and isinstance(value, dict):
            tagged = self._tags.branch(value)
            if tagged is not None:
                return [tagged]
        return self._accepting(value) if choice.branches else []

    def _if(self, value: Any) -> list[Place]:
        uri, node = self._choice.node.uri, self._choice.node.value
        condition = Place(uri, node["if"])
        if not self._accepts(condition, value):
            return [Place(uri, node["else"])] if "else" in node else []
        return [condition, *([Place(uri, node["then"])] if "then" in node else ())]

    def _accepts(self, place: Place, value: Any) -> bool:
        try:
            return not self._shapes.judge.check(place)(value)
        except ValueError:
            return False

    def _accepting(self, value: Any) -> list[Place]:
        kind = json_type(value)
        fitting = [entry for entry in self._branches if kind in entry[1].types]
        if isinstance(value, dict) and len(fitting) > 1:
            fitting = [entry for entry in fitting if _may_fit(entry[1], value)] or fitting
        if len(fitting) <= 1:
            return [place for place, _ in fitting]
        if all(self._shapes.says_nothing(place) for place, _ in fitting):
            return []
        accepting = [place for place, _ in fitting[:MAX_JUDGED] if self._accepts(place, value)]
        if self._choice.kind == "oneOf":
            accepting = accepting[:1]
        return accepting or [_closest(fitting, value)]

    def text(self, value: str) -> Any:
        if self._texts is None:
            fitting = [place for place, parts in self._branches if "string" in parts.types]
            found = (self._shapes.shape((place,), self._hint) for place in fitting)
            self._texts = [shape for shape in found if shape is not None]
        for shape in self._texts:
            made = shape(value)
            if made is not value:
                return made
        return value


def _may_fit(parts: Parts, value: Mapping[str, Any]) -> bool:
    """False where names that are owed, or constants of a branch, rule it out; cheaper than judging."""
    for part in parts.all_of:
        properties = mapping(part.value.get("properties"))
        for name, node in properties.items():
            if name in value and isinstance(node, dict) and not _constant_fits(node, value[name]):
                return False
        required = part.value.get("required")
        for name in required if isinstance(required, list) else ():
            if isinstance(name, str) and name not in value and not mapping(properties.get(name)):
                return False
    return True


def _constant_fits(node: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, str) or node.get("nullable"):
        return True
    if "const" in node and "$ref" not in node:
        return bool(node["const"] == value)
    enum = node.get("enum")
    return not isinstance(enum, list) or "$ref" in node or value in enum


def _closest(fitting: list[tuple[Place, Parts]], value: Any) -> Place:
    """Of branches that all refuse a value, the one that names most of its properties."""

    def shared(entry: tuple[Place, Parts]) -> int:
        return len(entry[1].properties().keys() & value.keys()) if isinstance(value, dict) else 0

    return max(fitting, key=shared)[0]
