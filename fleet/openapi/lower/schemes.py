"""Security schemes of a description, and which of them a requirement means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

from fleet.errors import SpecError
from fleet.openapi.lower.parts import among, mapping, text
from fleet.openapi.model import Flow, Location, Requirement, SecurityScheme
from fleet.openapi.reading.refs import Library, Place

_FLOWS_OF_2 = {"application": "clientCredentials", "accessCode": "authorizationCode"}
_WORD = re.compile(r"[A-Za-z0-9_-]*")  # a name that nobody declared, rather than a document


class Schemes:
    """The security schemes of one description, by name: those that it declares and, `by_uri` (3.2), those
    that its requirements name by a URI reference.

    The declared name wins. A scheme elsewhere goes by the last step of its pointer where that is free, else
    by the reference as it is written; one that is also declared here, by its name here.
    """

    def __init__(self, library: Library, uri: str, declared: Mapping[str, Any], *, by_uri: bool) -> None:
        self._library = library
        self._uri = uri
        self._declared = declared
        self._by_uri = by_uri
        self._found: dict[str, SecurityScheme] = {}
        self._names: dict[int, str] = {}  # by the id of a scheme's node, which its tree holds
        self._called: dict[tuple[str, str], str] = {}  # (document, reference in it) -> name

    def read(self, warn: list[str] | None) -> dict[str, SecurityScheme]:
        """The schemes by name; it grows as requirements are read. What is wrong with a declared one costs
        that one, with a warning; without `warn` it raises `SpecError`."""
        for name, value in self._declared.items():
            try:
                self._take(name, self._library.follow(Place(self._uri, value)))
            except SpecError as error:
                if warn is None:
                    raise
                warn.append(f"the security scheme {name!r} cannot be used: {error}")
        return self._found

    def requirements(self, value: Any, uri: str) -> tuple[Requirement, ...]:
        """A `security` list of the document `uri`; nothing at all is an empty one. Raises `SpecError` when it
        is none."""
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise SpecError("'security' is not a list of mappings", file=uri)
        return tuple(tuple(self.called(uri, name) for name in entry) for entry in value)

    def called(self, uri: str, name: str) -> str:
        """The name of the scheme that a requirement in the document `uri` means by `name`; that itself where
        there is no such scheme."""
        if not self._by_uri or name in self._declared:
            return name
        known = self._called.get((uri, name))
        if known is None:
            known = self._called[uri, name] = self._referenced(uri, name)
        return known

    def written(self, name: str) -> str:
        """The name of the scheme that some requirement, read so far, names so: also by a reference."""
        return next((known for (_, said), known in self._called.items() if said == name), name)

    def place(self, uri: str, name: str) -> Place | None:
        """Where the scheme stands that a requirement in the document `uri` names by a reference, followed."""
        if not self._by_uri or name in self._declared or _WORD.fullmatch(name):
            return None
        try:
            place = self._library.follow(self._library.resolve(uri, name))
        except SpecError:
            return None
        return place if isinstance(place.value, dict) else None

    def _referenced(self, uri: str, name: str) -> str:
        place = self.place(uri, name)
        if place is None:
            return name
        known = self._names.get(id(place.value))
        if known is not None:
            return known
        last = unquote(name).rpartition("#")[2].rpartition("/")[2]
        chosen = last if last and last not in self._declared and last not in self._found else name
        try:
            self._take(chosen, place)
        except SpecError:
            return name
        return chosen

    def _take(self, name: str, place: Place) -> None:
        if not isinstance(place.value, dict):
            raise SpecError(f"the security scheme {name!r} is not a mapping", file=place.uri)
        if not isinstance(place.value.get("type"), str):
            raise SpecError(f"the security scheme {name!r} has no type", file=place.uri)
        self._found[name] = _scheme(name, place.value, place.uri)
        self._names.setdefault(id(place.value), name)


def _scheme(name: str, node: dict[str, Any], uri: str) -> SecurityScheme:
    kind = node.get("type")
    if kind == "basic":
        return SecurityScheme(name, "basic")
    if kind == "http":
        scheme = str(node.get("scheme", "")).lower()
        return SecurityScheme(name, scheme if scheme in {"basic", "bearer"} else f"http {scheme}")
    if kind == "apiKey":
        location, parameter = node.get("in"), text(node.get("name"))
        if not among(location, {"header", "query", "cookie"}) or not parameter:
            raise SpecError(
                f"the apiKey scheme {name!r} needs 'name', and 'in' header, query or cookie", file=uri
            )
        return SecurityScheme(name, "apiKey", cast(Location, location), parameter)
    flows = tuple(_flow(word, flow) for word, flow in mapping(node.get("flows")).items() if mapping(flow))
    if not flows and isinstance(node.get("flow"), str):
        flows = (_flow(_FLOWS_OF_2.get(node["flow"], node["flow"]), node),)
    return SecurityScheme(name, text(kind), flows=flows)


def _flow(kind: str, node: Mapping[str, Any]) -> Flow:
    return Flow(
        kind,
        text(node.get("tokenUrl")),
        tuple(map(str, mapping(node.get("scopes")))),
    )
