"""Sessions: the httpx client that carries a handle's calls, made once per handle."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

from fleet.errors import ConfigError
from fleet.policy import Limits, Timeouts, Tls

if TYPE_CHECKING:
    import httpx

    from fleet.client.dial import Dialer

SessionFactory: TypeAlias = "Callable[..., httpx.AsyncClient | httpx.Client]"
"""Anything that, called without arguments, returns an httpx client: its type decides async or sync."""


class Sessions:
    """How sessions are made, for a handle and all its clones: one trust store among them.

    Without a factory a session is an `httpx.AsyncClient` over this project's own wire.
    """

    __slots__ = ("_dialer", "_lock", "factory", "limits", "raise_on_http_status")

    def __init__(self, factory: SessionFactory | None, *, raise_on_http_status: bool = True) -> None:
        if factory is not None and not callable(factory):
            raise ConfigError("session_factory is a callable that returns an httpx client")
        self.factory = factory
        self.raise_on_http_status = raise_on_http_status
        self.limits = Limits()
        self._dialer: Dialer | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.factory, self.raise_on_http_status)

    def make(self) -> httpx.AsyncClient | httpx.Client:
        """A new session. The first one reads the trust store: call it in a thread, or from sync code.

        Raises `ConfigError` when the factory returns anything but an httpx client.
        """
        import httpx  # noqa: PLC0415

        factory = self.factory
        if factory is None:
            from fleet.client.transport import WireTransport  # noqa: PLC0415

            transport = WireTransport(self._default_dialer())
            return httpx.AsyncClient(transport=transport, trust_env=False)
        made = factory(trust_env=False) if factory in {httpx.AsyncClient, httpx.Client} else factory()
        if not isinstance(made, httpx.AsyncClient | httpx.Client):
            raise ConfigError(f"session_factory returned {type(made).__name__}, not an httpx client")
        if isinstance(made, httpx.AsyncClient):
            made.event_hooks = {
                name: [_awaitable(h) for h in hooks] for name, hooks in made.event_hooks.items()
            }
        return made

    @property
    def is_async(self) -> bool | None:
        """Whether sessions are async; None where only the factory's result tells."""
        return True if self.factory is None else None

    def _default_dialer(self) -> Dialer:
        from fleet.client.dial import Dialer  # noqa: PLC0415
        from fleet.client.resolve import Resolver  # noqa: PLC0415
        from fleet.client.tls import TlsContexts  # noqa: PLC0415

        with self._lock:
            if self._dialer is None:
                self._dialer = Dialer(
                    tls=Tls(),
                    contexts=TlsContexts(),
                    resolver=Resolver(),
                    timeouts=Timeouts(),
                    limits=self.limits,
                )
            return self._dialer


def _awaitable(hook: Callable[[Any], Any]) -> Callable[[Any], Awaitable[None]]:
    """An event hook for an async client, which may be a plain function: httpx itself awaits them all."""

    async def called(event: Any) -> None:
        made = hook(event)
        if isawaitable(made):
            await made

    return called


def _restore(factory: SessionFactory | None, raises: bool) -> Sessions:
    return Sessions(factory, raise_on_http_status=raises)


def sync_session() -> httpx.Client:
    """The session factory for sync calls: `OpenAPI.load_sync(url, session_factory=sync_session)`."""
    import httpx  # noqa: PLC0415

    return httpx.Client(trust_env=False)
