"""Schemas to classes: one for each schema node, made when it is first needed, shared by all clones."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from pydantic.fields import FieldInfo

from fleet.openapi.reading.refs import Place
from fleet.openapi.types.judge import Judge
from fleet.openapi.types.model import (
    TAKEN,
    SchemaModel,
    SchemaRoot,
    Shape,
    field_info,
    finish,
    new_class,
)
from fleet.openapi.types.names import attribute_names, class_name, type_name
from fleet.openapi.types.parts import EVERY_TYPE, Parts, json_types, mapping
from fleet.openapi.types.plan import Plan, fresh
from fleet.openapi.types.shapes import Done, Shapes, is_shapeless
from fleet.openapi.types.texts import python_type
from fleet.pointer import steps_of_fragment

_PYTHON: Mapping[str, Any] = {
    "null": NoneType, "boolean": bool, "integer": int, "number": float, "string": str,
    "array": list[Any], "object": dict[str, Any],
}  # fmt: skip
_STEPS = frozenset({"components", "schemas", "definitions", "$defs", "properties", "items", ""})


class Classes:
    """The classes of one description."""

    def __init__(self, judge: Judge, shapes: Shapes) -> None:
        self._judge = judge
        self._shapes = shapes
        self._names: dict[str, dict[int, str]] = {}  # by document: names of its schemas by their node's id
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._roots: dict[int, type[SchemaRoot]] = {}
        shapes.classes = self

    def of(self, parts: Parts, places: tuple[Place, ...], hint: str, done: Done) -> Plan:
        """The plan of the class for an object that all these schemas describe."""
        key = (*(id(place.value) for place in places), done)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans.setdefault(key, self._made(parts, places, hint))
        return plan

    def root(self, place: Place, shape: Shape | None, hint: str) -> type[SchemaRoot]:
        """The class for a schema of anything else."""
        cls = self._roots.get(id(place.value))
        if cls is None:
            plan = Plan(self._judge, (place,), shape)
            cls = new_class(SchemaRoot, self._named((place,), hint), _about(place.value))
            cls._plan = plan
            plan.cls = cls
            finish(cls, {"root": FieldInfo(annotation=Any)}, plan.validated_root)
            cls = self._roots.setdefault(id(place.value), cls)
        return cls

    def _made(self, parts: Parts, places: tuple[Place, ...], hint: str) -> Plan:
        plan = Plan(self._judge, places, None)
        name = self._named(places, hint)
        cls = new_class(SchemaModel, name, _about(places[0].value))
        cls._plan = plan
        plan.cls = cls
        declared = parts.properties()
        required = parts.required()
        plan.name(attribute_names(declared, TAKEN))
        plan.extra = self._shapes.unnamed(parts, name)
        others = plan.extra is not None
        fields = {}
        for key, attribute in plan.attributes.items():
            node = declared[key]
            shape = None
            if others or len(parts.all_of) > 1 or not is_shapeless(node):
                places_of = self._shapes.applicable(parts, key)
                shape = self._shapes.later(places_of, class_name(name, key), plan.keeper(key))
            if shape is not None:
                plan.shapes[key] = shape
            self._absent(plan, attribute, node, shape)
            fields[attribute] = field_info(annotation(node), key, node, required=key in required)
        plan.shape_with(self._shapes.shape(places, name))
        finish(cls, fields, plan.validated)
        return plan

    @staticmethod
    def _absent(plan: Plan, attribute: str, node: Any, shape: Shape | None) -> None:
        default = node.get("default") if isinstance(node, dict) else None
        if isinstance(default, dict | list) or (default is not None and shape is not None):
            plan.factories[attribute] = fresh(default, shape)
        else:
            plan.defaults[attribute] = default

    def _name_in(self, place: Place) -> str:
        """The name that the document of a schema has for it, empty where it has none."""
        names = self._names.get(place.uri)
        if names is None:
            tree = mapping(self._shapes.library.trees.get(place.uri))
            owners = (
                mapping(tree.get("components")).get("schemas"),
                tree.get("definitions"),
                tree.get("$defs"),
            )
            names = self._names[place.uri] = {
                id(node): str(name) for owner in owners for name, node in mapping(owner).items()
            }
        return names.get(id(place.value), "")

    def _named(self, places: tuple[Place, ...], hint: str) -> str:
        known = [self._name_in(place) for place in places]
        if len(known) == 1 and known[0]:
            return type_name(known[0])
        if any(known):
            return class_name(*(name for name in known if name))
        return hint or "Type"


def name_of(ref: str) -> str:
    """What a reference calls a schema: `#/components/schemas/User/properties/address` is `UserAddress`."""
    where, _, fragment = ref.partition("#")
    words = [step for step in steps_of_fragment(f"/{fragment}") if step not in _STEPS]
    if not words:
        words = [where.rpartition("/")[2].partition(".")[0]]
    return words[0] if len(words) == 1 else class_name(*words)


def annotation(node: Any) -> Any:
    """The Python type of a property, as far as its own schema tells without following a reference."""
    if (
        not isinstance(node, dict)
        or "$ref" in node
        or any(word in node for word in ("oneOf", "anyOf", "allOf"))
    ):
        return Any
    types = json_types(node)
    if types == EVERY_TYPE:
        return Any
    found: Any = None
    for name in ("boolean", "integer", "number", "string", "array", "object", "null"):
        if name not in types or (name == "integer" and "number" in types):
            continue
        one = _PYTHON[name]
        if name == "string":
            one = python_type(node) or str
        elif name == "object" and node.get("properties"):
            one = Any
        found = one if found is None else found | one
    return Any if found is None else found


def _about(node: Any) -> str:
    about = node.get("description") if isinstance(node, dict) else None
    return about if isinstance(about, str) else ""
