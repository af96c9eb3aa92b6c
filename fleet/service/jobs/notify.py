"""The one webhook: what changed, told once, as JSON."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import anyio
import orjson

import fleet
from fleet.client import Dialer, Endpoint, Exchange, Request, Resolver, TlsContexts
from fleet.errors import RequestFailed
from fleet.event import Event
from fleet.inventory import SecretReader
from fleet.outcome import FailureKind
from fleet.pace import Pace
from fleet.policy import Policy, Tls
from fleet.secret import Secret
from fleet.service.config.model import Notify, ServiceConfig
from fleet.service.store.state import Change

QUEUE = 10_000  # changes that wait to be told; the oldest give way, and are counted
BATCH = 100  # in one request
TRIES = 5
FIRST_WAIT = 1.0  # seconds before the second try; doubles
REMEMBERED = 100_000  # changes that are not told again
GATHER = 0.5  # seconds that a first change waits for company


class Notifier:
    """Tells a webhook; `results` counts events that were `sent`, `dropped` or `repeated`.

    The request is one POST of `{"version": 1, "events": [...]}`; 2xx takes it. 429, 5xx and no answer are
    tried again, other answers are final. It follows no redirect to another host. Nothing of it is ever given
    to a shell.
    """

    def __init__(self, config: ServiceConfig, log: Any, clock: Callable[[], float] = time.monotonic) -> None:
        """Blocks: reads the secrets of the headers. Raises UsageError."""
        assert config.notify is not None  # noqa: S101  (made for a configuration that has one)
        self.config: Notify = config.notify
        self.results: Counter[str] = Counter({"sent": 0, "dropped": 0, "repeated": 0})
        self._log = log
        self._clock = clock
        self._queue: deque[Change] = deque()
        self._told: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._more = anyio.Event()
        self._sending = False
        url, slash, path = config.notify.url.partition("://")[2].partition("/")
        scheme = config.notify.url.partition("://")[0]
        self._endpoint = Endpoint.parse(f"{scheme}://{url}")
        self._path = slash + path or "/"
        secrets = SecretReader(directory=config.path.parent)
        read = {
            name: secrets.read(reference, f"header {name} of notify")
            for name, reference in config.notify.headers.items()
        }
        self.secrets: tuple[Secret, ...] = tuple(read.values())
        self._headers = tuple((name, secret.reveal()) for name, secret in read.items())
        ca_file = config.notify.ca_file
        self._policy = Policy(tls=Tls(ca_file=str(config.beside(ca_file)) if ca_file else None))
        self._pace = Pace.of(self._policy, _ignored)
        self._dialer = Dialer(
            tls=self._policy.tls,
            contexts=TlsContexts(),
            resolver=Resolver(),
            timeouts=self._policy.timeouts,
            limits=self._policy.limits,
            direct=True,
        )

    def tell(self, changes: Iterable[Change]) -> None:
        """Queue what has to be told, once each within `again`. Nobody waits."""
        for change in changes:
            if change.what not in self.config.events:
                continue
            if self._repeated(change):
                self.results["repeated"] += 1
                continue
            if len(self._queue) >= QUEUE:
                self._queue.popleft()
                self.results["dropped"] += 1
            self._queue.append(change)
        if self._queue:
            self._more.set()

    async def serve(self) -> None:
        """Tell what is queued, until cancelled."""
        while True:
            await self._more.wait()
            await anyio.sleep(GATHER)
            self._more = anyio.Event()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                self._sending = True
                taken = await self._send(batch)
                self._sending = False
                self.results["sent" if taken else "dropped"] += len(batch)

    async def told(self) -> None:
        """Until nothing waits to be told."""
        while self._queue or self._sending:  # noqa: ASYNC110 (once, at the end)
            await anyio.sleep(0.05)

    def _repeated(self, change: Change) -> bool:
        """Whether the same was told not long ago. A recovery ends that: what fails again is news."""
        now = self._clock()
        about = (change.job, change.pipeline, change.target)
        key = (*about, change.what, change.detail if change.what == "check" else "")
        told = self._told.get(key)
        if told is not None and now - told < self.config.again:
            return True
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return False

    async def _send(self, batch: list[Change]) -> bool:
        wait = FIRST_WAIT
        for attempt in range(1, TRIES + 1):
            why = await self._post(batch)
            if why is None:
                return True
            if why.startswith("refused") or attempt == TRIES:
                break
            await anyio.sleep(wait)
            wait *= 2
        self._log.error("notify.failed", events=len(batch), why=why)
        return False

    async def _post(self, batch: list[Change]) -> str | None:
        """Why the webhook did not take it; None when it did."""
        body = orjson.dumps({"version": 1, "events": [change._asdict() for change in batch]})
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", f"fleet/{fleet.__version__}"),
            *self._headers,
        )
        sensitive = frozenset(name.lower() for name, _ in self._headers)
        request = Request("POST", self._path, headers, body, route="notify", sensitive=sensitive)
        exchange = Exchange(
            self._endpoint,
            self._dialer,
            target=self._endpoint.origin,
            policy=self._policy,
            pace=self._pace,
            tell=_ignored,
        )
        with closing(exchange):
            try:
                reply = await exchange.send(request)
            except RequestFailed as failed:
                final = failed.kind is FailureKind.REDIRECT_BLOCKED  # our headers are for that host alone
                return f"refused: {failed}" if final else str(failed)
        if 200 <= reply.status < 300:
            return None
        final = reply.status < 500 and reply.status != 429
        return f"{'refused' if final else 'busy'}: status {reply.status}"


def _ignored(_event: Event) -> None:
    """Requests to the webhook are none of the fleet's."""
