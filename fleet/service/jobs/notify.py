"""The one webhook: what changed, told once, as JSON."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import closing
from hashlib import blake2b
from typing import Any

import anyio
import orjson

import fleet
from fleet.client import Dialer, Endpoint, Request, Resolver, TlsContexts
from fleet.errors import RequestFailed
from fleet.inventory import SecretReader
from fleet.policy import Limits, Policy, Tls
from fleet.secret import Secret
from fleet.service.config.model import Notify, ServiceConfig
from fleet.service.store.state import StateChange

MAX_QUEUED = 10_000  # changes that wait to be told; the oldest give way, and are counted
BATCH_CHANGES = 100  # in one request
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before the second try, and before any; doubles
MAX_REMEMBERED = 100_000  # changes that are not told again
_UNREAD = Limits(body=2**62, stream=2**62)  # whatever length an answer has, nothing of it is read
GATHER_SECONDS = 0.5  # seconds that a first change waits for company


class Notifier:
    """Tells a webhook; `results` counts events that were `sent`, `dropped` or `repeated`.

    The request is one POST of `{"version": 1, "events": [...]}`, with a key by which a receiver knows the
    same one again. The head of the answer decides, and nothing more of it is read: 2xx takes the events; 429,
    5xx and no answer are tried again until it does; other answers are final, a redirect among them, for the
    headers are meant for that address alone. Nothing of it is ever given to a shell.
    """

    def __init__(self, config: ServiceConfig, log: Any, clock: Callable[[], float] = time.monotonic) -> None:
        """Blocks: reads the secrets of the headers. Raises UsageError."""
        assert config.notify is not None  # noqa: S101  (made for a configuration that has one)
        self.config: Notify = config.notify
        self.results: Counter[str] = Counter({"sent": 0, "dropped": 0, "repeated": 0})
        self._log = log
        self._clock = clock
        self._queue: deque[StateChange] = deque()
        self._sending: list[StateChange] = []
        self._told: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._more = anyio.Event()
        self._serving: anyio.CancelScope | None = None
        self._over = False
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
        policy = Policy(tls=Tls(ca_file=str(config.beside(ca_file)) if ca_file else None))
        self._dialer = Dialer(
            tls=policy.tls,
            contexts=TlsContexts(),
            resolver=Resolver(),
            timeouts=policy.timeouts,
            limits=policy.limits,
            direct=True,
        )

    @property
    def waiting(self) -> int:
        """How many changes are still to be told."""
        return len(self._sending) + len(self._queue)

    def same_as(self, other: Notifier) -> bool:
        """Whether it tells the same events to the same address, with the same secrets."""
        return self.config == other.config and self._headers == other._headers

    def tell(self, changes: Iterable[StateChange]) -> None:
        """Queue what has to be told, once each within `again`. Nobody waits."""
        for change in changes:
            if change.what not in self.config.events:
                continue
            if self._repeated(change):
                self.results["repeated"] += 1
                continue
            self._queue_up(change)

    def go_on(self, changes: Iterable[StateChange]) -> None:
        """Queue what another notifier was to tell, and did not."""
        for change in changes:
            self._repeated(change)
            self._queue_up(change)

    def hand_over(self, other: Notifier) -> None:
        """End, and leave what is still to be told to another one, with what was told already."""
        self._over = True
        if self._serving is not None:
            self._serving.cancel()
        other.results, other._told = self.results, self._told
        for change in self.left():
            other._queue_up(change)

    def left(self) -> list[StateChange]:
        """What is still to be told, the oldest first; what is on its way counts until it was taken."""
        return [*self._sending, *self._queue]

    async def serve(self) -> None:
        """Tell what is queued, until cancelled or handed over."""
        with anyio.CancelScope() as self._serving:
            while not self._over:
                await self._more.wait()
                await anyio.sleep(GATHER_SECONDS)
                self._more = anyio.Event()
                while self._queue:
                    self._sending = [
                        self._queue.popleft() for _ in range(min(BATCH_CHANGES, len(self._queue)))
                    ]
                    taken = await self._send(self._sending)
                    self.results["sent" if taken else "dropped"] += len(self._sending)
                    self._sending = []

    async def told(self) -> None:
        """Wait until nothing is left to tell."""
        while self.waiting:  # noqa: ASYNC110 (once, at the end)
            await anyio.sleep(0.05)

    def _queue_up(self, change: StateChange) -> None:
        if len(self._queue) >= MAX_QUEUED:
            self._queue.popleft()
            self.results["dropped"] += 1
        self._queue.append(change)
        self._more.set()

    def _repeated(self, change: StateChange) -> bool:
        """Whether the same was told not long ago. A recovery ends that: what fails again is news."""
        now = self._clock()
        about = (change.job, change.pipeline, change.target)
        key = (*about, change.what, change.detail if change.what == "check" else "")
        told = self._told.get(key)
        if told is not None and now - told < self.config.again:
            return True
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)
        return False

    async def _send(self, batch: list[StateChange]) -> bool:
        """Whether it was taken; False once that is refused for good."""
        body = orjson.dumps({"version": 1, "events": [change._asdict() for change in batch]})
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", f"fleet/{fleet.__version__}"),
            ("Idempotency-Key", blake2b(body, digest_size=16).hexdigest()),
            *self._headers,
        )
        sensitive = frozenset(name.lower() for name, _ in self._headers)
        request = Request("POST", self._path, headers, body, route="notify", sensitive=sensitive)
        wait, said = FIRST_WAIT, ""
        while True:
            try:
                status = await self._post(request)
            except RequestFailed as failed:
                why, final = str(failed), False
            else:
                if 200 <= status < 300:
                    return True
                final = status < 500 and status != 429
                why = f"{'refused' if final else 'busy'}: status {status}"
            if why != said:
                level = self._log.error if final else self._log.warning
                level("notify.failed" if final else "notify.waits", events=len(batch), why=why)
            if final:
                return False
            said = why
            await anyio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _post(self, request: Request) -> int:
        """The status that the webhook answers with; its body is not read. Raises RequestFailed."""
        with closing(await self._dialer.dial(self._endpoint)) as connection:
            answer = await connection.begin(request, timeout=self.config.timeout, limits=_UNREAD)
            return answer.status
