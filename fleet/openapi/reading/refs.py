"""The documents of one description, read when a reference first leads to them, and `$ref` resolution.

References are followed in a loop, never by recursion. What may be read is the reader's decision: this
module only joins names. A document that cannot be read is remembered and never asked for again.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi.reading.load import locate, parse
from fleet.openapi.reading.trees import every_mapping, inside_of, path_to
from fleet.pointer import pointer_of, unescape

_MAX_LOCATED = 10  # errors of one description that are shown with their place: each costs a parse
_MAX_LOCATED_BYTES = 4 * 1024 * 1024
_INDEX = re.compile(r"0|[1-9][0-9]{0,14}")  # int() refuses digits by the thousand
# What may stand beside a reference and judges nothing.
_WORDS = frozenset(
    {"$ref", "$comment", "title", "summary", "description", "deprecated", "example", "examples"}
)
LOGGER = logging.getLogger("fleet.OpenAPI")

Reader: TypeAlias = Callable[[str], bytes]
"""Supplies the bytes of one document by its URI (an absolute path, or a URL).

It is where references are confined: it raises `SpecError` for what must not be read or is not there.
"""

Parse: TypeAlias = Callable[[bytes, str], Any]
"""Turns the bytes of the document of that URI into a tree."""


class MissingDocument(SpecError):
    """A referenced document cannot be read. The library counts it: one warning tells of all of them."""


@frozen
class Place:
    """A value and the document it stands in: references inside it are relative to that document."""

    uri: str
    value: Any


class Library:
    """Trees by URI. Shared by all threads: two of them may parse one file twice, the first tree stays."""

    __slots__ = (
        "_aliases", "_anchors", "_bases", "_indexed", "_located", "_resources",
        "embedding", "missing", "parse", "reader", "trees",
    )  # fmt: skip

    def __init__(self, reader: Reader | None = None, parse: Parse = parse) -> None:
        self.reader: Reader | None = reader
        self.parse: Parse = parse
        self.trees: dict[str, Any] = {}
        self.missing: dict[str, str] = {}  # URI -> why
        self._start()

    def _start(self) -> None:
        self._anchors: dict[str, dict[str, Any]] = {}
        self._bases: dict[str, str] = {}  # where a document was read -> what it calls itself
        self._aliases: dict[str, str] = {}  # and back
        self._resources: dict[str, Any] = {}  # schemas with an `$id` of their own, by that URI
        self._indexed: set[str] = set()
        self._located = 0
        # Whether `$id` means something: in JSON Schema 2020-12, so in 3.1 and later.
        self.embedding: bool = False

    def __getstate__(self) -> tuple[Any, ...]:
        return self.reader, self.parse, self.trees, self.missing

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.reader, self.parse, self.trees, self.missing = state
        self._start()

    def learn(self, uri: str) -> None:
        """Takes notice of what a document calls itself (`$self`, or `$id` at its root)."""
        tree = self.trees[uri]
        if not isinstance(tree, dict):
            return
        name = tree.get("$self", tree.get("$id"))
        if isinstance(name, str) and name.rstrip("#"):
            named = join(uri, name.partition("#")[0])
            self._bases[uri] = named
            self._aliases.setdefault(named, uri)

    def tree(self, uri: str) -> Any:
        """The whole document. Raises `SpecError` when it cannot be read or parsed."""
        try:
            return self.trees[uri]
        except KeyError:
            pass
        if self.embedding and (resource := self._resource(uri)) is not None:
            return resource
        why = self.missing.get(uri)
        if why is None:
            try:
                if self.reader is None:
                    raise SpecError(f"{uri} is not part of this description, and nothing else may be read")
                tree = self.trees.setdefault(uri, self.parse(self.reader(uri), uri))
            except SpecError as error:
                why = self.missing[uri] = str(error)
            else:
                self.learn(uri)
                return tree
        why = why.removeprefix(f"{uri}: ")  # which is said in front
        raise MissingDocument(f"a referenced document cannot be used: {why}", file=uri)

    def resolve(self, uri: str, ref: str) -> Place:
        """What `ref`, standing in the document `uri`, points at; one step, the result may refer on."""
        name, _, fragment = ref.partition("#")
        target = self._target(uri, name)
        if target not in self.trees and target not in self.missing:
            LOGGER.debug("Resolving %s - Description Document %s unknown ...", ref, target)
        return self._pointed(target, unquote(fragment))

    def _target(self, uri: str, name: str) -> str:
        """The document that `name` means in the document `uri`."""
        if not name:
            return uri
        base = self._bases.get(uri)
        target = join(base or uri, name)
        target = self._aliases.get(target, target)
        if base is not None and target not in self.trees and (beside := join(uri, name)) != target:
            # A copy of a description that names itself has copies of its parts beside it.
            try:
                self.tree(target)
            except MissingDocument:
                with suppress(MissingDocument):
                    self.tree(beside)
                    self.missing.pop(target, None)
                    self._bases.setdefault(beside, target)
                    self._aliases.setdefault(target, beside)
                    return beside
                self.missing.pop(beside, None)
        return target

    def same(self, uri: str, name: str) -> bool:
        """Whether `name`, standing in the document `uri`, names that document."""
        target = join(self._bases.get(uri, uri), name)
        return self._aliases.get(target, target) == uri

    def enter(self, uri: str, node: dict[str, Any]) -> str:
        """The URI that references inside a schema with an `$id` are relative to."""
        name = node.get("$id")
        if not self.embedding or not isinstance(name, str):
            return uri
        if node is self.trees.get(uri) or node is self._resources.get(uri):
            return uri
        inner = join(self._bases.get(uri, uri), name.partition("#")[0])
        if inner != uri:
            self._resources.setdefault(inner, node)
        return inner

    def _resource(self, uri: str) -> Any:
        """The schema that calls itself `uri`, in any of the documents read so far."""
        for known in [uri for uri in self.trees if uri not in self._indexed]:
            self._indexed.add(known)
            for _ in self.mappings(known):
                pass
        return self._resources.get(uri)

    def mappings(self, uri: str) -> Iterator[Place]:
        """Each mapping of a document once, with the URI that references inside it are relative to."""
        todo, seen = [(uri, self.trees[uri])], set[int]()
        while todo:
            base, value = todo.pop()
            if not isinstance(value, dict | list) or id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, dict):
                base = self.enter(base, value) if "$id" in value else base
                yield Place(base, value)
            todo.extend((base, inner) for inner in inside_of(value))

    def preload(self, uri: str, limit: int = 5000) -> None:
        """Reads all documents that the references in a document lead to, in breadth, at most `limit`."""
        todo, seen = [uri], {uri}
        for base in todo:
            try:
                tree = self.tree(base)
            except SpecError:
                continue
            for node in every_mapping(tree):
                ref = node.get("$ref")
                name = ref.partition("#")[0] if isinstance(ref, str) else ""
                target = join(self._bases.get(base, base), name)
                target = self._aliases.get(target, target)
                if self.embedding and (target in self._resources or self._resource(target) is not None):
                    continue
                if target not in seen and len(seen) < limit:
                    seen.add(target)
                    todo.append(target)

    def follow(self, place: Place, *, alone: bool = False) -> Place:
        """The value itself when it is no reference, else what the chain of references ends at; with `alone`
        also a reference that something stands beside which may judge. Raises `SpecError`."""
        seen: set[tuple[str, str]] = set()
        while isinstance(value := place.value, dict) and isinstance(ref := value.get("$ref"), str):
            if alone and len(value) > 1 and not value.keys() <= _WORDS:
                break
            step = (place.uri, ref)
            if step in seen:
                raise SpecError(f"the reference {ref!r} leads back to itself", file=place.uri)
            seen.add(step)
            base = self.enter(place.uri, value) if "$id" in value else place.uri
            place = self.resolve(base, ref)
        return place

    def _pointed(self, uri: str, fragment: str) -> Place:
        value = self.tree(uri)
        if not fragment:
            return Place(uri, value)
        if not fragment.startswith("/"):
            return Place(uri, self._anchored(uri, fragment))
        at = uri
        for token in fragment[1:].split("/"):
            key = unescape(token)
            if isinstance(value, dict) and key in value:
                if self.embedding and "$id" in value:
                    at = self.enter(at, value)
                value = value[key]
            elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
                value = value[int(key)]
            else:
                raise SpecError(f"the reference to #{fragment} finds nothing: no {key!r} there", file=uri)
        return Place(at, value)

    def _anchored(self, uri: str, name: str) -> Any:
        anchors = self._anchors.get(uri)
        if anchors is None:
            root = self.tree(uri)
            anchors = self._anchors[uri] = {
                value[word]: value
                for value in every_mapping(root, inside=self.embedding)
                for word in ("$dynamicAnchor", "$anchor")
                if isinstance(value.get(word), str)
            }
        try:
            return anchors[name]
        except KeyError:
            raise SpecError(f"the reference to #{name} finds no such anchor", file=uri) from None

    def dynamic_anchors(self, uri: str) -> dict[str, Any]:
        """The schemas of one resource that a `$dynamicRef` may mean, by name."""
        with suppress(SpecError):
            self._anchored(uri, "")
        found = self._anchors.get(uri, {})
        return {name: value for name, value in found.items() if value.get("$dynamicAnchor") == name}

    def error(self, message: str, place: Place, *, hint: str | None = None) -> SpecError:
        """An error about a value: with its pointer, and with line and column where its text can be read."""
        steps = None
        if self._located < _MAX_LOCATED:
            steps = path_to(self.trees.get(place.uri), place.value)
        if steps is None:
            return SpecError(message, file=place.uri, hint=hint)
        line, column = self.position(place.uri, steps)
        pointer = pointer_of(steps)
        return SpecError(message, file=place.uri, line=line, column=column, hint=hint, pointer=pointer)

    def position(self, uri: str, steps: Sequence[str | int]) -> tuple[int | None, int | None]:
        """Line and column of a value, by reading its document again: bounded, so not of every error."""
        self._located += 1
        text = self.text(uri)
        return (None, None) if text is None or len(text) > _MAX_LOCATED_BYTES else locate(text, steps)

    def text(self, uri: str) -> bytes | None:
        """The bytes of a document once more, to show where something stands; None where they are gone."""
        if self.reader is None:
            return None
        with suppress(SpecError):
            return bytes(self.reader(uri))  # PyYAML takes bytes and no class of them
        return None


def join(base: str, name: str) -> str:
    """The URI of a document that a reference in the document `base` names."""
    if not name:
        return base
    try:
        if urlsplit(name).scheme:
            return name
        if urlsplit(base).scheme:
            return urljoin(base, name)
    except ValueError:  # such as "//[": no such document
        return name
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(name)))
