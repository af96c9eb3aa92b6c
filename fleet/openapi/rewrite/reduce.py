"""Reduce: a description with chosen operations only, and exactly what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi.document import Document
from fleet.openapi.lower.parts import mapping
from fleet.openapi.reading.refs import Library, Place
from fleet.openapi.rewrite.choice import Choice, Named, choose
from fleet.openapi.rewrite.closure import Closure
from fleet.openapi.rewrite.grammar import METHODS, sections_of
from fleet.pointer import steps_of_fragment


@frozen
class Reduction:
    """A reduced description.

    `tree` is its parsed form, ready to be written; `operations` what was kept, as `METHOD /path`;
    `links` the links that were left out because the operation they lead to was; `missing` the references
    that led nowhere before and still do, and why.
    """

    tree: dict[str, Any]
    operations: tuple[str, ...]
    links: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


def reduce(document: Document, keep: Sequence[Choice], *, external: bool = False) -> Reduction:
    """The description with the operations that `keep` means and their closure: parameters, bodies, answers,
    headers, links, callbacks, schemas, what discriminators name, security schemes and tags; order kept.

    The result is one self-contained document: what stands in other files is copied under names of its own.
    With `external` references to other files stay as they are, so it has to lie where the description
    does. Reads every file that the operations need. Links to operations that are not kept are left out.
    Raises `SpecError` where a choice means no operation.
    """
    return _Reducer(document, external=external).reduce(keep)


def reduced(document: Document, keep: Sequence[Choice]) -> Document:
    """A document with the kept operations only, that reads other files as `document` does."""
    made = reduce(document, keep, external=True)
    known = document.library
    library = Library(known.reader, known.parse)
    library.trees.update({**known.trees, document.source: made.tree})
    which, variables = document.chosen
    security = document.replaced
    return Document(library, document.source, security=security, server=which, server_variables=variables)


@frozen
class _Item:
    """One path item: where it is listed, its place with references followed, and its operations."""

    section: str
    path: str
    place: Place
    operations: dict[tuple[str, ...], Named]


class _Reducer:
    def __init__(self, document: Document, *, external: bool) -> None:
        self._source = document.source
        self._library: Library = document.library
        self._tree: Mapping[str, Any] = self._library.tree(document.source)
        self._ids: set[str] = set()
        self._routes: set[tuple[str, str]] = set()
        self._security = self._tree.get("security")
        self._closure = Closure(
            self._library,
            document.source,
            external=external,
            is_gone=self._is_gone,
            scheme_place=document.front.scheme_place,
        )

    def reduce(self, keep: Sequence[Choice]) -> Reduction:
        items = list(self._items())
        wanted = choose(
            keep, (named for item in items for named in item.operations.values()), source=self._source
        )
        self._ids = {named.operation_id for named in wanted}
        self._routes = {(named.path, named.method) for named in wanted}
        listed: dict[str, dict[str, Any]] = {}
        for item in items:
            kept = {steps: named for steps, named in item.operations.items() if named in wanted}
            if kept:
                listed.setdefault(item.section, {})[item.path] = self._item(item, kept)
        self._secure()
        kept_ones = [named for item in items for named in item.operations.values() if named in wanted]
        return Reduction(
            self._assembled(listed),
            tuple(f"{named.method} {named.path}" for named in kept_ones),
            tuple(self._closure.links),
            self._closure.missing,
        )

    def _items(self) -> Iterator[_Item]:
        for section in ("paths", "webhooks"):
            for path, value in mapping(self._tree.get(section)).items():
                if path.startswith("x-"):
                    continue
                place = Place(self._source, value)
                if isinstance(value, dict) and isinstance(value.get("$ref"), str):
                    try:
                        target = self._library.follow(place)
                    except SpecError:
                        continue
                    beside = {key: inner for key, inner in value.items() if key != "$ref"}
                    place = Place(target.uri, {**mapping(target.value), **beside})
                yield _Item(section, path, place, dict(_operations(path, place.value)))

    def _item(self, item: _Item, kept: Mapping[tuple[str, ...], Named]) -> dict[str, Any]:
        """The path item with the kept operations, its own parameters and words."""
        node: dict[str, Any] = {}
        for key, value in item.place.value.items():
            if key == "additionalOperations":
                inner = {name: entry for name, entry in mapping(value).items() if (key, name) in kept}
                if inner:
                    node[key] = inner
            elif key not in METHODS or (key,) in kept:
                node[key] = value
        return dict(self._closure.copy("pathItem", Place(item.place.uri, node)))

    def _secure(self) -> None:
        """Keeps the schemes of what the operations, those of callbacks too, require."""
        for requirement in self._required():
            for name in mapping(requirement):
                self._closure.keep_own("securityScheme", name)
        if self._inherits() and isinstance(self._security, list):
            self._security = self._closure.requirements(self._security)

    def _required(self) -> Iterator[Any]:
        for _, node in self._closure.operations:
            own = node.get("security")
            yield from own if isinstance(own, list) else ()
        if self._inherits():
            shared = self._tree.get("security")
            yield from shared if isinstance(shared, list) else ()

    def _inherits(self) -> bool:
        return any("security" not in node for _, node in self._closure.operations)

    def _assembled(self, listed: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """The document's top level in its order, with what was kept in place of what there was."""
        sections = self._closure.sections()
        held = {section[0] for section in sections_of(self._tree).values()}
        tree: dict[str, Any] = {}
        for key, value in self._tree.items():
            if key in {"paths", "webhooks"}:
                if key in listed or key == "paths":
                    tree[key] = listed.get(key, {})
            elif key in held:
                self._hold(tree, key, sections, mapping(value))
            elif key == "tags":
                tree[key] = self._tags(value)
            elif key != "security":
                tree[key] = value
            elif self._inherits():
                tree[key] = self._security
        for key in sorted(held - self._tree.keys()):
            self._hold(tree, key, sections, {})
        return {key: value for key, value in tree.items() if key != "tags" or value}

    @staticmethod
    def _hold(
        tree: dict[str, Any],
        key: str,
        sections: Mapping[tuple[str, ...], dict[str, Any]],
        old: Mapping[str, Any],
    ) -> None:
        if (key,) in sections:  # 2.0: a section of its own
            tree[key] = sections[key,]
            return
        made = (
            {name: value for name, value in old.items() if name.startswith("x-")}
            if key == "components"
            else {}
        )
        kept = {
            section[1]: inner
            for section, inner in sections.items()
            if section[0] == key and len(section) == 2
        }
        ordered = [name for name in old if name in kept] + [name for name in kept if name not in old]
        made = {**{name: kept[name] for name in ordered}, **made}
        if made:
            tree[key] = made

    def _tags(self, value: Any) -> list[Any]:
        """The tags that are used, and those above them (3.2)."""
        listed = [tag for tag in value if isinstance(tag, dict)] if isinstance(value, list) else []
        listed = [tag for tag in listed if isinstance(tag.get("name"), str)]
        parents = {tag["name"]: tag.get("parent") for tag in listed}
        used: set[Any] = set()
        for _, node in self._closure.operations:
            names = node.get("tags")
            for name in names if isinstance(names, list) else ():
                while isinstance(name, str) and name not in used:
                    used.add(name)
                    name = parents.get(name)  # noqa: PLW2901
        return [tag for tag in listed if tag.get("name") in used]

    def _is_gone(self, link: Any) -> bool:
        """Whether a link leads to an operation of this document that is not kept."""
        node = mapping(link)
        if isinstance(name := node.get("operationId"), str):
            return name not in self._ids
        where, _, fragment = str(node.get("operationRef", "")).partition("#")
        if not fragment or not self._library.same(self._source, where):
            return False
        steps = steps_of_fragment(fragment)
        return len(steps) == 3 and steps[0] == "paths" and (steps[1], steps[2].upper()) not in self._routes


def _operations(path: str, item: Any) -> Iterator[tuple[tuple[str, ...], Named]]:
    """The operations of a path item, by the keys that lead to each."""
    node = mapping(item)
    for key, value in node.items():
        if key in METHODS and isinstance(value, dict):
            yield (key,), Named(key.upper(), path, str(value.get("operationId") or ""))
    for name, value in mapping(node.get("additionalOperations")).items():
        if isinstance(value, dict):
            yield ("additionalOperations", name), Named(name, path, str(value.get("operationId") or ""))
