"""What follows an answer: the calls that its description links to, with the values that the answer gives."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from fleet.client.calls.answer import decoded
from fleet.client.calls.untyped import untyped
from fleet.client.message import Reply, Request
from fleet.client.plugins import Message
from fleet.errors import RequestFailed, SpecError
from fleet.openapi import Exchanged, Link, Operation, evaluate
from fleet.outcome import FailureKind

if TYPE_CHECKING:
    from fleet.client.calls.request import OperationRequest

_LOCATIONS = frozenset({"path", "query", "querystring", "header", "cookie"})


class Answered(tuple[httpx.Headers, Any, httpx.Response]):
    """(headers, data, response) of a call; `links` are the calls that may follow it.

    Awaiting one gives itself: a type checker, which cannot know whether a handle's session is async, takes
    both `await request.request()` and `request.request()` for what they are.
    """

    _message: Message

    def __new__(
        cls, headers: httpx.Headers, data: Any, response: httpx.Response, message: Message
    ) -> Answered:
        made = super().__new__(cls, (headers, data, response))
        made._message = message
        return made

    def __await__(self) -> Generator[Any, None, Answered]:
        yield from ()
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """The three alone: links belong to a handle."""
        return tuple, (tuple(self),)

    @property
    def headers(self) -> httpx.Headers:
        """As the service sent them; names in any case."""
        return self[0]

    @property
    def data(self) -> Any:
        """The decoded body: JSON as the type of its documented schema, see `OperationRequest`."""
        return self[1]

    @property
    def response(self) -> httpx.Response:
        """The answer itself, read to its end."""
        return self[2]

    @property
    def links(self) -> Links:
        """By name; those that the description gives for this answer's status."""
        return Links(self._message)


class Links(Mapping[str, "LinkedCall"]):
    """The links of one answer: `await answer.links["next"]()`."""

    def __init__(self, message: Message) -> None:
        self._message = message
        reply = message.reply
        self._links = (
            {} if reply is None else {link.name: link for link in message.operation.links(reply.status)}
        )

    def __getitem__(self, name: str) -> LinkedCall:
        if name not in self._links:
            status = 0 if self._message.reply is None else self._message.reply.status
            what = f"the answer of {self._message.operation.name} with {status}"
            raise KeyError(f"{what} has no link {name!r}; it has: {', '.join(self._links) or 'none'}")
        return LinkedCall(self._message, self._links[name])

    def __repr__(self) -> str:
        return f"<Links: {', '.join(self._links) or 'none'}>"

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)


class LinkedCall:
    """One call that follows an answer, of the same handle.

    `parameters` and `data` are what the link makes of the answer: both raise `RequestFailed`
    (`schema.mismatch`) where the answer lacks a value, `SpecError` where the link itself is wrong. Calling it
    is calling its operation, with what is given here besides or instead.
    """

    def __init__(self, message: Message, link: Link) -> None:
        self._message = message
        self._link = link
        self.name: str = link.name
        self.operation: Operation = message.api.document.linked(link)

    def __repr__(self) -> str:
        return f"<LinkedCall {self.name}: {self.operation.name} at {self._message.target}>"

    @property
    def parameters(self) -> dict[Any, Any]:
        """By name, or by (location, name), as calls take them. Raises `RequestFailed`, `SpecError`."""
        of = self._exchanged()
        return {self._key(name): self._value(item, of) for name, item in self._link.parameters.items()}

    @property
    def data(self) -> Any:
        """The body, None where the link names none. Raises `RequestFailed`, `SpecError`."""
        return self._value(self._link.body, self._exchanged())

    @property
    def to(self) -> OperationRequest:
        """The request object of its operation."""
        from fleet.client.calls.request import OperationRequest  # noqa: PLC0415  (that module knows this one)

        return OperationRequest(self._message.api, self.operation)

    def __call__(self, parameters: Mapping[Any, Any] | None = None, data: Any = None, **options: Any) -> Any:
        """The decoded body; awaitable when the session is async."""
        return self.to(*self._with(parameters, data), **options)

    def request(
        self, parameters: Mapping[Any, Any] | None = None, data: Any = None, **options: Any
    ) -> Answered:
        """(headers, data, response), which has links in turn; awaitable when the session is async."""
        return self.to.request(*self._with(parameters, data), **options)

    def _with(self, parameters: Mapping[Any, Any] | None, data: Any) -> tuple[dict[Any, Any], Any]:
        given = dict(parameters or {})
        mine = {key: item for key, item in self.parameters.items() if _name(key) not in given}
        return {**mine, **given}, self.data if data is None else data

    def _key(self, name: str) -> Any:
        """`path.id` is the parameter `id` in the path, unless one has that name."""
        location, _, rest = name.partition(".")
        known = any(parameter.name == name for parameter in self.operation.parameters)
        return (location, rest) if rest and location in _LOCATIONS and not known else name

    def _value(self, value: Any, of: Exchanged) -> Any:
        try:
            return evaluate(value, of)
        except RequestFailed as failed:
            message = f"the link {self.name!r}: {failed.message}"
            raise RequestFailed(FailureKind.SCHEMA_MISMATCH, message, status=of.status) from None
        except SpecError as error:
            raise SpecError(f"the link {self.name!r}: {error.message}") from None

    def _exchanged(self) -> Exchanged:
        message = self._message
        request, reply = message.request or Request("GET", "/"), message.reply or Reply(0, (), b"")
        return Exchanged(
            url=message.api.endpoint.origin + request.shown_path,
            method=request.method,
            status=reply.status,
            parameters=untyped(message.parameters),
            request_headers=[pair for pair in request.headers if pair[0].lower() not in request.sensitive],
            request_body=untyped(message.data),
            response_headers=reply.headers,
            response_body=_json_of(reply, message.operation),
        )


def _name(key: Any) -> Any:
    return key[1] if isinstance(key, tuple) else key


def _json_of(reply: Reply, operation: Operation) -> object:
    try:
        return decoded(reply, operation)
    except RequestFailed:
        return None
