"""`OpenAPI`: one description bound to one base URL. Thousands of these share one document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.client.baseurl import is_normalised, normalised, origin_of, path_of
from fleet.client.description import load_document
from fleet.client.endpoint import Endpoint
from fleet.client.index import Index
from fleet.client.loaders import Loader
from fleet.client.message import Request
from fleet.client.session import SessionFactory, Sessions
from fleet.errors import ConfigError
from fleet.openapi import NOTHING, Additions, Document, Operation, alternatives, check_credential, satisfy

if TYPE_CHECKING:
    import yarl

    from fleet.client.request import OperationRequest

_NO_CREDENTIALS: Mapping[str, Any] = {}
_NO_PARAMETERS: Mapping[Any, Any] = {}


class OpenAPI:
    """The handle: a document, a base URL, credentials and a session.

    A clone shares the document and the session factory and inherits the credentials; what happens to it
    afterwards stays with it. `base_url` is normalised, without a trailing slash, and empty where none is
    known yet; calls then raise `ConfigError`: the host that a document names is never called unasked.
    """

    __slots__ = (
        "__weakref__",
        "_additions",
        "_credentials",
        "_loop",
        "_prefix",
        "_session",
        "_sessions",
        "base_url",
        "document",
    )

    def __init__(
        self,
        document: Document,
        baseurl: str | yarl.URL | None = None,
        *,
        session_factory: SessionFactory | None = None,
        raise_on_http_status: bool = True,
    ) -> None:
        self.document = document
        self.base_url = normalised(baseurl) if baseurl is not None else ""
        self._prefix = path_of(self.base_url) + document.server_path
        self._credentials: Mapping[str, Any] = _NO_CREDENTIALS
        self._additions: dict[Any, Additions] | None = None
        self._sessions = Sessions(session_factory, raise_on_http_status=raise_on_http_status)
        self._session: Any = None
        self._loop: Any = None  # of the session

    # Loading

    @classmethod
    def load_sync(
        cls,
        url: str,
        *,
        baseurl: str | yarl.URL | None = None,
        session_factory: SessionFactory | None = None,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        cache: bool | str | Path = True,
        raise_on_http_status: bool = True,
    ) -> OpenAPI:
        """The description at a URL, bound to that URL's origin unless `baseurl` says otherwise.

        Blocks. Raises `SpecError` for what cannot be fetched, parsed or understood.
        """
        document = load_document(url, refs=refs, cache=cache, loader=loader)
        base = baseurl if baseurl is not None else origin_of(url)
        return cls(document, base, session_factory=session_factory, raise_on_http_status=raise_on_http_status)

    @classmethod
    async def load_async(cls, url: str, **options: Any) -> OpenAPI:
        """`load_sync` in a thread; the same options."""
        from anyio import to_thread  # noqa: PLC0415

        return await to_thread.run_sync(partial(cls.load_sync, url, **options))

    @classmethod
    def load_file(
        cls,
        url: str | Path | yarl.URL,
        path: str | Path | None = None,
        *,
        session_factory: SessionFactory | None = None,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        cache: bool | str | Path = True,
        raise_on_http_status: bool = True,
    ) -> OpenAPI:
        """`load_file(baseurl, path)`, or `load_file(path)` to bind it later with `clone`. Blocks."""
        base, file = (None, url) if path is None else (url, path)
        document = load_document(Path(str(file)), refs=refs, cache=cache, loader=loader)
        return cls(
            document,
            None if base is None else str(base),
            session_factory=session_factory,
            raise_on_http_status=raise_on_http_status,
        )

    @classmethod
    def loads(
        cls,
        url: str | bytes | yarl.URL,
        data: str | bytes | None = None,
        *,
        session_factory: SessionFactory | None = None,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        raise_on_http_status: bool = True,
    ) -> OpenAPI:
        """`loads(baseurl, text)`, or `loads(text)` to bind it later with `clone`."""
        base, text = (None, url) if data is None else (url, data)
        raw = text if isinstance(text, bytes) else str(text).encode()
        document = load_document(raw, refs=refs, cache=False, loader=loader)
        return cls(
            document,
            None if base is None else str(base),
            session_factory=session_factory,
            raise_on_http_status=raise_on_http_status,
        )

    # Handles

    def clone(self, baseurl: str | yarl.URL | None = None) -> OpenAPI:
        """Another handle of the same document: same credentials and factory, its own session.

        `baseurl` replaces the scheme, host and port that the document names and keeps the path of its
        server; a path of its own comes before that. None keeps this handle's. Raises `ConfigError`.
        """
        made = _new(OpenAPI)
        made.document = self.document
        if baseurl is None:
            made.base_url = self.base_url
            made._prefix = self._prefix
        elif isinstance(baseurl, str) and is_normalised(baseurl):
            made.base_url = baseurl
            made._prefix = self.document.server_path
        else:
            made.base_url = normalised(baseurl)
            made._prefix = path_of(made.base_url) + self.document.server_path
        made._credentials = self._credentials
        made._additions = None
        made._sessions = self._sessions
        made._session = None
        made._loop = None
        return made

    def authenticate(self, *reset: None, **by_scheme: Any) -> None:
        """Credentials by security scheme: text for a token or key, `(user, password)` for basic.

        Each call adds to what is there; `authenticate(None)` forgets everything first, and a scheme given
        as None is forgotten. Values may be `Secret`. Raises `ConfigError` for a scheme that the document
        does not have or this engine cannot do, and for a value that is not what the scheme takes; nothing
        has changed then.
        """
        if any(value is not None for value in reset) or len(reset) > 1:
            raise ConfigError("authenticate takes None, or credentials by the name of their security scheme")
        credentials = {} if reset else dict(self._credentials)
        for name, value in by_scheme.items():
            if value is None and name in self.document.schemes:
                credentials.pop(name, None)
            else:
                credentials[name] = check_credential(name, value, self.document.schemes)
        self._credentials = credentials
        self._additions = None

    @property
    def endpoint(self) -> Endpoint:
        """The base URL, taken apart. Raises `ConfigError` where there is none yet."""
        if not self.base_url:
            raise ConfigError("no base URL: give one with clone(baseurl=...) or when loading")
        return Endpoint.parse(self.base_url)

    @property
    def base_path(self) -> str:
        """What comes before every path: the base URL's own path, then that of the document's server."""
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
        call = operation.build(parameters or _NO_PARAMETERS, body)
        added = NOTHING if anonymous else self._added(operation)
        path = self._prefix + call.path
        query = call.query
        if added.query:
            query = f"{query}&{added.query}" if query else added.query
        if query:
            path = f"{path}?{query}"
        headers = call.headers + added.headers if added.headers else call.headers
        if call.cookies or added.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in call.cookies + added.cookies)
            headers = (*headers, ("Cookie", pairs))
        return Request(call.method, path, headers, call.body, call.route, added.sensitive, bool(added.query))

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
        added = NOTHING if anonymous else self._added_for(needed, route)
        if added.query:
            path = f"{path}{'&' if '?' in path else '?'}{added.query}"
        headers = accept + added.headers
        if added.cookies:
            headers = (*headers, ("Cookie", "; ".join(f"{name}={value}" for name, value in added.cookies)))
        return Request("GET", path, headers, None, route, added.sensitive, bool(added.query))

    def _routed(self, path: str) -> Operation | None:
        route = self.document.route
        prefix = self._prefix
        if prefix and path.startswith(prefix):
            return route("GET", path[len(prefix) :])
        own = prefix.removesuffix(self.document.server_path) if self.document.server_path else ""
        return route("GET", path.removeprefix(own))

    def _added(self, operation: Operation) -> Additions:
        return self._added_for(operation.requirements, operation.name)

    def _added_for(self, needed: tuple[tuple[str, ...], ...], name: str) -> Additions:
        """What credentials add where these requirements hold; worked out once per handle."""
        if not needed:
            return NOTHING
        known = self._additions
        if known is None:
            known = self._additions = {}
        added = known.get(needed)
        if added is None:
            added = satisfy(needed, self.document.schemes, self._credentials)
            if added is None and self._credentials:
                given = ", ".join(sorted(self._credentials))
                raise ConfigError(
                    f"{name} needs {alternatives(needed, self.document.schemes)}; given: {given}"
                )
            added = known[needed] = added or NOTHING
        return added

    # Calls

    def create_request(self, operation: str | tuple[str, str]) -> OperationRequest:
        """A callable for one operation, by operationId, `METHOD /template` or (path, method).

        Raises `SpecError` with the closest name.
        """
        from fleet.client.request import OperationRequest  # noqa: PLC0415  (httpx, only where calls are made)

        return OperationRequest(self, self.document.operation(operation))

    createRequest = create_request

    @property
    def _(self) -> Index:
        return Index(self)

    async def aclose(self) -> None:
        """Closes the session of an async handle."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    def close(self) -> None:
        """Closes the session of a sync handle."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _keep(self, session: Any) -> bool:
        """Makes a session this handle's, unless it has one."""
        if self._session is not None:
            return False
        self._session = session
        self._loop = _running_loop()
        return True

    def _forget_session_of_another_loop(self) -> None:
        """An async session ends with its event loop: a handle that outlives `asyncio.run` opens another."""
        if self._session is not None and self._loop is not _running_loop():
            self._session = None

    # Keeping

    def cache_store(self, path: str | Path) -> None:
        """Writes the description, as far as it was read, to a file: data only, mode 0600, no credentials."""
        from fleet.client.snapshot import store  # noqa: PLC0415

        store(self.document, self.base_url, Path(path))

    @classmethod
    def cache_load(
        cls,
        path: str | Path,
        *,
        session_factory: SessionFactory | None = None,
        loader: Loader | None = None,
        raise_on_http_status: bool = True,
    ) -> OpenAPI:
        """The handle that `cache_store` wrote, without credentials.

        Raises FileNotFoundError where there is no file, `SpecError` where it is not what `cache_store`
        writes, or belongs to somebody else.
        """
        from fleet.client.snapshot import restore  # noqa: PLC0415

        document, base = restore(Path(path), loader)
        return cls(
            document, base or None, session_factory=session_factory, raise_on_http_status=raise_on_http_status
        )

    def __copy__(self) -> OpenAPI:
        return self.clone()

    def __repr__(self) -> str:
        given = ", ".join(sorted(self._credentials)) or "none"
        return f"<OpenAPI {self.document.title!r} at {self.base_url or 'no base URL'}, credentials: {given}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Handles pickle in memory, for worker processes, without credentials and without a session."""
        return _restore_handle, (self.document, self.base_url, self._sessions)


_ANY_JSON: tuple[tuple[str, str], ...] = (("Accept", "application/json"),)
_new: Callable[[type[OpenAPI]], OpenAPI] = object.__new__


def _running_loop() -> Any:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _restore_handle(document: Document, base: str, sessions: Sessions) -> OpenAPI:
    made = OpenAPI(document, base or None)
    made._sessions = sessions
    return made
