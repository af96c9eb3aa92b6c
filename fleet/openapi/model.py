"""What every version of a description is lowered to: frozen values, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal, Protocol, TypeAlias

from fleet.frozen import frozen
from fleet.openapi.reading.refs import Place

Location: TypeAlias = Literal["path", "query", "querystring", "header", "cookie"]
Dialect: TypeAlias = Literal["2.0", "3.0", "2020-12"]
"""What the schemas of a description are written in."""

FRAMING = frozenset({"host", "connection", "content-length", "transfer-encoding"})
"""Headers that frame a message: whoever sends it writes them, and no description says how."""


def is_json(kind: str) -> bool:
    """Whether a media type, in lower case and without parameters, is JSON."""
    return kind == "application/json" or kind.endswith("+json") or kind == "text/json"


@frozen
class Parameter:
    """One parameter of an operation, or a header of an answer.

    `media` is set where its value is a serialised document instead. `style` is one of the specification's,
    or `tabDelimited` (2.0's tsv); the delimited ones also stand for 2.0's path and header parameters.
    """

    name: str
    location: Location
    required: bool = False
    style: str = "form"
    explode: bool = False
    allow_reserved: bool = False
    default: Any = None
    schema: Place | None = None
    media: str | None = None
    description: str = ""
    deprecated: bool = False


@frozen
class Encoding:
    """How one property of a form is written. `content_type` is as declared, perhaps several or a range, and
    empty where the value decides; where it is `styled`, the style decides instead. `headers` may stand in a
    part of a multipart body."""

    content_type: str = ""
    style: str = "form"
    explode: bool = True
    allow_reserved: bool = False
    styled: bool = True
    headers: tuple[Parameter, ...] = ()


@frozen
class Media:
    """A media type that a body or a reply may have, and its schema.

    `item_schema` is the schema of one item of a sequential media type (3.2). `encoding` speaks of the
    properties of a form by name; of parts without names `prefix_encoding` does by their place, and
    `item_encoding` of those behind (3.2).
    """

    type: str  # lower case, without parameters
    schema: Place | None = None
    encoding: Mapping[str, Encoding] = field(default_factory=dict)
    item_schema: Place | None = None
    prefix_encoding: tuple[Encoding, ...] = ()
    item_encoding: Encoding | None = None
    parameters: str = ""  # of the type, as declared: "charset=iso-8859-1"


@frozen
class Body:
    """What an operation takes. In 2.0 bodies are parameters: `name` is that of the whole body, `fields`
    are those of a form, and both may also be given among the parameters of a call."""

    required: bool
    media: tuple[Media, ...]
    name: str = ""
    fields: tuple[Parameter, ...] = ()
    description: str = ""


@frozen
class Link:
    """What may follow an answer: an operation by its `operation` (operationId) or its `reference`, and
    values for it, which may be runtime expressions (`$response.body#/id`)."""

    name: str
    operation: str = ""
    reference: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    description: str = ""


@frozen
class Tag:
    """A tag that operations may carry; `parent` (3.2) names the tag above it."""

    name: str
    summary: str = ""
    description: str = ""
    parent: str = ""
    kind: str = ""


@frozen
class Answer:
    """One documented answer: `status` is "200", "2XX" or "default"."""

    status: str
    media: tuple[Media, ...]
    headers: tuple[Parameter, ...] = ()
    description: str = ""
    links: tuple[Link, ...] = ()


@frozen
class Flow:
    """One OAuth2 flow, by its 3.x word: `clientCredentials`, `authorizationCode`, `password`, `implicit`,
    `deviceAuthorization`. The URL is as written, empty where there is none."""

    kind: str
    token_url: str = ""
    scopes: tuple[str, ...] = ()


@frozen
class SecurityScheme:
    """One way to authenticate.

    `kind` is "basic", "bearer", "http digest", "apiKey", "oauth2", "openIdConnect" or "mutualTLS"; anything
    else is the document's own word for what this engine cannot do. `location` and `parameter` say where an
    apiKey goes, `flows` how an oauth2 token is had.
    """

    name: str
    kind: str
    location: Location | Literal[""] = ""
    parameter: str = ""
    flows: tuple[Flow, ...] = ()


@frozen
class ServerVariable:
    """A variable of a server's URL; `choices` is empty where any value will do."""

    default: str
    choices: tuple[str, ...] = ()
    description: str = ""


@frozen
class Server:
    """One place that a description says it is served at; `url` may be relative and hold `{variables}`."""

    url: str
    name: str = ""
    description: str = ""
    variables: Mapping[str, ServerVariable] = field(default_factory=dict)


Requirement: TypeAlias = tuple[str, ...]
"""Names of schemes that are needed together; `()` is "nothing needed"."""


@frozen
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
    servers: tuple[Server, ...]
    tags: tuple[Tag, ...]
    dialect: Dialect

    @property
    def security(self) -> tuple[Requirement, ...]:
        """The document's requirement sets, by the names of `schemes`."""
        ...

    def schemes(self, warn: list[str] | None) -> dict[str, SecurityScheme]:
        """Security schemes by name. One that is wrong is left out, and said in `warn`; None: it raises."""
        ...

    def scheme_name(self, name: str, uri: str | None = None) -> str:
        """The name in `schemes` of what a requirement in the document `uri` means by `name`, which may be a
        URI reference (3.2); None: a requirement anywhere. Where there is no such scheme, `name` itself."""
        ...

    def scheme_place(self, name: str, uri: str) -> Place | None:
        """Where the scheme stands that a requirement in the document `uri` names by a URI reference; None for
        a name that is none, and for a reference that leads to no mapping."""
        ...

    def sites(self, warn: list[str]) -> Iterator[Site]:
        """Where its operations stand, in the document's order; `warn` is told what cannot be one."""
        ...

    def webhooks(self, warn: list[str]) -> Iterator[Site]:
        """Where the operations stand that the service calls by itself (3.1 and later)."""
        ...

    def callbacks(self, site: Site, warn: list[str]) -> Iterator[tuple[str, Site]]:
        """The callbacks of an operation: each with its name."""
        ...

    def parameters(self, site: Site) -> tuple[Parameter, ...]:
        """Those of the operation and of its path, without those of the path that the operation replaces."""
        ...

    def body(self, site: Site) -> Body | None:
        """What it takes as a body, None where it takes none."""
        ...

    def answers(self, site: Site) -> tuple[Answer, ...]:
        """What it may answer, by status or range of them, in the document's order."""
        ...

    def requirements(self, site: Site) -> tuple[Requirement, ...] | None:
        """Its own alternatives of security, None where it has the document's."""
        ...

    def secure(self, schemes: Mapping[str, Any], security: Any) -> None:
        """Replaces the document's own security."""
        ...
