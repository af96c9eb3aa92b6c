"""How one type's values are judged and made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from fleet.openapi.reading.refs import Place
from fleet.openapi.schema import Direction
from fleet.openapi.types.judge import Judge, no_json, refusal
from fleet.openapi.types.model import SchemaModel, SchemaRoot, Shape, filled
from fleet.openapi.types.plain import json_of

_EMPTY: Mapping[str, str] = {}
_set = object.__setattr__
_new: Callable[[Any], Any] = object.__new__


class Plan:
    """Everything behind one class: `attributes` by JSON name, what absent ones are, how values get shape.

    `shapes` holds a shape for each property that needs one; a shape that is not worked out yet replaces
    itself on first use. `extra` gives shape to properties that the schema does not name.
    """

    __slots__ = (
        "_judge",
        "_names",
        "_places",
        "_same",
        "_shape",
        "attributes",
        "cls",
        "defaults",
        "extra",
        "factories",
        "shapes",
    )

    def __init__(self, judge: Judge, places: tuple[Place, ...], shape: Shape | None) -> None:
        self._judge = judge
        self._places = places
        self._shape = shape
        self.cls: type[BaseModel] = BaseModel
        self.name(_EMPTY)
        self.defaults: dict[str, Any] = {}
        self.factories: dict[str, Callable[[], Any]] = {}
        self.shapes: dict[str, Shape] = {}
        self.extra: Callable[[str, Any], Any] | None = None

    def name(self, attributes: Mapping[str, str]) -> None:
        """Sets the attributes of properties."""
        self.attributes: Mapping[str, str] = attributes
        self._names = frozenset(attributes)
        self._same = all(name == attribute for name, attribute in attributes.items())

    def shape_with(self, shape: Shape | None) -> None:
        """Which shape accepted values get: that of a class may be another class's, for some values."""
        self._shape = shape

    def keeper(self, name: str) -> Callable[[Shape | None], None]:
        """Takes the shape of a property once it is known."""

        def keep(shape: Shape | None) -> None:
            if shape is None:
                self.shapes.pop(name, None)
            else:
                self.shapes[name] = shape

        return keep

    # In: what was sent

    def make(self, value: dict[str, Any]) -> Any:
        """The object for an accepted value, or for the best that can be made of another."""
        model = _new(self.cls)
        known = set(value)
        if self._same and known <= self._names:  # the loops are C's then
            values = self.defaults | value
            for name, shape in [*self.shapes.items()]:
                if name in known:
                    values[name] = shape(value[name])
            rest: dict[str, Any] = {}
        else:
            values = self.defaults.copy()
            known, rest = self._renamed(values, value)
        if self.factories:
            values.update((name, made()) for name, made in self.factories.items() if name not in known)
        _set(model, "__dict__", values)
        _set(model, "__pydantic_fields_set__", known)
        _set(model, "__pydantic_extra__", rest)
        _set(model, "__pydantic_private__", None)
        return model

    def _renamed(self, values: dict[str, Any], value: dict[str, Any]) -> tuple[set[str], dict[str, Any]]:
        """Puts properties under their attributes: which are known, and the rest."""
        attributes, shapes, extra = self.attributes, self.shapes, self.extra
        known: set[str] = set()
        rest: dict[str, Any] = {}
        for name, item in value.items():
            attribute = attributes.get(name)
            if attribute is None:
                rest[name] = item if extra is None else extra(name, item)
                continue
            shape = shapes.get(name)
            values[attribute] = item if shape is None else shape(item)
            known.add(attribute)
        return known, rest

    def validated(self, value: Any) -> Any:
        """The object for a value as answers have it. Raises pydantic's ValidationError."""
        if isinstance(value, self.cls):
            return value
        return self._shaped(self._accepted(value, "answer"))

    def validated_root(self, value: Any) -> Any:
        """The same for a type that has a root."""
        if isinstance(value, self.cls):
            return value
        return self.fill_root(_new(self.cls), self._accepted(value, "answer"))

    def fill_root(self, model: SchemaRoot, value: Any) -> Any:
        """Makes an accepted value the root of an instance."""
        return filled(model, {"root": self._shaped(value)}, None, {"root"})

    def fill(self, model: SchemaModel, value: dict[str, Any]) -> None:
        """Makes an instance of an accepted value."""
        made = self.make(value)
        filled(model, made.__dict__, made.__pydantic_extra__, made.__pydantic_fields_set__)

    # Out: what is to be sent

    def for_sending(self, value: Any) -> Any:
        """The JSON value of a constructor's arguments, accepted as bodies are. Raises ValidationError."""
        if self.attributes and isinstance(value, dict):
            names = {attribute: name for name, attribute in self.attributes.items()}
            value = {
                key if key in self.attributes else names.get(key, key): item for key, item in value.items()
            }
        return self._accepted(value, "body")

    def _shaped(self, value: Any) -> Any:
        return value if self._shape is None else self._shape(value)

    def _accepted(self, value: Any, direction: Direction) -> Any:
        try:
            violations = self._judge.violations(self._places, value, direction)
        except ValueError:  # no JSON as it stands: dates, models and the like have a JSON value
            try:
                value = json_of(value)
                violations = self._judge.violations(self._places, value, direction)
            except (TypeError, ValueError, RecursionError) as error:
                raise no_json(self.cls.__name__, value) from error
        if violations:
            raise refusal(self.cls.__name__, violations, value)
        return value


def fresh(default: Any, shape: Shape | None) -> Callable[[], Any]:
    """A factory of a default: its own for each object, typed."""

    def made() -> Any:
        value = deepcopy(default)
        return value if shape is None else shape(value)

    return made
