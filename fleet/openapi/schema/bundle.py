"""The schemas that one value is judged by, as one self-contained JSON Schema 2020-12 document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.errors import SpecError
from fleet.openapi.reading.refs import Library, Place
from fleet.openapi.schema.effort import ALTERNATIVES, Effort, weight_of
from fleet.openapi.schema.keywords import (
    UNEVALUATED,
    Reading,
    holds_list,
    holds_map,
    holds_one,
    is_standard,
    judges_inside,
    left_out,
    translated,
    turns,
)
from fleet.openapi.schema.repair import repaired
from fleet.openapi.schema.tagged import tagged

MAX_SCHEMAS = 20_000  # in one closure; what lies beyond accepts anything
SHARED = 16  # schemas in one closure, from which on it is compiled for all of them

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_KNOWN_METASCHEMAS = (  # they leave nothing out
    "https://json-schema.org/draft/", "http://json-schema.org/draft-", "https://spec.openapis.org/oas/3.",
)  # fmt: skip


def bundle(library: Library, schema: Place, reading: Reading) -> tuple[Any, dict[str, Any], int]:
    """The schema and everything that it refers to; what cannot be followed accepts anything.

    From `SHARED` schemas on they are bundled as the properties of one object, with their nodes by these
    names, the schema itself first: one validator then judges values of any of them. Else there are no names.
    The third is what judging takes of the stack, in bytes, at one place of a value.
    """
    made = _Bundle(library, reading)
    whole = made.of(schema)
    if made.met_dynamic:
        made = _Bundle(library, reading, dynamic=True)
        return made.of(schema), {}, made.chain()
    return *made.shared(schema, whole), made.chain()


class _Bundle:
    """Made without recursion over references: each schema that is referred to has a name in `$defs`.

    Inside of a `not` or an `if`, what a schema accepts too much makes what stands around it refuse: nothing
    is relaxed there, and a schema that is referred to from there and from elsewhere has two names.

    Where a `$dynamicRef` is met, a second bundle is made with `dynamic`: each of its parts is a resource of
    its own that has the dynamic anchors of the resource it was part of, so that the validator finds the
    outermost one as the standard says.
    """

    def __init__(self, library: Library, reading: Reading, *, dynamic: bool = False) -> None:
        self._library = library
        self._reading = reading
        self._old = reading.old
        self._strict = reading.strict
        self._dynamic = dynamic
        self.met_dynamic = False
        self._turned = False  # whether this is inside of such a keyword
        self._lost = 0  # what accepts anything, as it cannot be followed or makes no sense
        # id of a referenced node, and `turned` -> its name in $defs; the trees outlive us
        self._names: dict[tuple[int, bool], str] = {}
        self._nodes: dict[str, Any] = {}  # by that name
        self._waiting: list[tuple[str, Place, bool]] = []
        self._effort = Effort()
        self._known: dict[str, tuple[frozenset[str], frozenset[str]]] = {}  # by URI: all, and the plain ones

    def of(self, schema: Place) -> Any:
        root = self._named(schema) if self._dynamic else self._schema(schema.uri, schema.value)
        defs: dict[str, Any] = {}
        while self._waiting:
            name, place, self._turned = self._waiting.pop()
            self._effort.begin(name)
            made = self._schema(place.uri, place.value, entered=True)
            defs[name] = self._resource(name, place.uri, made) if self._dynamic else made
        if not defs or not isinstance(root, dict):
            return root
        return {"$schema": _DRAFT, **root, "$defs": defs}

    def chain(self) -> int:
        """The bytes of stack that judging by what `of` made takes at one place of a value."""
        anchored: dict[str, list[str]] = {}
        for name, node in self._nodes.items() if self._dynamic else ():
            if isinstance(node, dict) and isinstance(anchor := node.get("$dynamicAnchor"), str):
                anchored.setdefault(anchor, []).append(name)
        return self._effort.chain(anchored)

    def shared(self, schema: Place, whole: Any) -> tuple[Any, dict[str, Any]]:
        """As `bundle` says, of what `of` made."""
        if not SHARED <= len(self._names) < MAX_SCHEMAS or not isinstance(whole, dict):
            return whole, {}
        defs = dict(whole["$defs"])
        name = self._names.get((id(schema.value), False), "root")
        if name == "root":
            defs[name] = {key: value for key, value in whole.items() if key not in {"$schema", "$defs"}}
        chosen = {name: {"$ref": f"#/$defs/{name}"} for name in defs}
        judges = {known: self._nodes[known] for (_, turned), known in self._names.items() if not turned}
        return {"$schema": _DRAFT, "properties": chosen, "$defs": defs}, {name: schema.value, **judges}

    def _resource(self, name: str, uri: str, made: Any) -> Any:
        anchors = {}
        for anchor, node in self._library.dynamic_anchors(uri).items():
            named = self._named(Place(uri, node))
            anchors[anchor] = {"$dynamicAnchor": anchor, **(named if isinstance(named, dict) else {})}
        body = made if isinstance(made, dict) else {"allOf": [made]}
        return {"$id": f"urn:fleet:{name}", **body, "$defs": anchors}

    def _led(self, place: Place) -> Any:
        """As `_named`, for what judges by it."""
        named = self._named(place)
        if named is not True:
            self._effort.leads_to(self._names[id(place.value), self._turned])
        return named

    def _named(self, place: Place) -> Any:
        """A reference to a schema that stands in `$defs`; it is put there when its turn comes."""
        key = id(place.value), self._turned
        name = self._names.get(key)
        if name is None:
            if len(self._names) >= MAX_SCHEMAS:
                return self._anything()
            name = self._names[key] = f"s{len(self._names)}"
            self._nodes[name] = place.value
            if isinstance(place.value, dict) and "$id" in place.value:
                place = Place(self._enter(place.uri, place.value), place.value)
            self._waiting.append((name, place, self._turned))
        return {"$ref": f"urn:fleet:{name}" if self._dynamic else f"#/$defs/{name}"}

    def _enter(self, uri: str, node: dict[str, Any]) -> str:
        """The URI inside a schema with an `$id`, which speaks the dialect around it unless it names one."""
        inner = self._library.enter(uri, node)
        if inner != uri and inner not in self._known:
            self._known[inner] = self._words(node["$schema"], inner) if "$schema" in node else self._at(uri)
        return inner

    def _at(self, uri: str) -> tuple[frozenset[str], frozenset[str]]:
        """The keywords that count in a document: all of them, and those that hold no schemas."""
        found = self._known.get(uri)
        if found is None:
            tree = self._library.trees.get(uri)
            name = tree.get("$schema", tree.get("jsonSchemaDialect")) if isinstance(tree, dict) else None
            found = self._known[uri] = self._words(name, uri)
        return found

    def _words(self, metaschema: Any, uri: str) -> tuple[frozenset[str], frozenset[str]]:
        known = self._reading.known
        if self._strict and not self._old and isinstance(metaschema, str):
            known -= self._left_out(metaschema, uri)
        return known, self._reading.plain(known)

    def _left_out(self, metaschema: str, uri: str) -> frozenset[str]:
        if metaschema.startswith(_KNOWN_METASCHEMAS):
            return frozenset()
        try:
            tree = self._library.resolve(uri, metaschema).value
        except SpecError:
            return frozenset()
        return left_out(tree.get("$vocabulary")) if isinstance(tree, dict) else frozenset()

    def _dynamic_reference(self, uri: str, ref: str) -> Any:
        try:
            place = self._library.resolve(uri, ref)
        except SpecError:
            return self._anything()
        anchor = ref.partition("#")[2]
        if not isinstance(place.value, dict) or place.value.get("$dynamicAnchor") != anchor:
            return self._led(place)
        self._effort.leads_to_anchor(anchor)
        if ref.startswith("#"):
            return {"$dynamicRef": f"#{anchor}"}
        named = self._named(place)
        return {"$dynamicRef": f"{named['$ref']}#{anchor}"} if named is not True else True

    def _owed(self, uri: str, required: Any, properties: Any) -> Any:
        """The required names that are owed in this direction."""
        if not isinstance(required, list) or not isinstance(properties, dict):
            return required
        return [
            name
            for name in required
            if not isinstance(name, str) or not self._is_not_owed(uri, properties.get(name))
        ]

    def _is_not_owed(self, uri: str, node: Any) -> bool:
        """Whether a property, or a reference on the way to it, has the mark of the other direction."""
        place, mark, seen = Place(uri, node), self._reading.not_owed, set[int]()
        while isinstance(value := place.value, dict) and id(value) not in seen:
            seen.add(id(value))
            if value.get(mark) is True or not isinstance(ref := value.get("$ref"), str):
                return value.get(mark) is True
            try:
                place = self._library.resolve(place.uri, ref)
            except SpecError:
                return False
        return False

    def _schema(self, uri: str, node: Any, *, entered: bool = False) -> Any:
        # recursion is bounded by the parser's depth limit
        if not isinstance(node, dict):
            return node if isinstance(node, bool) else self._anything()
        ref = node.get("$ref")
        if self._old:
            if isinstance(ref, str):
                return self._alone(uri, ref, node)
        elif not entered and "$id" in node:
            inner = self._enter(uri, node)
            if self._dynamic and inner != uri:
                return self._led(Place(uri, node))
            uri = inner
        above = self._effort.above
        self._effort.above += weight_of(node, alternatives=self._reading.nullable(node))
        self._effort.step()
        made = self._made(uri, node, ref)
        self._effort.above = above
        return made

    def _made(self, uri: str, node: dict[str, Any], ref: Any) -> dict[str, Any]:
        made = self._keywords(uri, node)
        if self._old:
            return self._sound(translated(made, nullable=self._reading.nullable(node)))
        made = self._sound(made)
        if isinstance(ref, str):
            _beside(made, self._reference(uri, ref))
        if isinstance(dynamic := node.get("$dynamicRef"), str):
            self.met_dynamic = True
            if self._dynamic:
                _beside(made, self._dynamic_reference(uri, dynamic))
        return {"anyOf": [made, {"type": "null"}]} if self._reading.nullable(node) else made

    def _sound(self, made: dict[str, Any]) -> dict[str, Any]:
        reads = self._reading.reads
        if reads is None:
            return made
        kept = repaired(made, reads)
        self._lost += kept != made
        return kept

    def _anything(self) -> bool:
        """The schema for what is none, or is not there."""
        self._lost += 1
        return True

    def _condition(self, of: Callable[[str, Any], Any], uri: str, node: Any) -> Any:
        """A schema that turns its judgement around. None where a part of it accepts anything that it should
        not: then the whole of it means nothing."""
        turned, lost = self._turned, self._lost
        self._turned = True
        made = of(uri, node)
        self._turned = turned
        return made if self._lost == lost else None

    def _keywords(self, uri: str, node: dict[str, Any]) -> dict[str, Any]:
        known, plain = self._at(uri)
        if self._turned and not self._strict:
            known |= UNEVALUATED
        made: dict[str, Any] = {}
        for key in known.intersection(node):
            value = node[key]
            if key in plain:
                owed = key == "required" and not self._turned
                made[key] = self._owed(uri, value, node.get("properties")) if owed else value
                continue
            of = self._inside if judges_inside(key) else self._schema
            if turns(key, node):
                if (condition := self._condition(of, uri, value)) is not None:
                    made[key] = condition
            elif holds_one(key):
                made[key] = of(uri, value)
            elif holds_list(key) and isinstance(value, list):
                made[key] = [of(uri, entry) for entry in value]
            elif holds_map(key) and isinstance(value, dict):
                made[key] = {name: of(uri, entry) for name, entry in value.items()}
        extra = node.get("x-patternProperties")
        if isinstance(extra, dict):
            patterns = {name: self._inside(uri, entry) for name, entry in extra.items()}
            own = made.get("patternProperties")
            made["patternProperties"] = {**patterns, **(own if isinstance(own, dict) else {})}
        if not (self._strict or self._turned):
            _relax(made)
        elif "oneOf" in made and "discriminator" in node:
            made["oneOf"] = tagged(node, made["oneOf"])
        return made

    def _inside(self, uri: str, node: Any) -> Any:
        """A schema that judges what is inside the value that the schema around it judges."""
        effort = self._effort
        kept = effort.above, effort.inside
        effort.above, effort.inside = 0, True
        made = self._schema(uri, node)
        effort.above, effort.inside = kept
        return made

    def _alone(self, uri: str, ref: str, node: dict[str, Any]) -> Any:
        """A reference in 2.0 and 3.0. What stands beside it means nothing, but `nullable` is meant."""
        if not self._reading.nullable(node):
            return self._reference(uri, ref)
        self._effort.above += ALTERNATIVES
        made = self._reference(uri, ref)
        self._effort.above -= ALTERNATIVES
        return {"anyOf": [made, {"type": "null"}]}

    def _reference(self, uri: str, ref: str) -> Any:
        if is_standard(ref) and ref.partition("#")[0] not in self._library.trees:
            return {"$ref": ref}
        try:
            place = self._library.resolve(uri, ref)
            place = self._library.follow(place, alone=not self._old)
        except SpecError:
            return self._anything()
        return self._led(place)


def _beside(made: dict[str, Any], reference: Any) -> None:
    """Puts a reference among the keywords of a schema."""
    if not isinstance(reference, dict):
        return
    if made.keys() & reference.keys():
        made["allOf"] = [*made.get("allOf", ()), reference]
    else:
        made.update(reference)


def _relax(made: dict[str, Any]) -> None:
    """Published schemas are stricter than the devices they describe: extra properties are allowed, and as
    branches of a relaxed `oneOf` overlap, one that fits is enough."""
    if made.get("additionalProperties") is False:
        del made["additionalProperties"]
    if "oneOf" in made:
        _beside(made, {"anyOf": made.pop("oneOf")})
