"""JSON values to typed ones: objects to models, texts of a format to what they mean, lists and maps of these.

A shape never refuses anything: that is the judge's part. So it is also what makes the best of a value that
breaks its schema. Shapes are made when a value first needs them, and kept by the schema nodes they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from fleet.openapi.model import Dialect
from fleet.openapi.reading.refs import Library, Place
from fleet.openapi.types.judge import Judge
from fleet.openapi.types.model import Shape
from fleet.openapi.types.parts import Parts, asks, mapping, take_apart, unwrapped
from fleet.openapi.types.texts import text_reader

if TYPE_CHECKING:
    from fleet.openapi.types.classes import Classes

MAX_KEYS = 1000  # names of extra properties whose shape one model remembers
Done = frozenset[tuple[int, str]]
NOTHING_DONE: Done = frozenset()

_SHAPELESS = frozenset({
    "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "properties",
    "patternProperties", "x-patternProperties", "additionalProperties", "unevaluatedProperties", "items",
    "prefixItems", "unevaluatedItems", "format", "contentEncoding", "discriminator", "$id",
})  # fmt: skip


Chooser: TypeAlias = Callable[["Shapes", Parts, tuple[Place, ...], str, Done, Shape | None], Shape | None]
"""Makes the shape of schemas that leave something to the value: `fleet.openapi.types.choose`."""


class Shapes:
    """The shapes of one description."""

    def __init__(
        self,
        library: Library,
        dialect: Dialect,
        judge: Judge,
        warn: Callable[[str], None],
        chooser: Chooser,
    ) -> None:
        self.library = library
        self.dialect: Dialect = dialect
        self.judge = judge
        self.warn = warn
        self._chooser = chooser
        self.classes: Classes
        self._parts: dict[tuple[int, ...], tuple[Parts, tuple[Place, ...]]] = {}  # nodes that are kept
        self._known: dict[Hashable, Shape | None] = {}
        self._matchers: dict[str, Callable[[Any], bool]] = {}

    def parts(self, places: tuple[Place, ...]) -> Parts:
        """Schemas taken apart, once."""
        key = tuple(id(place.value) for place in places)
        found = self._parts.get(key)
        if found is None:
            made = take_apart(self.library, self.dialect, places, self.warn)
            found = self._parts.setdefault(key, (made, places))
        return found[0]

    def shape(self, places: tuple[Place, ...], hint: str, done: Done = NOTHING_DONE) -> Shape | None:
        """The shape of a value that all these schemas describe; None where it stays what it is.

        `hint` names a class that has no name of its own; `done` are the choices that have been made.
        """
        places = tuple(unwrapped(self.library, self.dialect, place) for place in places)
        parts = self.parts(places)
        done &= {choice.key for choice in parts.choices}
        key = (*(id(place.value) for place in places), done)
        try:
            return self._known[key]
        except KeyError:
            pass
        made = self._static(parts, places, hint, done)
        if parts.choices and len(done) < len(parts.choices):
            made = self._chooser(self, parts, places, hint, done, made)
        return self._known.setdefault(key, made)

    def _static(self, parts: Parts, places: tuple[Place, ...], hint: str, done: Done) -> Shape | None:
        of_object = self._of_object(parts, places, hint, done) if "object" in parts.types else None
        of_list = self._of_list(parts, hint) if "array" in parts.types else None
        readers = [found for part in parts.all_of if (found := text_reader(part.value)) is not None]
        of_text = readers[0] if readers and "string" in parts.types else None
        return by_kind(of_object, of_list, of_text)

    def _of_object(self, parts: Parts, places: tuple[Place, ...], hint: str, done: Done) -> Shape | None:
        if any(mapping(part.value.get("properties")) for part in parts.all_of):
            make: Shape | None = None

            def first(value: Any) -> Any:  # the class is made when the first value comes
                nonlocal make
                if not isinstance(value, dict):
                    return value
                if make is None:
                    make = self.classes.of(parts, places, hint, done).make
                return make(value)

            return first
        extra = self.unnamed(parts, hint)
        if extra is None:
            return None

        def shape(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            return {name: extra(name, item) for name, item in value.items()}

        return shape

    def _of_list(self, parts: Parts, hint: str) -> Shape | None:
        ahead = max((len(_listed(part.value)) for part in parts.all_of), default=0)
        if ahead:
            return self._of_tuple(parts, ahead, hint)
        item: Shape | None = None

        def keep(shape: Shape | None) -> None:
            nonlocal item
            item = shape

        keep(self.later(_items(parts, 0), hint, keep))
        if item is None:
            return None

        def shape(value: Any) -> Any:
            now = item  # what it turns out to be is for the next list
            return value if now is None else [now(entry) for entry in value]

        return shape

    def _of_tuple(self, parts: Parts, ahead: int, hint: str) -> Shape:
        shapes = [self.later(_items(parts, index), hint) for index in range(ahead)]
        rest = self.later(_items(parts, ahead), hint)

        def shape(value: Any) -> Any:
            made = [entry if s is None else s(entry) for entry, s in zip(value, shapes, strict=False)]
            made.extend(entry if rest is None else rest(entry) for entry in islice(value, ahead, None))
            return made

        return shape

    def later(
        self, places: tuple[Place, ...], hint: str, keep: Callable[[Shape | None], None] | None = None
    ) -> Shape | None:
        """The shape of these schemas, worked out when a value first comes; None where none can be needed.
        `keep` is told what it turned out to be, to go there directly from then on."""
        if all(is_shapeless(place.value) for place in places):
            return None
        made: Shape | None = None
        known = False

        def shape(value: Any) -> Any:
            nonlocal made, known
            if not known:
                made = self.shape(places, hint)
                known = True
                if keep is not None:
                    keep(made)
            return value if made is None else made(value)

        return shape

    def unnamed(self, parts: Parts, hint: str) -> Callable[[str, Any], Any] | None:
        """The shape of properties that are not named; None where they stay what they are."""
        if not any(_speaks_of_others(part.value) for part in parts.all_of):
            return None
        known: dict[str, Shape | None] = {}

        def extra(name: str, value: Any) -> Any:
            try:
                shape = known[name]
            except KeyError:
                shape = self.shape(self.applicable(parts, name), hint)
                if len(known) < MAX_KEYS:
                    known[name] = shape
            return value if shape is None else shape(value)

        return extra

    def applicable(self, parts: Parts, name: str) -> tuple[Place, ...]:
        """The schemas that a property of this name has."""
        found = []
        for part in parts.all_of:
            node = part.value
            own = mapping(node.get("properties"))
            here = [own[name]] if name in own else []
            for word in ("patternProperties", "x-patternProperties"):
                here += [
                    schema
                    for pattern, schema in mapping(node.get(word)).items()
                    if self._matches(pattern, name)
                ]
            if not here:
                here = [node[word] for word in _OTHERS if isinstance(node.get(word), dict)][:1]
            found += [Place(part.uri, schema) for schema in here]
        return tuple(found)

    def _matches(self, pattern: str, name: str) -> bool:
        """By the validator's own engine and its limits. One that it cannot read matches nothing."""
        matcher = self._matchers.get(pattern)
        if matcher is None:
            import jsonschema_rs  # noqa: PLC0415

            options = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
            try:
                schema = {"pattern": pattern}
                validator = jsonschema_rs.Draft202012Validator(schema, pattern_options=options)
                matcher = validator.is_valid
            except ValueError:
                matcher = _never
            self._matchers[pattern] = matcher
        return matcher(name)

    def says_nothing(self, place: Place) -> bool:
        """Whether a schema gives no value a shape, as far as it and what it refers to show."""
        parts = self.parts((place,))
        return not parts.choices and all(
            is_shapeless(part.value) for part in parts.all_of if asks(part.value)
        )


_OTHERS = ("additionalProperties", "unevaluatedProperties")


def _never(value: Any) -> bool:
    return False


def _speaks_of_others(node: dict[str, Any]) -> bool:
    patterns = mapping(node.get("patternProperties")) or mapping(node.get("x-patternProperties"))
    return bool(patterns) or any(isinstance(node.get(word), dict) for word in _OTHERS)


def is_shapeless(node: Any) -> bool:
    """Whether a schema, looked at alone, leaves every value what it is."""
    if not isinstance(node, dict):
        return True
    words = _SHAPELESS.intersection(node)
    if words <= {"format", "contentEncoding"}:
        return text_reader(node) is None
    return words == {"additionalProperties"} and not isinstance(node["additionalProperties"], dict)


def by_kind(of_object: Shape | None, of_list: Shape | None, of_text: Shape | None) -> Shape | None:
    """One shape of those for the three kinds of values that can have one."""
    if of_list is None and of_text is None:
        return of_object
    if of_object is None and of_list is None and of_text is not None:
        return lambda value: of_text(value) if isinstance(value, str) else value

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return value if of_object is None else of_object(value)
        if isinstance(value, list):
            return value if of_list is None else of_list(value)
        return of_text(value) if of_text is not None and isinstance(value, str) else value

    return shape


def _listed(node: dict[str, Any]) -> list[Any]:
    found = node.get("prefixItems", node.get("items"))
    return found if isinstance(found, list) else []


def _items(parts: Parts, index: int) -> tuple[Place, ...]:
    """The schemas of the item at an index."""
    found = []
    for part in parts.all_of:
        ahead = _listed(part.value)
        words = ("items", "unevaluatedItems")
        rest = [part.value[word] for word in words if isinstance(part.value.get(word), dict)]
        found += [Place(part.uri, node) for node in (ahead[index : index + 1] or rest[:1])]
    return tuple(found)
