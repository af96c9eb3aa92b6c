"""What outlives a scan: idle connections, for whoever runs several scans in one process."""

from __future__ import annotations

import asyncio
import resource
import ssl
from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple

from fleet.client.endpoint import Endpoint
from fleet.client.wire.connection import Connection
from fleet.client.wire.dial import Dialer
from fleet.client.wire.tls import TlsContexts
from fleet.errors import RequestFailed
from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.policy import Keep, Limits, Proxy

_TURN = 256  # connections closed before the loop gets to others: each takes some 10 microseconds


class Line(NamedTuple):
    """What two connections must have in common for one to stand in for the other: where it goes and by which
    way, who judged the certificate, which pin it had to match, and what its answers may cost."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None
    judge: ssl.SSLContext | None
    pin: str | None
    limits: Limits


@frozen
class _Idle:
    connection: Connection
    since: float


class KeptConnections:
    """Idle connections of earlier scans, at most one for each line; `keep` bounds how many and how long.

    One per process: give it to every `execute`, and close it at the end (it is a context manager). It holds
    no request, no answer and no credential of a target. Connections belong to the event loop that opened
    them: in another loop it begins anew. `contexts` are shared by its scans; a trust store that has changed
    on disk is read anew, and what the old one judged is never used again. `reused` counts the connections
    that served another scan.
    """

    def __init__(self, keep: Keep | None = None) -> None:
        self.contexts: TlsContexts = TlsContexts(watching=True)
        self.reused: int = 0
        self._bounds = keep or Keep()
        self._idle: OrderedDict[Line, _Idle] = OrderedDict()  # the longest idle first
        self._through: Counter[Proxy | None] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, line: Line) -> Connection | None:
        """A connection that can serve a request now, if there is one."""
        loop = self._here()
        idle = self._pop(line)
        if idle is None:
            return None
        connection, now = idle.connection, loop.time()
        outdated = now - idle.since > self._bounds.idle or now - connection.opened > self._bounds.age
        if outdated or not connection.reusable:
            connection.close()
            return None
        self.reused += 1
        return connection

    def give(self, line: Line, connection: Connection) -> bool:
        """Takes a connection over; False where there is no room for it. Whoever came first stays: of an
        inventory that is larger than the room, the same part is found again in each round."""
        loop = self._here()
        if not connection.reusable or loop.time() - connection.opened > self._bounds.age:
            return False
        before = self._idle.get(line)
        if before is not None:
            if before.connection.reusable:
                return False
            self._close(line)
        if len(self._idle) >= self._room():
            return False
        if line.proxy is not None and self._through[line.proxy] >= self._bounds.per_proxy:
            return False
        self._idle[line] = _Idle(connection, loop.time())
        self._through[line.proxy] += 1
        if self._timer is None:
            self._timer = loop.call_later(self._bounds.idle, self._expire)
        return True

    def make_room(self) -> bool:
        """Closes some of them, the longest idle first: descriptors ran out. False if there are none."""
        found = list(islice(self._idle, max(1, len(self._idle) // 2)))[:_TURN]
        for line in found:
            self._close(line)
        return bool(found)

    def close(self) -> None:
        """Closes them all. Closing twice is fine, and so is using it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for line in list(self._idle):
            self._close(line)

    def __enter__(self) -> KeptConnections:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _here(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self.close()
            self._loop = loop
        return loop

    def _room(self) -> int:
        """Half of the descriptors are for the scan that runs."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = self._bounds.connections
        return most if soft == resource.RLIM_INFINITY else min(most, soft // 2)

    def _pop(self, line: Line) -> _Idle | None:
        idle = self._idle.pop(line, None)
        if idle is not None:
            self._through[line.proxy] -= 1
            if not self._through[line.proxy]:
                del self._through[line.proxy]
        return idle

    def _close(self, line: Line) -> None:
        idle = self._pop(line)
        if idle is not None:
            idle.connection.close()

    def _expired(self, before: float) -> Iterator[Line]:
        for line, idle in self._idle.items():
            if idle.since > before:
                return
            yield line

    def _expire(self) -> None:
        """Closes what was idle too long; the next look is when the oldest of the rest will have been."""
        self._timer = None
        loop = self._here()
        for line in list(islice(self._expired(loop.time() - self._bounds.idle), _TURN)):
            self._close(line)
        oldest = next(iter(self._idle.values()), None)
        if oldest is not None:
            self._timer = loop.call_at(oldest.since + self._bounds.idle, self._expire)


class KeepingDialer(Dialer):
    """A dialer that first looks for an idle connection of an earlier scan, and leaves its own to later
    ones."""

    def __init__(self, kept: KeptConnections, **parts: Any) -> None:
        super().__init__(contexts=kept.contexts, **parts)
        self._kept = kept

    async def dial(
        self,
        endpoint: Endpoint,
        *,
        proxy: Proxy | None = None,
        pin_key: str | None = None,
        reuse: bool = False,
    ) -> Connection:
        """As `Dialer.dial`. When descriptors run out, idle connections make room."""
        if reuse and (kept := self._kept.take(self._line(endpoint, proxy, pin_key))) is not None:
            return kept
        while True:
            try:
                return await super().dial(endpoint, proxy=proxy, pin_key=pin_key)
            except RequestFailed as failed:
                if failed.kind is not FailureKind.LOCAL_DESCRIPTORS or not self._kept.make_room():
                    raise

    def keep(self, connection: Connection, *, proxy: Proxy | None = None, pin_key: str | None = None) -> bool:
        return self._kept.give(self._line(connection.endpoint, proxy, pin_key), connection)

    def _line(self, endpoint: Endpoint, proxy: Proxy | None, pin_key: str | None) -> Line:
        judge, pin = None, None
        if endpoint.tls:
            judge, pin = self._judges[0], self._pinned(endpoint, pin_key)
        return Line(endpoint.scheme, endpoint.host, endpoint.port, proxy, judge, pin, self.limits)
