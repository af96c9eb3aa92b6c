"""A description bound to a base URL and credentials: calls as values, without sending them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from fleet.client.baseurl import normalised, path_of
from fleet.client.endpoint import Endpoint
from fleet.client.message import Request
from fleet.errors import ConfigError
from fleet.openapi import (
    NOTHING,
    Additions,
    Call,
    Document,
    Operation,
    alternatives,
    check_credential,
    satisfy,
)

if TYPE_CHECKING:
    import yarl

    from fleet.client.api import OpenAPI

Chosen: TypeAlias = tuple[int | str, Mapping[str, Any]]
"""Which of a description's servers, and values for its variables."""

NO_CREDENTIALS: Mapping[str, Any] = {}
NO_PARAMETERS: Mapping[Any, Any] = {}
KEPT = 256  # requests that handles with the same credentials keep between them, and bearers


class Kept:
    """What credentials add to the calls of handles that have the same ones: by requirements, and as whole
    `requests` of calls that are made again and again, by the identity of the call, with the prefix of their
    paths. `bearers` are handles that carry further ones, by a name of theirs. Bounded."""

    __slots__ = ("additions", "bearers", "requests")

    def __init__(self, additions: dict[Any, Additions]) -> None:
        self.additions: dict[Any, Additions] = additions
        self.requests: dict[int, tuple[Call, str, Request]] = {}
        self.bearers: dict[str, tuple[Mapping[str, Any], OpenAPI]] = {}

    def keep(self, call: Call, prefix: str, request: Request) -> Request:
        if len(self.requests) >= KEPT:
            self.requests.clear()
        self.requests[id(call)] = call, prefix, request
        return request


class Handle:
    """The part of `OpenAPI` that sends nothing: base URL, credentials, requests.

    `base_url` is normalised, without a trailing slash, and empty where none is known yet; calls then raise
    `ConfigError`: the host that a document names is never called unasked.
    """

    __slots__ = ("_credentials", "_kept", "_prefix", "_server", "base_url", "document")

    def __init__(
        self, document: Document, baseurl: str | yarl.URL | None = None, server: Chosen | None = None
    ) -> None:
        self.document: Document = document
        self.base_url: str = normalised(baseurl) if baseurl is not None else ""
        self._server = server
        self._prefix = self._mount + self.server_path
        self._credentials: Mapping[str, Any] = NO_CREDENTIALS
        self._kept: Kept | None = None

    def authenticate(self, *reset: None, **by_scheme: Any) -> None:
        """Credentials by security scheme: text for a token or key, `(user, password)` for basic and digest,
        `(certificate file, key file[, key password])` for mutualTLS, a token, `(client id, client
        secret[, scopes])` or a mapping of username and password for oauth2.

        Each call adds to what is there; `authenticate(None)` forgets everything first, and a scheme given
        as None is forgotten. Values may be `Secret`. Raises `ConfigError` for a scheme that the document
        does not have or this engine cannot do, and for a value that is not what the scheme takes; nothing
        has changed then. A scheme that requirements name by a URI reference (3.2) goes by the last step of
        its pointer, or by the reference as it is written there.
        """
        if any(value is not None for value in reset) or len(reset) > 1:
            raise ConfigError("authenticate takes None, or credentials by the name of their security scheme")
        credentials = {} if reset else dict(self._credentials)
        named = {self.document.front.scheme_name(name): value for name, value in by_scheme.items()}
        for name, value in named.items():
            if value is None and name in self.document.schemes:
                credentials.pop(name, None)
            else:
                credentials[name] = check_credential(name, value, self.document.schemes)
        self._credentials = credentials
        self._kept = None
        self._forget(None if reset else named)

    def carries(self, credentials: Mapping[str, Any]) -> bool:
        """Whether exactly these credentials were given."""
        return self._credentials == credentials

    def share(self, other: Handle) -> None:
        """Keeps in common with `other`, of which this is a clone, what their credentials add to requests,
        until either gets others. Neither may have a session: what one learns is not the other's."""
        self._kept = other._keeping()

    def _keeping(self) -> Kept:
        if self._kept is None:
            self._kept = Kept({})
        return self._kept

    def _forget(self, names: Iterable[str] | None) -> None:
        """Drops what a session has learnt of these credentials, None: of all. Nothing here has a session."""

    @property
    def endpoint(self) -> Endpoint:
        """The base URL, taken apart. Raises `ConfigError` where there is none yet."""
        if not self.base_url:
            raise ConfigError("no base URL: give one with clone(baseurl=...) or when loading")
        return Endpoint.parse(self.base_url)

    @property
    def server_path(self) -> str:
        """The path of the server that this handle chose, else of the document's choice."""
        if self._server is None:
            return self.document.server_path
        return self.document.server_path_at(*self._server)

    @property
    def _mount(self) -> str:
        """The base URL's own path, without that of the server, should it have been copied with it."""
        return path_of(self.base_url).removesuffix(self.server_path)

    @property
    def base_path(self) -> str:
        """What comes before every path: the base URL's own path, then that of the document's server, once."""
        return self._prefix

    # The scan path: requests as values

    def prepare(
        self,
        operation: Operation | str | tuple[str, str],
        parameters: Mapping[Any, Any] | None = None,
        body: Any = None,
        *,
        anonymous: bool = False,
    ) -> Request:
        """The request for a call, credentials added unless `anonymous`.

        A handle without credentials makes anonymous requests where the scheme needed is one that this engine
        can do: the service decides. Raises `SpecError` (`ParameterError`) for the operation and its
        parameters, `ConfigError` where credentials are given and none of the alternatives is satisfied, or
        where only unsupported schemes would do.
        """
        if not isinstance(operation, Operation):
            operation = self.document.operation(operation)
        call = operation.build(parameters or NO_PARAMETERS, body)
        request = self.bare(call)
        if anonymous:
            return request
        return request.with_additions(self._added_for(operation.requirements, operation.name))

    def prepare_call(self, operation: Operation, call: Call) -> Request:
        """`prepare`, for a call that `operation.build` made and that many handles make: all those that share
        what they keep have the same request."""
        kept = self._kept
        if kept is not None and (known := kept.requests.get(id(call))) is not None:
            made_of, prefix, request = known
            if made_of is call and prefix == self._prefix:
                return request
        added = self._added_for(operation.requirements, operation.name)
        request = self.bare(call).with_additions(added)
        return request if kept is None else kept.keep(call, self._prefix, request)

    def bare(self, call: Call) -> Request:
        """The request for a call, without any credentials."""
        path = (self._own_prefix(call) if call.servers else self._prefix) + call.path
        if call.query:
            path = f"{path}?{call.query}"
        headers = call.headers
        if call.cookies:
            headers = (*headers, ("Cookie", "; ".join(f"{name}={value}" for name, value in call.cookies)))
        return Request(call.method, path, headers, call.body, call.route)

    def _own_prefix(self, call: Call) -> str:
        """What comes before the path of an operation that has servers of its own."""
        return self._mount + self.document.own_path(call.servers, self._server)

    def prepare_link(self, path: str, *, anonymous: bool = False) -> Request:
        """A GET of an origin-form path that `resolve_link` let pass, base path included.

        It is named after the operation whose template it matches and has that operation's security; other
        paths are `GET <other>` and have the document's.
        """
        operation = self._routed(path)
        if operation is None:
            route, needed, accept = "GET <other>", self.document.security, _ANY_JSON
        else:
            route, needed, accept = operation.name, operation.requirements, _ANY_JSON
            if operation.compiled:  # else its answers may stand in files, and this runs in the event loop
                accept = operation.accept
        request = Request("GET", path, accept, route=route)
        return request if anonymous else request.with_additions(self._added_for(needed, route))

    def _routed(self, path: str) -> Operation | None:
        route = self.document.route
        prefix = self._prefix
        if prefix and path.startswith(prefix):
            return route("GET", path[len(prefix) :])
        own = prefix.removesuffix(self.server_path) if self.server_path else ""
        return route("GET", path.removeprefix(own))

    def _added_for(self, needed: tuple[tuple[str, ...], ...], name: str) -> Additions:
        """What credentials add where these requirements hold; worked out once per handle."""
        if not needed:
            return NOTHING
        kept = self._keeping()
        added = kept.additions.get(needed)
        if added is None:
            added = self._satisfied(needed, name)
            if added.handshakes:
                raise ConfigError(
                    f"{name} needs {', '.join(f'{s.name} ({s.kind})' for s, _ in added.handshakes)}: "
                    "only calls through a session can do that"
                )
            kept.additions[needed] = added
        return added

    def _satisfied(self, needed: tuple[tuple[str, ...], ...], name: str) -> Additions:
        """What credentials add, handshakes included: those are for whoever holds a session."""
        try:
            added = satisfy(needed, self.document.schemes, {**self._credentials, **self._learnt()})
        except ConfigError as error:
            raise ConfigError(f"{name}: {error.message}") from None
        if added is None and self._credentials:
            given = ", ".join(sorted(self._credentials))
            raise ConfigError(f"{name} needs {alternatives(needed, self.document.schemes)}; given: {given}")
        return added or NOTHING

    def _learnt(self) -> Mapping[str, str]:
        """Credentials that a service has set, by security scheme."""
        return NO_CREDENTIALS

    def _for_session(self, operation: Operation) -> Additions:
        """`_satisfied` for a call through a session, kept where it is not a conversation."""
        needed = operation.requirements
        known = None if self._kept is None else self._kept.additions.get(needed)
        if known is not None or not needed:
            return known or NOTHING
        added = self._satisfied(needed, operation.name)
        if not added.handshakes:
            kept = self._kept
            self._kept = Kept({**(kept.additions if kept is not None else {}), needed: added})
        return added

    def _certificate(self) -> tuple[Any, ...] | None:
        """What the handle presents to servers that ask: its credential for a mutualTLS scheme."""
        if not self._credentials:
            return None
        schemes = self.document.schemes
        given = {value for name, value in self._credentials.items() if schemes[name].kind == "mutualTLS"}
        if len(given) > 1:
            raise ConfigError("one handle presents one certificate: give all mutualTLS schemes the same")
        return next(iter(given), None)


_ANY_JSON: tuple[tuple[str, str], ...] = (("Accept", "application/json"),)
