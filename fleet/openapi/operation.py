"""One operation of a description: compiled when it is first used, shared by every target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from fleet.errors import SpecError
from fleet.openapi.answers.headers import read_headers
from fleet.openapi.calls.bodies import BodyPlan
from fleet.openapi.calls.call import Call
from fleet.openapi.calls.forms import Pieces
from fleet.openapi.calls.params import ParameterPlan
from fleet.openapi.calls.servers import own_server, read_servers
from fleet.openapi.model import Answer, Body, Link, Parameter, Requirement, Server, Site, is_json
from fleet.openapi.reading.refs import MissingDocument, Place
from fleet.openapi.schema import Check, Keyword, media_for, no_check

if TYPE_CHECKING:
    from fleet.openapi.document import Document

_NO_VALUES: Mapping[Any, Any] = {}


class Operation:
    """One operation. Immutable to its users: what it compiles on first use is kept, and always the same.

    `name` is the operationId, or `METHOD /template`. Attributes and methods raise `SpecError` where the
    description is wrong or a document that this operation needs cannot be read.
    """

    __slots__ = (
        "_accept", "_answers", "_bare", "_body", "_checks", "_document", "_own_servers", "_parameters",
        "_plan", "_requirements", "_security", "_split", "method", "name", "site", "template",
    )  # fmt: skip

    def __init__(self, document: Document, site: Site, name: str) -> None:
        self._document = document
        self.site: Site = site
        self.name: str = name
        self.method: str = site.method
        self.template: str = site.template
        self._plan: ParameterPlan | None = None
        self._parameters: tuple[Parameter, ...] | None = None
        self._body: BodyPlan | None = None
        self._own_servers: tuple[Server, ...] | None = None
        self._bare: Call | None = None  # the call without values
        self._split = False  # whether parameters of a call may be its body (2.0)
        self._accept: tuple[tuple[str, str], ...] = ()
        self._answers: tuple[Answer, ...] | None = None
        self._security: Any = _UNREAD
        self._requirements: tuple[Requirement, ...] | None = None
        self._checks: dict[tuple[int, str | None], Check] = {}

    def __repr__(self) -> str:
        return f"<Operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._document.by_route.get((self.template, self.method)) is self:
            return _restore, (self._document, self.template, self.method)
        return Operation, (self._document, self.site, self.name)  # a webhook or a callback

    @property
    def summary(self) -> str:
        """One line about it, "" where there is none."""
        return self._word("summary")

    @property
    def description(self) -> str:
        """What its author says of it, often CommonMark; "" where there is nothing."""
        return self._word("description")

    @property
    def deprecated(self) -> bool:
        """Whether its author advises against it."""
        return self.site.node.value.get("deprecated") is True

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of its tags; `Document.tags` tells more of them."""
        listed = self.site.node.value.get("tags")
        return tuple(tag for tag in listed if isinstance(tag, str)) if isinstance(listed, list) else ()

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What its author wrote under `x-` keys."""
        return {key: value for key, value in self.site.node.value.items() if key.startswith("x-")}

    def _word(self, key: str) -> str:
        found = self.site.node.value.get(key)
        return found if isinstance(found, str) else ""

    @property
    def body(self) -> Body | None:
        """What it takes as a body, None where it takes none."""
        return self._document.front.body(self.site)

    @property
    def servers(self) -> tuple[Server, ...]:
        """Its own servers, else its path's, else the document's."""
        if self._own_servers is None:
            node, item = self.site.node.value, self.site.item.value
            self._own_servers = read_servers(node.get("servers")) or read_servers(item.get("servers"))
        return self._own_servers or self._document.servers

    @property
    def server_path(self) -> str:
        """The path that comes before its own: of its own server, else of the document's."""
        servers = self.servers
        if not self._own_servers:
            return self._document.server_path
        return own_server(servers, *self._document.chosen, self._document.source)

    @property
    def callbacks(self) -> Mapping[str, Mapping[str, Operation]]:
        """What the service may call back: operations by name, then by `METHOD expression`. To be read, not
        called: their template is a runtime expression."""
        return self._document.callbacks(self)

    def answer_schema(self, status: int, content_type: str | None = None) -> Place | None:
        """The schema of the JSON that it answers with under a status; None where none is documented."""
        answer = self._answer(status)
        media = None if answer is None else media_for(answer.media, content_type)
        return media.schema if media is not None and (is_json(media.type) or "*" in media.type) else None

    def media_types(self, status: int) -> tuple[str, ...]:
        """What it may answer with under a status, by media type; () where nothing is documented."""
        answer = self._answer(status)
        return () if answer is None else tuple(media.type for media in answer.media)

    def item_schema(self, status: int, content_type: str | None) -> Place | None:
        """The schema of each item of a sequence that it answers with: its `itemSchema` (3.2), else what its
        schema says of all items; None where it says nothing. May read files."""
        answer = self._answer(status)
        media = None if answer is None else media_for(answer.media, content_type)
        if media is None or media.item_schema is not None or media.schema is None:
            return None if media is None else media.item_schema
        whole = self._document.library.follow(media.schema)
        items = whole.value.get("items") if isinstance(whole.value, dict) else None
        return Place(whole.uri, items) if isinstance(items, dict) else None

    def body_schema(self, content_type: str | None = None) -> Place | None:
        """The schema of its body: of that media type, else of the JSON one, else of the first."""
        body = self.body
        if body is None or not body.media:
            return None
        media = media_for(body.media, content_type) or (None if content_type else body.media[0])
        return None if media is None else media.schema

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters of the operation and of its path, in the document's order."""
        if self._parameters is None:
            self._parameters = self._document.front.parameters(self.site)
        return self._parameters

    @property
    def security(self) -> tuple[Requirement, ...] | None:
        """Its own requirement sets; `()` needs nothing, None leaves it to the document."""
        if self._security is _UNREAD:
            self._security = self._document.front.requirements(self.site)
        return self._security  # type: ignore[no-any-return]

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The requirement sets that hold for it: its own, else the document's."""
        known = self._requirements
        if known is None:
            own = self.security
            known = self._requirements = self._document.security if own is None else own
        return known

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Its documented answers; () where they cannot be read, with a warning on the document."""
        if self._answers is None:
            try:
                self._answers = self._document.front.answers(self.site)
            except MissingDocument:
                self._answers = ()
            except SpecError as error:
                self._document.warn(f"the answers of {self.name} cannot be read: {error}")
                self._answers = ()
        return self._answers

    @property
    def compiled(self) -> bool:
        """Whether calls can be built without reading anything more."""
        return self._plan is not None and self._security is not _UNREAD

    @property
    def accept(self) -> tuple[tuple[str, str], ...]:
        """The Accept header of its calls."""
        if self._plan is None:
            self._compile()
        return self._accept

    def build(
        self,
        parameters: Mapping[Any, Any] = _NO_VALUES,
        body: Any = None,
        *,
        content_type: str = "",
        whole: bool = True,
    ) -> Call:
        """The call for these values. Raises `ParameterError` (a `SpecError` and a `ValueError`) that names
        what is missing, unknown or cannot be written. Two parameters that share a name in different places
        are told apart by (location, name) as key. `content_type` chooses among those that the body may have.
        Without `whole` files in forms are not read: they are among the call's `pieces`. Without values it is
        the same call each time."""
        if parameters or body is not None or content_type or not whole:
            return self._built(parameters, body, content_type, whole=whole)
        if self._bare is None:
            self._bare = self._built(parameters, None, "", whole=True)
        return self._bare

    def _built(self, parameters: Mapping[Any, Any], body: Any, content_type: str, *, whole: bool) -> Call:
        plan = self._plan
        if plan is None:
            plan = self._compile()
        if self._split:
            parameters, body = (self._body or BodyPlan(self.name, None)).split(parameters, body)
        target = plan.expand(parameters)
        headers = self._accept + target.headers if target.headers else self._accept
        written = None
        if body is not None or self._body is not None:
            encoded = (self._body or BodyPlan(self.name, None)).encode(body, content_type, whole=whole)
            if encoded is not None:
                written = encoded[0]
                headers = (*headers, ("Content-Type", encoded[1]))
        own = self._own_servers or ()
        pieces: Pieces = ()
        if isinstance(written, tuple):
            pieces, written = written, b""
        return Call(
            self.method, target.path, target.query, headers, target.cookies, written, self.name, pieces, own
        )

    def violations(
        self, status: int, content_type: str | None, value: Any
    ) -> tuple[tuple[str, Keyword], ...]:
        """Where a value breaks the documented schema of that answer: (JSON pointer, keyword) pairs; the
        keyword says what it wants (`expected`).

        At most `MAX_VIOLATIONS`; () where nothing is documented. Compiles on first use of a status, in this
        thread (milliseconds for large schemas): `compile()` does it ahead.
        """
        key = (status, content_type)
        check = self._checks.get(key)
        if check is None:
            check = self._check_for(status, content_type)
            if len(self._checks) < _MAX_CHECKS:  # content types are the peer's text
                self._checks[key] = check
        return check(value)

    @property
    def takes_files(self) -> bool:
        """Whether its body may be a form with files in it."""
        if self._plan is None:
            self._compile()
        return self._body is not None and self._body.takes_files

    def links(self, status: int) -> tuple[Link, ...]:
        """What may follow its answer of that status; `Document.linked` says where each leads."""
        answer = self._answer(status)
        return () if answer is None else answer.links

    def typed_headers(self, status: int, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """The headers that the description declares for that answer, of their declared types. Raises
        `RequestFailed` (`schema.mismatch`) for one that is required and missing, or not of its type."""
        answer = self._answer(status)
        return {} if answer is None else read_headers(answer.headers, headers, self._keywords)

    def _keywords(self, parameter: Parameter) -> Mapping[str, Any]:
        """The keywords of a parameter's schema; none where it cannot be read."""
        try:
            node = self._document.library.follow(parameter.schema).value if parameter.schema else None
        except SpecError:
            return {}
        return node if isinstance(node, Mapping) else {}

    def compile(self, *, validate: bool = False) -> Operation:
        """Everything that calls need, now: later calls read no file. With `validate`, also the checks of
        its documented answers. Raises `SpecError` for what is wrong in its parameters or body."""
        self._compile()
        _ = self.security
        if validate:
            for answer in self.answers:
                for media in answer.media:
                    self._check_of(answer, media.type)
        return self

    def _compile(self) -> ParameterPlan:
        plan = ParameterPlan(self.name, self.template, self.parameters)
        _ = self.servers
        body = self._document.front.body(self.site)
        if body is not None:
            self._body = BodyPlan(self.name, body)
            self._split = bool(body.name or body.fields)
        listed = (answer.media for answer in self.answers if answer.status[:1] in "2d")
        kinds = list(dict.fromkeys(media.type for media in chain.from_iterable(listed)))[:5]
        if not any(is_json(kind) or kind == "*/*" for kind in kinds):  # its errors may be JSON all the same
            kinds = [*kinds, "*/*;q=0.1" if kinds else "*/*"]
        self._accept = (("Accept", ", ".join(kinds)),)
        self._plan = plan
        return plan

    def _answer(self, status: int) -> Answer | None:
        """Exact status, then its range, then the default."""
        for wanted in (str(status), f"{status // 100}XX", "default"):
            for answer in self.answers:
                if answer.status == wanted:
                    return answer
        return None

    def _check_for(self, status: int, content_type: str | None) -> Check:
        answer = self._answer(status)
        return no_check if answer is None else self._check_of(answer, content_type)

    def _check_of(self, answer: Answer, content_type: str | None) -> Check:
        media = media_for(answer.media, content_type)
        if media is None or media.schema is None or not (is_json(media.type) or "*" in media.type):
            return no_check
        return self._document.check(media.schema, self.name)


_UNREAD: Any = object()
_MAX_CHECKS = 64


def _restore(document: Document, template: str, method: str) -> Operation:
    return document.operation((template, method))
