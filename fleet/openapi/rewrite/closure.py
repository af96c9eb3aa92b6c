"""The closure of chosen operations: what they refer to, copied under names in one document.

Copies share what is only data (examples, defaults) with the original trees, which are never changed.
Everything is done with a list of what is left to do: no depth of a document or of its references is too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi.reading.refs import Library, Place
from fleet.openapi.reading.trees import every_mapping
from fleet.openapi.rewrite.grammar import Kind, grammar_of, parts, sections_of
from fleet.pointer import escape

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+")


@frozen
class Kept:
    """One named object of the result: the section it is kept in, its name, where it comes from."""

    section: tuple[str, ...]
    name: str
    place: Place


class Closure:
    """Copies objects, and keeps what they refer to. With `external`, references to other documents stay."""

    def __init__(
        self,
        library: Library,
        source: str,
        *,
        external: bool,
        is_gone: Callable[[Any], bool],
        scheme_place: Callable[[str, str], Place | None],
    ) -> None:
        self._library = library
        self._source = source
        self._tree: Mapping[str, Any] = library.tree(source)
        self._grammar = grammar_of(self._tree)
        self._sections = sections_of(self._tree)
        self._external = external
        self._is_gone = is_gone
        self._scheme_place = scheme_place
        self._own = {id(kept.place.value): kept for kept in self._named_here() if _is_node(kept.place.value)}
        self._taken = {(kept.section, kept.name) for kept in self._named_here()}
        self._kept: dict[tuple[Kind, int], Kept] = {}
        self._made: dict[Any, Any] = {}  # (section, name) -> copy
        self._todo: list[tuple[Kind, Place, Any, Any]] = []
        self._read: set[int] = set()  # nodes of other documents that were looked through
        self._heirs: dict[str, dict[int, list[tuple[str, Any]]]] = {}
        self.missing: dict[str, str] = {}  # references that lead nowhere, and why: they stay as they are
        self.links: list[str] = []  # left out: what they lead to is
        self.operations: list[tuple[Place, Mapping[str, Any]]] = []  # met on the way

    def _named_here(self) -> Iterator[Kept]:
        for section in self._sections.values():
            holder: Any = self._tree
            for key in section:
                holder = holder.get(key) if isinstance(holder, dict) else None
            for name, value in holder.items() if isinstance(holder, dict) else ():
                yield Kept(section, name, Place(self._source, value))

    def copy(self, kind: Kind, place: Place) -> Any:
        """A copy of an object, whose references lead to what is kept in the result."""
        holder: dict[str, Any] = {}
        self._todo.append((kind, place, holder, "made"))
        self._work()
        return holder["made"]

    def keep(self, kind: Kind, place: Place, name: str) -> str:
        """Keeps a named object; gives the reference to it."""
        key = (kind, id(place.value))
        kept = self._kept.get(key)
        if kept is None:
            section = self._sections[kind]
            own = self._own.get(key[1])
            if own is not None and own.section == section:
                kept = own
            else:
                kept = Kept(section, self._free(section, name), place)
            self._kept[key] = kept
            self._todo.append((kind, place, self._made, (kept.section, kept.name)))
        return "#/" + "/".join((*kept.section, _escaped(kept.name)))

    def keep_own(self, kind: Kind, name: str) -> None:
        """Keeps a named object of the document itself, where there is one of that name."""
        holder: Any = self._tree
        for key in self._sections[kind]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and isinstance(holder.get(name), dict):
            self.keep(kind, Place(self._source, holder[name]), name)
            self._work()

    def requirements(self, listed: list[Any]) -> list[Any]:
        """The document's own requirements, with the schemes that they refer to."""
        made = self._requirements(self._source, listed)
        self._work()
        return made

    def _requirements(self, uri: str, listed: list[Any]) -> list[Any]:
        """A `security` list in which schemes that go by a URI reference (3.2) have their names here."""
        return [
            {self._scheme(uri, name): scopes for name, scopes in entry.items()}
            if isinstance(entry, dict)
            else entry
            for entry in listed
        ]

    def _scheme(self, uri: str, name: str) -> str:
        place = self._scheme_place(name, uri)
        if place is None or (self._external and place.uri != self._source):
            return name
        self.keep("securityScheme", place, unquote(name).rpartition("#")[2].rpartition("/")[2])
        return self._kept["securityScheme", id(place.value)].name

    def sections(self) -> dict[tuple[str, ...], dict[str, Any]]:
        """What was kept, by section: the document's own in its order, then the rest as it was met."""
        result: dict[tuple[str, ...], dict[str, Any]] = {}
        for kept in self._named_here():
            if (kept.section, kept.name) in self._made:
                result.setdefault(kept.section, {})[kept.name] = self._made[kept.section, kept.name]
        for (section, name), made in self._made.items():
            result.setdefault(section, {}).setdefault(name, made)
        return result

    def _free(self, section: tuple[str, ...], name: str) -> str:
        plain = _NOT_A_NAME.sub("_", name) or "unnamed"
        free, number = plain, 2
        while (section, free) in self._taken:
            free, number = f"{plain}_{number}", number + 1
        self._taken.add((section, free))
        return free

    def _work(self) -> None:
        while self._todo:
            kind, place, holder, key = self._todo.pop()
            holder[key] = self._copied(kind, place)

    def _copied(self, kind: Kind, place: Place) -> Any:
        node = place.value
        if not isinstance(node, dict):
            return node
        if kind == "operation":
            self.operations.append((place, node))
        uri = place.uri
        made = dict(node)
        if kind == "operation" and isinstance(node.get("security"), list):
            made["security"] = self._requirements(uri, node["security"])
        if kind == "schema" and isinstance(node.get("$id"), str) and self._library.embedding:
            uri = self._library.enter(uri, node)
            if _is_dynamic(node):
                self._keep_around(uri, node)
                return node
            del made["$id"]  # what is in it refers to the whole result now
        ref = node.get("$ref")
        if isinstance(ref, str) and (kind in self._sections or kind == "pathItem"):
            made["$ref"] = self._reference(kind, uri, ref, node)
        if kind == "schema":
            self._schema(uri, node, made)
        if kind == "response" and isinstance(node.get("links"), dict):
            node = self._without_dead_links(uri, node, made)
        copies: dict[str, Any] = {}
        for steps, inner, value in parts(self._grammar, kind, node):
            if len(steps) == 1:
                target: Any = made
            else:
                step = str(steps[0])
                if step not in copies:
                    held = node[step]
                    copies[step] = made[step] = dict(held) if isinstance(held, dict) else list(held)
                target = copies[step]
            self._todo.append((inner, Place(uri, value), target, steps[-1]))
        return made

    def _without_dead_links(self, uri: str, node: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        links = {}
        for name, link in node["links"].items():
            try:
                gone = self._is_gone(self._library.follow(Place(uri, link)).value)
            except SpecError:
                gone = False
            if gone:
                self.links.append(name)
            else:
                links[name] = link
        made["links"] = links
        if not links:
            del made["links"]
        return {key: links if key == "links" else value for key, value in node.items() if key in made}

    def _schema(self, uri: str, node: Mapping[str, Any], made: dict[str, Any]) -> None:
        """What a schema refers to in ways of its own."""
        if isinstance(node.get("$dynamicRef"), str):
            self._reference("schema", uri, node["$dynamicRef"], node)
        discriminator = node.get("discriminator")
        if isinstance(discriminator, dict) and isinstance(discriminator.get("mapping"), dict):
            mapped = {key: self._mapped(uri, value) for key, value in discriminator["mapping"].items()}
            made["discriminator"] = {**discriminator, "mapping": mapped}
        if discriminator is not None and "oneOf" not in node and "anyOf" not in node:
            for name, heir in self._heirs_of(uri).get(id(node), ()):
                self.keep("schema", Place(uri, heir), name)

    def _reference(self, kind: Kind, uri: str, ref: str, node: Any) -> str:
        try:
            target = self._library.resolve(uri, ref)
        except SpecError as error:
            self.missing[ref] = str(error)
            return ref
        document = target.uri == self._source
        if self._external and not document:
            self._look_through(kind, target)
            return ref
        if not _is_node(target.value):
            return ref
        return self.keep(kind, target, unquote(ref).rpartition("/")[2].rpartition("#")[2])

    def _look_through(self, kind: Kind, place: Place) -> None:
        """Another document's object stays there; what it needs of this document is kept."""
        if not _is_node(place.value) or id(place.value) in self._read:
            return
        self._read.add(id(place.value))
        self._todo.append((kind, place, {}, "unused"))

    def _keep_around(self, uri: str, resource: Mapping[str, Any]) -> None:
        """A schema that is a resource of its own and has dynamic anchors stays as it is: which of them is
        meant depends on where resources begin. Those that it refers to are kept the same way."""
        for node in every_mapping(resource):
            for key in ("$ref", "$dynamicRef"):
                if not isinstance(ref := node.get(key), str) or ref.startswith("#"):
                    continue
                try:
                    target = self._library.resolve(uri, ref)
                except SpecError as error:
                    self.missing[ref] = str(error)
                    continue
                if target.uri in self._library.trees:
                    raise SpecError(
                        f"{ref!r}, in the schema {uri}, leads out of what has an $id", file=self._source
                    )
                root = self._library.tree(target.uri)
                self.keep("schema", Place(target.uri, root), target.uri.rpartition("/")[2])

    def _mapped(self, uri: str, value: Any) -> Any:
        """A discriminator's word for a schema: the name of one, or a reference."""
        if not isinstance(value, str):
            return value
        if _PLAIN_NAME.fullmatch(value):
            for document in dict.fromkeys((self._source, uri)):
                ref = "#/" + "/".join((*self._sections["schema"], value))
                try:
                    target = self._library.resolve(document, ref)
                except SpecError:
                    continue
                made = self.keep("schema", target, value)
                return value if made.endswith(f"/{value}") else made
        return self._reference("schema", uri, value, None)

    def _heirs_of(self, uri: str) -> dict[int, list[tuple[str, Any]]]:
        """The named schemas of a document that have another in their `allOf`, by that other's identity:
        a discriminator means them by their names."""
        found = self._heirs.get(uri)
        if found is not None:
            return found
        found = self._heirs[uri] = {}
        holder: Any = self._library.trees.get(uri)
        for key in self._sections["schema"]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        for name, schema in holder.items() if isinstance(holder, dict) else ():
            listed = schema.get("allOf") if isinstance(schema, dict) else None
            for entry in listed if isinstance(listed, list) else ():
                ref = entry.get("$ref") if isinstance(entry, dict) else None
                if isinstance(ref, str) and ref.startswith("#"):
                    try:
                        parent = self._library.resolve(uri, ref).value
                    except SpecError:
                        continue
                    found.setdefault(id(parent), []).append((name, schema))
        return found


def _is_node(value: Any) -> bool:
    return isinstance(value, dict)


def _is_dynamic(schema: Any) -> bool:
    return any("$dynamicRef" in node or "$dynamicAnchor" in node for node in every_mapping(schema))


def _escaped(name: str) -> str:
    return quote(escape(name), safe="~!$&'()*+,;=:@._-")
