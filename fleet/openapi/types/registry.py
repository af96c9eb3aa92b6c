"""`api.types`: the pydantic types of a description's schemas, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from fleet.guess import LISTED, closest, relatives
from fleet.openapi.model import Dialect
from fleet.openapi.reading.refs import Library, Place
from fleet.openapi.types.choose import chooser
from fleet.openapi.types.classes import Classes, name_of
from fleet.openapi.types.judge import Judge, Violations
from fleet.openapi.types.model import SchemaModel, SchemaType, Shape
from fleet.openapi.types.parts import Choice, mapping, unwrapped
from fleet.openapi.types.plain import json_of
from fleet.openapi.types.shapes import Done, Shapes
from fleet.openapi.types.tags import Tags


class Types(Mapping[str, SchemaType]):
    """The types of the named schemas of a description, made when they are first asked for.

    `types["User"]` is a component's, `types["#/components/schemas/User/properties/address"]` any schema's: a
    JSON pointer into the description, or another document's URI and a pointer. Objects are `SchemaModel`,
    anything else is `SchemaRoot`. The mapping lists the components. Raises KeyError for a name that is none,
    `SpecError` for a pointer that leads nowhere and for a schema that contradicts itself.
    """

    def __init__(self, library: Library, source: str, dialect: Dialect, warn: Callable[[str], None]) -> None:
        self._library = library
        self._source = source
        self._dialect: Dialect = dialect
        self._lock = threading.Lock()
        self._warned = set[str]()
        self._known: dict[int, tuple[Shape | None, Place]] = {}  # a node that is kept keeps its id
        self.judge: Judge = Judge(library, dialect, warn)
        self._shapes = Shapes(library, dialect, self.judge, warn, chooser)
        where = ("definitions",) if dialect == "2.0" else ("components", "schemas")
        tree = library.tree(source)
        for step in where:
            tree = mapping(mapping(tree).get(step))
        self._named: Mapping[str, Any] = tree
        self._classes = Classes(self.judge, self._shapes)

    def __getitem__(self, name: str) -> SchemaType:
        if name in self._named:
            return self.type_of(Place(self._source, self._named[name]), name)
        if "#" not in name:
            raise KeyError(f"no schema {name!r}{self._hint(name)}")
        return self.type_of(self._library.resolve(self._source, name), name_of(name))

    def __contains__(self, name: object) -> bool:
        return name in self._named

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __repr__(self) -> str:
        return f"<Types: {', '.join(list(self._named)[:10])}{', ...' if len(self._named) > 10 else ''}>"

    def type_of(self, place: Place, hint: str = "") -> SchemaType:
        """The type of a schema. Raises `SpecError` where it contradicts itself."""
        real = unwrapped(self._library, self._dialect, place, nullable=False)
        parts = self._shapes.parts((real,))
        hint = hint or "Type"
        if "object" in parts.types and parts.properties():
            made: Done = frozenset(choice.key for choice in parts.choices if self._is_made(choice, real))
            if len(made) == len(parts.choices):
                return cast("type[SchemaModel]", self._classes.of(parts, (real,), hint, made).cls)
        for choice in parts.choices:
            if choice.discriminator is not None and choice.branches:
                Tags(self._shapes, choice)  # raises where it contradicts itself
        return self._classes.root(real, self._shapes.shape((real,), hint), hint)

    def _hint(self, name: str) -> str:
        """What a name that is no component's may have meant: generators add to the names of models."""
        if found := relatives(name, self._named):
            shown = ", ".join(map(repr, found[:LISTED])) + (", ..." if len(found) > LISTED else "")
            return f", but {shown}"
        near = closest(name, self._named)
        return f"; did you mean {near!r}?" if near else ""

    def _is_made(self, choice: Choice, real: Place) -> bool:
        """Whether a choice is no question here: of subtypes, or of a parent whose branch this schema is."""
        found = (unwrapped(self._library, self._dialect, branch).value for branch in choice.branches)
        return choice.kind == "subtype" or any(value is real.value for value in found)

    def typed(self, place: Place, value: Any) -> Any:
        """The typed form of a JSON value of that schema, judged or not: `violations` judges."""
        try:
            shape, _ = self._known[id(place.value)]
        except KeyError:
            shape = self._shapes.shape((place,), "Answer")
            self._known[id(place.value)] = shape, place
        return value if shape is None else shape(value)

    def violations(self, place: Place, value: Any) -> Violations:
        """Where an answer breaks its schema, taken exactly: (JSON pointer, keyword) pairs. What is no JSON is
        judged as the JSON that it stands for."""
        try:
            return self.judge.violations((place,), value)
        except ValueError:
            try:
                return self.judge.violations((place,), json_of(value))
            except (TypeError, ValueError, RecursionError):
                return (("", "type"),)

    def first(self, what: str) -> bool:
        """Whether this is the first time that something is told."""
        with self._lock:
            new = what not in self._warned
            self._warned.add(what)
        return new
