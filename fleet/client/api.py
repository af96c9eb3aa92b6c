"""`OpenAPI`: one description bound to one base URL. Thousands of these share one document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from fleet.client.baseurl import is_normalised, normalised, origin_of
from fleet.client.calls.options import HandleOptions, chosen_of, plugins_of
from fleet.client.calls.session import Live, Sessions
from fleet.client.description.load import load_document
from fleet.client.description.loaders import Loader
from fleet.client.handle import KEPT, Chosen, Handle
from fleet.client.index import Index
from fleet.client.plugins import InitPlugin
from fleet.errors import ConfigError, SpecError
from fleet.openapi import Additions, Document

if TYPE_CHECKING:
    import yarl

    from fleet.client.calls.request import OperationRequest
    from fleet.openapi import Choice, Types


class OpenAPI(Handle):
    """The handle: a document, a base URL, credentials and a session.

        api = OpenAPI.load_sync("https://host/openapi.json")  # or load_async, load_file, loads, cache_load
        api.authenticate(tokenAuth=token)                     # by the names of its security schemes
        user = await api._.getUser({"id": 7})                 # operationId; or api._["/users/{id}", "get"]
        other = api.clone("https://other")                    # the same for another host

    Calls are awaited, unless `session_factory=sync_session` (or any that returns an `httpx.Client`). Sessions
    are closed by `aclose()` or `async with`, sync ones by `close()` or `with`.

    A clone shares the document and the session factory and inherits the credentials; what happens to it
    afterwards stays with it. `base_url` is normalised, without a trailing slash, and empty where none is
    known yet; calls then raise `ConfigError`: the host that a document names is never called unasked.
    Options are those of `HandleOptions`; clones inherit them.
    """

    __slots__ = ("__weakref__", "_session", "_sessions")

    def __init__(
        self,
        document: Document,
        baseurl: str | yarl.URL | None = None,
        **options: Unpack[HandleOptions],
    ) -> None:
        if not isinstance(document, Document):
            raise ConfigError(
                "OpenAPI takes a Document: OpenAPI.load_sync(url), OpenAPI.load_file(path) and "
                "OpenAPI.loads(text) make one of a description"
            )
        rest, server = chosen_of(options)
        super().__init__(document, baseurl, server)
        self._sessions = _sessions_of(rest)
        self._session: Live | None = None
        for plugin in self._sessions.plugins:
            if isinstance(plugin, InitPlugin):
                plugin.initialized(self)

    # Loading

    @classmethod
    def load_sync(
        cls,
        url: str,
        *,
        baseurl: str | yarl.URL | None = None,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        cache: bool | str | Path = True,
        only: Sequence[Choice] | None = None,
        **options: Unpack[HandleOptions],
    ) -> OpenAPI:
        """The description at a URL, bound to that URL's origin unless `baseurl` says otherwise. Blocks.

        What a loader knows by another name than a URL is bound later, with `clone`.

        References may lead to the origin of the URL, and to what `refs` maps: URL prefix to directory.
        `loader` replaces both rules and fetches the description too; without one that is a `WebLoader` with
        its own timeout of 30 seconds: the options `verify`, `proxy`, `timeout` and `headers` are those of
        calls. `cache` is where parsed documents are kept between processes: a directory, true for
        `$XDG_CACHE_HOME/fleet/trees`, false for nowhere. `only` keeps some operations, by operationId,
        (path, method) or pattern, and what they need, as `fleet.openapi.reduce` does.

        Raises `SpecError` for what cannot be fetched, parsed or understood, `ConfigError` for an option or a
        base URL that cannot work.
        """
        if loader is None and "://" not in url and not Path(url).exists():
            why = "cannot be read: there is no such file"
            hint = "a URL starts with http:// or https://"
            raise SpecError(why, file=str(Path(url).absolute()), hint=hint)
        document = load_document(
            url, refs=refs, cache=cache, loader=loader, plugins=plugins_of(options), only=only
        )
        if baseurl is None and url.lower().startswith(("http://", "https://")):
            baseurl = origin_of(url)
        return cls(document, baseurl, **options)

    @classmethod
    async def load_async(
        cls,
        url: str,
        *,
        baseurl: str | yarl.URL | None = None,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        cache: bool | str | Path = True,
        only: Sequence[Choice] | None = None,
        **options: Unpack[HandleOptions],
    ) -> OpenAPI:
        """`load_sync` in a thread; the same options, and the same errors."""
        from anyio import to_thread  # noqa: PLC0415

        loaded = partial(
            cls.load_sync, url, baseurl=baseurl, loader=loader, refs=refs, cache=cache, only=only, **options
        )
        return await to_thread.run_sync(loaded)

    @classmethod
    def load_file(
        cls,
        url: str | Path | yarl.URL,
        path: str | Path | None = None,
        *,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        cache: bool | str | Path = True,
        only: Sequence[Choice] | None = None,
        **options: Unpack[HandleOptions],
    ) -> OpenAPI:
        """`load_file(baseurl, path)`, or `load_file(path)` to bind it later with `clone`. Blocks.

        References may lead to the directory of the file, and to what `refs` maps; a relative path of a
        `loader` is the loader's to find. The rest is as `load_sync` has it, the errors too.
        """
        base, file = (None, url) if path is None else (url, path)
        if loader is None and str(file).lower().startswith(("http://", "https://")):
            takes = "load_sync and load_async take the URL of a description"
            raise ConfigError(
                f"load_file takes a path: {takes if path is None else 'the base URL comes before it'}"
            )
        plugins = plugins_of(options)
        document = load_document(
            Path(str(file)), refs=refs, cache=cache, loader=loader, plugins=plugins, only=only
        )
        return cls(document, None if base is None else str(base), **options)

    @classmethod
    def loads(
        cls,
        url: str | bytes | yarl.URL,
        data: str | bytes | None = None,
        *,
        loader: Loader | None = None,
        refs: Mapping[str, str | Path] | None = None,
        only: Sequence[Choice] | None = None,
        **options: Unpack[HandleOptions],
    ) -> OpenAPI:
        """`loads(baseurl, text)`, or `loads(text)` to bind it later with `clone`.

        The text is YAML or JSON. References may lead to what `refs` maps or `loader` offers. The rest is as
        `load_sync` has it, the errors too.
        """
        base, text = (None, url) if data is None else (url, data)
        if not isinstance(text, str | bytes):
            raise ConfigError(
                "loads takes the text of a description (str or bytes): load_file takes a path, and "
                "json.dumps makes text of a dict"
            )
        raw = text if isinstance(text, bytes) else text.encode()
        plugins = plugins_of(options)
        document = load_document(raw, refs=refs, cache=False, loader=loader, plugins=plugins, only=only)
        return cls(document, None if base is None else str(base), **options)

    # Handles

    def clone(self, baseurl: str | yarl.URL | None = None, **options: Unpack[HandleOptions]) -> OpenAPI:
        """Another handle of the same document: same credentials and options, its own session.

        `baseurl` replaces the scheme, host and port that the document names and keeps the path of its
        server; a path of its own comes before that, unless it ends in it already. None keeps this handle's.
        `options` replace those of this handle, one by one. Raises `ConfigError` for a base URL or an
        option that cannot work.
        """
        made = _new(OpenAPI)
        made.document = self.document
        made._server = server = self._server
        if options:
            options, server = chosen_of(options, server)
        if server is not made._server:
            made._server = server
            made.base_url = self.base_url if baseurl is None else normalised(baseurl)
            made._prefix = made._mount + made.server_path
        elif baseurl is None:
            made.base_url = self.base_url
            made._prefix = self._prefix
        elif isinstance(baseurl, str) and is_normalised(baseurl):
            made.base_url = baseurl
            made._prefix = self.document.server_path if server is None else made.server_path
        else:
            made.base_url = normalised(baseurl)
            made._prefix = made._mount + made.server_path
        made._credentials = self._credentials
        made._kept = None
        made._sessions = self._sessions.changed(options) if options else self._sessions
        made._session = None
        return made

    def bearing(self, name: str, credentials: Mapping[str, Any]) -> OpenAPI:
        """A clone that carries these too, by security scheme: the same one each time they are given by this
        name, so that its own clones can `share` with it. Raises `ConfigError` as `authenticate` does."""
        bearers = self._keeping().bearers
        known = bearers.get(name)
        if known is None or known[0] != credentials:
            bearer = self.clone()
            bearer.authenticate(**credentials)
            if len(bearers) >= KEPT:
                bearers.clear()
            known = bearers[name] = credentials, bearer
        return known[1]

    # Calls

    @property
    def types(self) -> Types:
        """The pydantic types of the description's schemas: `api.types["User"]`. Shared by all clones."""
        return self.document.types

    def create_request(self, operation: str | tuple[str, str]) -> OperationRequest:
        """A callable for one operation, by operationId, `METHOD /template` or (path, method).

        Raises `SpecError` with the closest name.
        """
        from fleet.client.calls.request import OperationRequest  # noqa: PLC0415  (httpx, only where calls are made)

        return OperationRequest(self, self.document.operation(operation))

    createRequest = create_request  # the same, for who writes it so

    @property
    def _(self) -> Index:
        """Its operations, to be called: `await api._.getUser({"id": 1})`, `api._["/user", "get"]`.

        An unknown operationId raises AttributeError, an unknown (path, method) KeyError; both guess the name.
        `dir(api._)` and `list(api._)` name them all.
        """
        return Index(self)

    def _learnt(self) -> Mapping[str, str]:
        return self._session.cookies if self._session is not None else super()._learnt()

    def _satisfied(self, needed: tuple[tuple[str, ...], ...], name: str) -> Additions:
        added, learnt = super()._satisfied(needed, name), self._learnt()
        if learnt and added.cookies:
            from fleet.client.calls.cookies import as_set  # noqa: PLC0415

            added = replace(added, cookies=as_set(added.cookies, learnt, self.document.schemes))
        return added

    def _forget(self, names: Iterable[str] | None) -> None:
        learnt = {} if self._session is None else self._session.cookies
        for name in list(learnt) if names is None else names:
            learnt.pop(name, None)

    def _learn(self, set_cookies: Iterable[str]) -> None:
        """Takes the cookies of an answer that are declared credentials."""
        from fleet.client.calls.cookies import learn  # noqa: PLC0415

        live, secure = self._session, self.base_url.startswith("https:")
        if live is not None and learn(live.cookies, set_cookies, self.document.schemes, secure=secure):
            self._kept = None

    async def aclose(self) -> None:
        """Closes the session, async or sync. The next call opens another."""
        live, self._session = self._session, None
        if live is not None:
            await live.aclose()

    def close(self) -> None:
        """Closes the session of a sync handle. Raises `ConfigError` where it is async: that is awaited."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> OpenAPI:
        """`with api.clone(url) as other:` closes a sync session. Raises `ConfigError` for an async one."""
        if self._sessions.is_async:
            raise ConfigError(
                "this handle's session is async: use async with, or session_factory=sync_session"
            )
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    async def __aenter__(self) -> OpenAPI:
        """`async with api.clone(url) as other:` closes the session at the end, async or sync."""
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    # Keeping

    def cache_store(self, path: str | Path) -> None:
        """Writes the description, as far as it was read, to a file: data only, mode 0600, no credentials.

        It replaces what is there, atomically. Raises `SpecError` for a description with values that JSON
        cannot hold, OSError where the file cannot be written.
        """
        from fleet.client.description.snapshot import store  # noqa: PLC0415

        store(self.document, self.base_url, Path(path))

    @classmethod
    def cache_load(
        cls,
        path: str | Path,
        *,
        loader: Loader | None = None,
        **options: Unpack[HandleOptions],
    ) -> OpenAPI:
        """The handle that `cache_store` wrote, without credentials, session factory and plugins: give the
        options again. `loader` supplies documents that were not read before it was written; document
        plugins (`Fixups`) among the options see those.

        Raises FileNotFoundError where there is no file, `SpecError` where it is not what `cache_store`
        writes, or belongs to somebody else.
        """
        from fleet.client.description.snapshot import restore  # noqa: PLC0415

        document, base = restore(Path(path), loader, plugins_of(options))
        return cls(document, base or None, **options)

    if not TYPE_CHECKING:  # a type checker would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            """What is no attribute: told where it is, if it is an operation."""
            if not name.startswith("_") and name != "document" and name in self.document.operations:
                raise AttributeError(f"{name!r} is an operation: call it as api._.{name}")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        """What a user of the library calls; without what scans do with a handle."""
        return [name for name in object.__dir__(self) if name not in _OF_SCANS]

    def __copy__(self) -> OpenAPI:
        return self.clone()

    def __deepcopy__(self, memo: object) -> OpenAPI:
        """A clone too: descriptions do not change, and a copy without credentials would be a trap."""
        return self.clone()

    def __repr__(self) -> str:
        given = ", ".join(sorted(self._credentials)) or "none"
        return f"<OpenAPI {self.document.title!r} at {self.base_url or 'no base URL'}, credentials: {given}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Handles pickle in memory, for worker processes, without credentials and without a session."""
        return _restore_handle, (self.document, self.base_url, self._sessions, self._server)


_OF_SCANS = {"bare", "bearing", "carries", "prepare_call", "prepare_link", "share"}

_new: Callable[[type[OpenAPI]], OpenAPI] = object.__new__


def _sessions_of(options: Mapping[str, Any]) -> Sessions:
    rest = dict(options)
    return Sessions(rest.pop("session_factory", None), **rest)


def _restore_handle(document: Document, base_url: str, sessions: Sessions, server: Chosen | None) -> OpenAPI:
    handle = OpenAPI(document, base_url or None)
    handle._sessions = sessions
    handle._server = server
    handle._prefix = handle._mount + handle.server_path
    return handle
