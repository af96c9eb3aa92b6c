"""What every version of a description is lowered to: frozen values, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from fleet.openapi.refs import Place

Location: TypeAlias = Literal["path", "query", "header", "cookie"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation. `media` is set where its value is a serialised document instead."""

    name: str
    location: Location
    required: bool = False
    style: str = "form"
    explode: bool = False
    allow_reserved: bool = False
    default: Any = None
    schema: Place | None = None
    media: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A media type that a body or a reply may have, and its schema."""

    type: str  # lower case, without parameters
    schema: Place | None = None


@dataclass(frozen=True, slots=True)
class Body:
    required: bool
    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One documented answer: `status` is "200", "2XX" or "default"."""

    status: str
    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """One way to authenticate.

    `kind` is "basic", "bearer", "apiKey", or what this engine cannot do (the document's own word, such as
    "oauth2" or "http digest"). `location` and `parameter` say where an apiKey goes.
    """

    name: str
    kind: str
    location: Location | Literal[""] = ""
    parameter: str = ""

    @property
    def supported(self) -> bool:
        """Whether this engine can satisfy it."""
        return self.kind in {"basic", "bearer", "apiKey"}


Requirement: TypeAlias = tuple[str, ...]
"""Names of schemes that are needed together; `()` is "nothing needed"."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operation stands: its own node, and the path item that it belongs to."""

    template: str
    method: str  # upper case
    name: str | None  # operationId
    node: Place
    item: Place


class FrontEnd(Protocol):
    """One version of the specification: reads what a document says into the values above.

    Everything but the head is read when an operation is first used. Each method raises `SpecError` for
    what is wrong or unreadable in its own part.
    """

    title: str
    version: str
    server_path: str  # of the first server, without a trailing slash
    security: tuple[Requirement, ...]
    dialect: Literal["3.0", "2020-12"]  # of its schemas

    def schemes(self) -> dict[str, SecurityScheme]: ...

    def sites(self, warn: list[str]) -> Iterator[Site]: ...

    def parameters(self, site: Site) -> tuple[Parameter, ...]: ...

    def body(self, site: Site) -> Body | None: ...

    def answers(self, site: Site) -> tuple[Answer, ...]: ...

    def requirements(self, site: Site) -> tuple[Requirement, ...] | None: ...

    def secure(self, schemes: Mapping[str, Any], security: Any) -> None:
        """Replaces the document's own security."""
        ...
