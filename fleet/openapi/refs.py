"""The documents of one description, read when a reference first leads to them, and `$ref` resolution.

References are followed in a loop, never by recursion. What may be read is the reader's decision: this
module only joins names. A document that cannot be read is remembered and never asked for again.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from fleet.errors import SpecError
from fleet.openapi.load import parse

LOGGER = logging.getLogger("fleet.OpenAPI")

Reader: TypeAlias = Callable[[str], bytes]
"""Supplies the bytes of one document by its URI (an absolute path, or a URL).

It is where references are confined: it raises `SpecError` for what must not be read or is not there.
"""

Parse: TypeAlias = Callable[[bytes, str], Any]
"""Turns the bytes of the document of that URI into a tree."""


class MissingDocument(SpecError):
    """A referenced document cannot be read. The library counts it: one warning tells of all of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value and the document it stands in: references inside it are relative to that document."""

    uri: str
    value: Any


class Library:
    """Trees by URI. Shared by all threads: two of them may parse one file twice, the first tree stays."""

    __slots__ = ("_anchors", "_parse", "_reader", "missing", "trees")

    def __init__(self, reader: Reader | None = None, parse: Parse = parse) -> None:
        self._reader = reader
        self._parse = parse
        self.trees: dict[str, Any] = {}
        self.missing: dict[str, str] = {}  # URI -> why
        self._anchors: dict[str, dict[str, Any]] = {}

    def __getstate__(self) -> tuple[Any, ...]:
        return self._reader, self._parse, self.trees, self.missing

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._reader, self._parse, self.trees, self.missing = state
        self._anchors = {}

    def tree(self, uri: str) -> Any:
        """The whole document. Raises `SpecError` when it cannot be read or parsed."""
        try:
            return self.trees[uri]
        except KeyError:
            pass
        why = self.missing.get(uri)
        if why is None:
            try:
                if self._reader is None:
                    raise SpecError(f"{uri} is not part of this description, and nothing else may be read")
                return self.trees.setdefault(uri, self._parse(self._reader(uri), uri))
            except SpecError as error:
                why = self.missing[uri] = str(error)
        raise MissingDocument(f"a referenced document cannot be used: {why}", file=uri)

    def resolve(self, uri: str, ref: str) -> Place:
        """What `ref`, standing in the document `uri`, points at; one step, the result may refer on."""
        name, _, fragment = ref.partition("#")
        target = join(uri, name)
        if target not in self.trees and target not in self.missing:
            LOGGER.debug("Resolving %s - Description Document %s unknown ...", ref, target)
        return Place(target, self._pointed(target, unquote(fragment)))

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
                target = join(base, name)
                if target not in seen and len(seen) < limit:
                    seen.add(target)
                    todo.append(target)

    def follow(self, place: Place) -> Place:
        """The value itself when it is no reference, else what the chain of references ends at."""
        seen: set[tuple[str, str]] = set()
        while isinstance(value := place.value, dict) and isinstance(ref := value.get("$ref"), str):
            step = (place.uri, ref)
            if step in seen:
                raise SpecError(f"the reference {ref!r} leads back to itself", file=place.uri)
            seen.add(step)
            place = self.resolve(place.uri, ref)
        return place

    def _pointed(self, uri: str, fragment: str) -> Any:
        value = self.tree(uri)
        if not fragment:
            return value
        if not fragment.startswith("/"):
            return self._anchored(uri, fragment)
        for token in fragment[1:].split("/"):
            key = token.replace("~1", "/").replace("~0", "~") if "~" in token else token
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise SpecError(f"the reference to #{fragment} finds nothing: no {key!r} there", file=uri)
        return value

    def _anchored(self, uri: str, name: str) -> Any:
        anchors = self._anchors.get(uri)
        if anchors is None:
            anchors = self._anchors[uri] = {
                value[word]: value
                for value in every_mapping(self.tree(uri))
                for word in ("$dynamicAnchor", "$anchor")
                if isinstance(value.get(word), str)
            }
        try:
            return anchors[name]
        except KeyError:
            raise SpecError(f"the reference to #{name} finds no such anchor", file=uri) from None


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


def every_mapping(tree: Any) -> Iterator[dict[str, Any]]:
    """Each dict of a tree once, without recursion; what YAML aliases share is seen once."""
    seen: set[int] = set()
    todo = [tree]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if id(value) not in seen:
                seen.add(id(value))
                yield value
                todo.extend(value.values())
        elif isinstance(value, list) and id(value) not in seen:
            seen.add(id(value))
            todo.extend(value)
