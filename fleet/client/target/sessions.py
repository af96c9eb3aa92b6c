"""Sessions that outlive a scan, for whoever polls the same targets in rounds."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import anyio

from fleet.client.target.credential import Credential
from fleet.frozen import frozen
from fleet.policy import Proxy, Tls

AT_ONCE = 256  # logouts in flight


class Session(NamedTuple):
    """One open session: `values` by security scheme, and the path to delete (None: the host did not say)."""

    values: Mapping[str, Any]
    path: str | None


class SessionScope(NamedTuple):
    """How a target is reached: its id and address, the scheme of a session, and what protects it."""

    target: str
    url: str
    scheme: str
    tls: Tls
    proxy: Proxy | None


class SessionKey(NamedTuple):
    """What two scans must have in common for one to use the other's session: the scope, and who logs in."""

    scope: SessionScope
    login: tuple[str, Any]


Leave = Callable[[Session], Awaitable[None]]


@frozen
class _Kept:
    session: Session
    since: float
    leave: Leave


class KeptSessions:
    """Sessions of earlier scans, at most one for each key, for one process and one event loop.

    A session is taken by one scan at a time, which tries it instead of logging in: a host that has forgotten
    it answers 401, and is logged in to anew. It holds tokens, in memory alone. `most` bounds how many, `idle`
    is how many seconds one may go unused before `expire` logs out of it. `reused` counts those that served
    again. Whoever owns it calls `close`, which logs out of all of them.
    """

    def __init__(
        self, *, idle: float = 900.0, most: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.reused: int = 0
        self.idle = idle
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[SessionKey, _Kept] = OrderedDict()  # the longest unused first
        self._closed = False

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, key: SessionKey) -> Session | None:
        """The session that is open under a key, if there is one; nobody else gets it meanwhile."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return None
        self.reused += 1
        return kept.session

    def give(self, key: SessionKey, session: Session, leave: Leave) -> bool:
        """Leave a session for a later scan; `leave` logs out of it. False: the giver has to log out."""
        if self._closed or key in self._kept or len(self._kept) >= self._most:
            return False
        self._kept[key] = _Kept(session, self._clock(), leave)
        return True

    async def expire(self) -> None:
        """Log out of those that were not used for too long."""
        before = self._clock() - self.idle
        await self._leave([key for key, kept in self._kept.items() if kept.since <= before])

    async def leave_others(self, targets: Callable[[str], bool]) -> None:
        """Log out of the sessions of targets (by id) that nobody asks any more."""
        await self._leave([key for key in self._kept if not targets(key.scope.target)])

    async def close(self) -> None:
        """Log out of all of them; whatever is given from now on is refused."""
        self._closed = True
        await self._leave(list(self._kept))

    async def _leave(self, keys: list[SessionKey]) -> None:
        room = anyio.CapacityLimiter(AT_ONCE)

        async def one(kept: _Kept) -> None:
            async with room:
                await kept.leave(kept.session)

        async with anyio.create_task_group() as group:
            for key in keys:
                if (kept := self._kept.pop(key, None)) is not None:
                    group.start_soon(one, kept)


@frozen
class Keeper:
    """The store of sessions as one target's login sees it."""

    kept: KeptSessions
    key: SessionKey
    leave: Leave

    @classmethod
    def of(
        cls,
        kept: KeptSessions,
        scope: SessionScope,
        leave: Callable[[Credential, Session], Awaitable[None]],
        credential: Credential,
    ) -> Keeper:
        """For a credential of a user and a password. `leave` logs out of its sessions."""
        assert credential.pair is not None  # noqa: S101  (whoever has none does not log in)
        return cls(kept, SessionKey(scope, credential.pair), partial(leave, credential))

    def take(self) -> Session | None:
        return self.kept.take(self.key)

    def give(self, session: Session) -> bool:
        return self.kept.give(self.key, session, self.leave)
