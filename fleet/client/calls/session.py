"""Sessions: the httpx client that carries a handle's calls, made once per handle."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

from fleet.client.calls.options import OF_CLIENTS, Cookies, Trust, checked, proxy_of, tls_context, tls_policy
from fleet.client.errors import StatusTable, status_table
from fleet.errors import ConfigError
from fleet.policy import Limits, Timeouts, Tls, Validate

if TYPE_CHECKING:
    import httpx

    from fleet.client.api import OpenAPI
    from fleet.client.calls.handshake import Handshake
    from fleet.client.plugins import Plugin
    from fleet.client.wire.dial import Dialer

SessionFactory: TypeAlias = "Callable[..., httpx.AsyncClient | httpx.Client]"
"""Anything that returns an httpx client: its type decides async or sync."""

Certificate: TypeAlias = "tuple[Any, ...] | None"


class Live:
    """A handle's open session: the client, the event loop that it belongs to, what it presents as its
    certificate, and the handshakes that it has made."""

    __slots__ = ("certificate", "client", "cookies", "former", "handshakes", "loop")

    def __init__(
        self,
        client: httpx.AsyncClient | httpx.Client,
        certificate: Certificate,
        former: Live | None = None,
    ) -> None:
        self.client: httpx.AsyncClient | httpx.Client = client
        # Of the same loop, with another certificate: calls may still be on it.
        self.former: Live | None = former
        self.certificate: Certificate = certificate
        self.loop: Any = running_loop()
        self.handshakes: dict[Any, Handshake] = {}
        self.cookies: dict[str, str] = {}  # what the service set of declared ones, by security scheme

    def serves(self, certificate: Certificate) -> bool:
        """Whether it can carry another call: an async session ends with its event loop."""
        return self.certificate == certificate and (self._lasts() or self.loop is running_loop())

    def _lasts(self) -> bool:
        import httpx  # noqa: PLC0415

        return isinstance(self.client, httpx.Client)

    async def aclose(self) -> None:
        """Closes it, sync or async, and what came before it in this event loop."""
        import httpx  # noqa: PLC0415

        live: Live | None = self
        while live is not None:
            if isinstance(live.client, httpx.Client):
                live.client.close()
            elif live.loop is running_loop() or live is self:
                await live.client.aclose()
            live = live.former

    def close(self) -> None:
        """Closes a sync one, and what came before it. Raises `ConfigError` for an async one."""
        import httpx  # noqa: PLC0415

        live: Live | None = self
        while live is not None:
            if not isinstance(live.client, httpx.Client):
                raise ConfigError("this handle's session is async: await aclose(), or use async with")
            live.client.close()
            live = live.former


class Sessions:
    """How sessions are made, for a handle and all its clones: one trust store among them.

    Without a factory a session is an `httpx.AsyncClient` over this project's own wire. The options are
    those of `HandleOptions`; raises `ConfigError` for what cannot work.
    """

    __slots__ = (
        "_dialer",
        "_lock",
        "_trust",
        "cookies",
        "factory",
        "limits",
        "options",
        "plugins",
        "statuses",
        "validate",
    )

    def __init__(self, factory: SessionFactory | None = None, **options: Any) -> None:
        given = checked({**options, "session_factory": factory})
        self.options: Mapping[str, Any] = given
        self.factory: SessionFactory | None = factory
        self.statuses: StatusTable = status_table(given.get("raise_on_http_status", True))
        self.validate: Validate = given.get("validate", "fail")
        self.limits: Limits = given.get("limits") or Limits()
        self.plugins: tuple[Plugin, ...] = tuple(given.get("plugins") or ())
        self.cookies: Cookies = given.get("cookies", "jar")
        self._dialer: Dialer | None = None
        self._lock = threading.RLock()  # a factory may use another handle
        self._trust = Trust()

    def __reduce__(self) -> tuple[Any, ...]:
        """Without `headers`, which may be credentials. Raises TypeError for a proxy with a password: calls
        must not quietly go another way."""
        kept = {name: value for name, value in self.options.items() if name != "headers"}
        if kept.get("proxy") and proxy_of(kept["proxy"]).password is not None:
            raise TypeError("a proxy with a password does not pickle: secrets travel by name")
        return _restore, (kept,)

    def changed(self, options: Mapping[str, Any]) -> Sessions:
        """The same with other options, and the same trust stores."""
        made = _restore({**self.options, **checked(options)})
        made._trust = self._trust
        return made

    def make(self, certificate: Certificate = None) -> httpx.AsyncClient | httpx.Client:
        """A new session. The first one reads the trust store: call it in a thread, or from sync code.

        `certificate` is what it presents to servers: (certificate file, key file[, password]). Raises
        `ConfigError` when the factory returns anything but an httpx client, or does not take an option.
        """
        made = self._made(certificate)
        if self.cookies == "declared":
            from fleet.client.calls.cookies import close_jar  # noqa: PLC0415

            close_jar(made)
        return made

    def _made(self, certificate: Certificate) -> httpx.AsyncClient | httpx.Client:
        import httpx  # noqa: PLC0415

        factory = self.factory
        options = {name: self.options[name] for name in OF_CLIENTS if name in self.options}
        if factory is None:
            return self._on_the_wire(options, certificate)
        verify = options.get("verify", True)
        stock = factory in (httpx.AsyncClient, httpx.Client, sync_session)  # no set: callables need no hash
        if certificate is not None:
            options["verify"] = tls_context(verify, certificate)
        elif stock or not isinstance(verify, bool):
            options["verify"] = self._trust.context(verify, stock=stock)
        if stock:
            kind = httpx.AsyncClient if factory is httpx.AsyncClient else httpx.Client
            made: Any = _stock(kind, options)
        else:
            try:
                made = factory(**options)
            except TypeError as error:
                if not options:
                    raise
                names = ", ".join(options)
                raise ConfigError(f"session_factory does not take {names} from outside: {error}") from error
        if not isinstance(made, httpx.AsyncClient | httpx.Client):
            raise ConfigError(f"session_factory returned {type(made).__name__}, not an httpx client")
        if isinstance(made, httpx.AsyncClient):
            made.event_hooks = {
                name: [_awaitable(hook) for hook in hooks] for name, hooks in made.event_hooks.items()
            }
        return made

    def opened(self, api: OpenAPI) -> Live:
        """A handle's session, made here and now if there is none: once, however many threads ask."""
        with self._lock:
            live = api._session
            if live is None:
                certificate = api._certificate()
                live = api._session = Live(self.make(certificate), certificate)
            return live

    @property
    def is_async(self) -> bool | None:
        """Whether sessions are async; None where only the factory's result tells. What is known to be async
        is made in a thread: an SSLContext takes 20 ms."""
        import httpx  # noqa: PLC0415

        known = isinstance(self.factory, type) and issubclass(self.factory, httpx.AsyncClient)
        return True if self.factory is None or known else None

    def _on_the_wire(self, options: dict[str, Any], certificate: Certificate) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415

        from fleet.client.wire.transport import WireTransport  # noqa: PLC0415

        verify, proxy = options.pop("verify", True), options.pop("proxy", None)
        with self._lock:
            dialer = self._dialer
            if dialer is None or certificate is not None:
                dialer = self._new_dialer(verify, certificate)
                if certificate is None:
                    self._dialer = dialer
        transport = WireTransport(dialer, proxy=proxy_of(proxy) if proxy else None)
        return httpx.AsyncClient(transport=transport, trust_env=False, **options)

    def _new_dialer(self, verify: Any, certificate: Certificate) -> Dialer:
        from fleet.client.wire.dial import Dialer  # noqa: PLC0415
        from fleet.client.wire.resolve import Resolver  # noqa: PLC0415
        from fleet.client.wire.tls import TlsContexts  # noqa: PLC0415

        contexts, tls = TlsContexts(), Tls()
        if certificate is not None or isinstance(verify, ssl.SSLContext):
            contexts.use(tls, tls_context(verify, certificate))
        else:
            tls = tls_policy(verify)
            contexts.use(tls, self._trust.context(verify))
        return Dialer(
            tls=tls, contexts=contexts, resolver=Resolver(), timeouts=Timeouts(), limits=self.limits
        )


def sync_session(**options: Any) -> httpx.Client:
    """The session factory for sync calls: `OpenAPI.load_sync(url, session_factory=sync_session)`.

    It takes what httpx.Client takes, `proxy=` with SOCKS included, and ignores the environment's proxies.
    """
    import httpx  # noqa: PLC0415

    made = _stock(httpx.Client, options)
    assert isinstance(made, httpx.Client)  # noqa: S101  (for the type checker)
    return made


def running_loop() -> Any:
    """The event loop that runs here, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _stock(
    kind: type[httpx.AsyncClient | httpx.Client], options: dict[str, Any]
) -> httpx.AsyncClient | httpx.Client:
    """One of httpx's own clients; SOCKS, which it does not speak by itself, through httpx-socks."""
    proxy = options.get("proxy")
    if proxy is None or proxy.startswith("http"):
        return kind(**{"trust_env": False, **options})
    import httpx  # noqa: PLC0415
    import httpx_socks  # noqa: PLC0415

    rest = {name: value for name, value in options.items() if name not in {"proxy", "verify"}}
    transport = (
        httpx_socks.AsyncProxyTransport if kind is httpx.AsyncClient else httpx_socks.SyncProxyTransport
    )
    url = proxy.replace("socks5h://", "socks5://", 1)
    rest["transport"] = transport.from_url(
        url, rdns=not proxy.startswith("socks5://"), verify=options.get("verify", True)
    )
    return kind(**{"trust_env": False, **rest})


def _awaitable(hook: Callable[[Any], Any]) -> Callable[[Any], Awaitable[None]]:
    """An event hook for an async client, which may be a plain function: httpx itself awaits them all."""

    async def called(event: Any) -> None:
        made = hook(event)
        if isawaitable(made):
            await made

    return called


def _restore(options: dict[str, Any]) -> Sessions:
    factory = options.pop("session_factory", None)
    return Sessions(factory, **options)
