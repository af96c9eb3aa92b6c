"""An operation of one of two descriptions, as it is compared: read once, in the words of both versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet.errors import SpecError
from fleet.openapi.document import Document
from fleet.openapi.lower.parts import mapping
from fleet.openapi.model import Answer, Body, Parameter, SecurityScheme
from fleet.openapi.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = re.compile(r"\{([^{}/]*)\}")
# From 3.0 on these headers are no parameters: media types and security say what they would.
_NO_PARAMETERS = frozenset(("header", name) for name in ("accept", "content-type", "authorization"))
Alternative = frozenset[tuple[SecurityScheme, frozenset[str]]]
Backs = Mapping[str, Mapping[str, Operation]]


@dataclass(slots=True)
class Side:
    """One operation. `unreadable` says of "parameters", "requestBody", "security" and "callbacks" why they
    are not here."""

    document: Document
    operation: Operation
    parameters: dict[tuple[str, str], Parameter] = field(default_factory=dict)
    body: Body | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    alternatives: list[Alternative] = field(default_factory=list)
    callbacks: Backs = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self._reading("parameters"):
            self.parameters = {
                self._known_as(parameter): parameter for parameter in self.operation.parameters
            }
        with self._reading("requestBody"):
            self.body = self.operation.body
        with self._reading("security"):
            self.alternatives = self._alternatives()
        with self._reading("callbacks"):
            self.callbacks = self.operation.callbacks
        self.answers = {answer.status: answer for answer in self.operation.answers}

    @property
    def node(self) -> dict[str, Any]:
        return dict(self.operation.site.node.value)

    @property
    def old(self) -> bool:
        """Whether its description is one of 2.0."""
        return self.document.front.dialect == "2.0"

    def beside(self, other: Side) -> dict[tuple[str, str], Parameter]:
        """The parameters that can be compared with those of another side: 3.x has some headers that are none,
        as other words of it say them."""
        if self.old == other.old:
            return self.parameters
        return {key: value for key, value in self.parameters.items() if key not in _NO_PARAMETERS}

    @contextmanager
    def _reading(self, part: str) -> Iterator[None]:
        try:
            yield
        except SpecError as error:
            self.unreadable[part] = str(error)

    def _known_as(self, parameter: Parameter) -> tuple[str, str]:
        name = parameter.name.lower() if parameter.location == "header" else parameter.name
        names = _VARIABLE.findall(self.operation.template)
        if parameter.location == "path" and name in names:
            name = f"{{{names.index(name)}}}"  # its place in the path is what it is known by
        return parameter.location, name

    def _alternatives(self) -> list[Alternative]:
        """What satisfies its security: sets of schemes, by definition and not by name, with their scopes."""
        own, uri = self.node.get("security"), self.operation.site.node.uri
        if own is None:
            uri = self.document.source
            own = mapping(self.document.library.tree(self.document.source)).get("security", [])
        if self.operation.security is None and self.document.replaced is not None:
            own = [{name: [] for name in names} for names in self.document.security]
        return [
            frozenset(
                (self._scheme(name, uri), frozenset(map(str, scopes if isinstance(scopes, list) else ())))
                for name, scopes in mapping(entry).items()
            )
            for entry in (own if isinstance(own, list) else [])
        ] or [frozenset()]

    def _scheme(self, name: str, uri: str) -> SecurityScheme:
        known = self.document.schemes.get(self.document.front.scheme_name(name, uri))
        if known is None:
            return SecurityScheme(name, "undefined")
        return SecurityScheme("", known.kind, known.location, known.parameter, ())


def satisfies(needed: Alternative, had: Alternative) -> bool:
    """Whether who has what `had` says has what is needed."""
    return all(any(scheme == own and scopes <= given for own, given in had) for scheme, scopes in needed)
