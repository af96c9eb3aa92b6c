"""What a walk needs of a target's client: `fleet.client.TargetClient` has this shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from types import TracebackType

    from fleet.client import Endpoint, Reply
    from fleet.openapi import Call, Operation
    from fleet.outcome import Moment
    from fleet.pace import TargetClock


class Trail(Protocol):
    """What happened on one target so far. `rough`: something failed, or was refused, or was tried twice."""

    rough: bool

    def timeline(self, began: float, most: int, steps: Mapping[str, str]) -> tuple[tuple[Moment, ...], int]:
        """At most `most` requests, with what else happened, and how many there is no room for. `began` is
        monotonic; `steps` names the step of a request by its path."""


class Exchanged(Protocol):
    """What was exchanged with one target so far."""

    @property
    def requests(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def retries(self) -> int: ...
    @property
    def certificate(self) -> Mapping[str, Any] | None: ...
    @property
    def proxy(self) -> str | None: ...
    @property
    def endpoint(self) -> Endpoint: ...
    @property
    def clock(self) -> TargetClock: ...
    @property
    def trail(self) -> Trail: ...


class Memory(Protocol):
    """What earlier walks of one target have read on their way to what was wanted."""

    def recall(self, uri: str) -> Reply | None:
        """The answer that a resource gave, if that is known and not too old."""

    def note(self, uri: str, reply: Reply) -> None:
        """Remember a good answer."""


class Asker(Protocol):
    """Who makes requests of one target. They raise `RequestFailed`; answers of any status are returned."""

    async def ask(
        self, operation: Operation, call: Call, *, timeout: float | None = None, anonymous: bool = False
    ) -> Reply: ...

    async def get(self, path: str, *, timeout: float | None = None) -> Reply: ...


class Client(Asker, Protocol):
    """One target's API for the length of a scan."""

    @property
    def exchange(self) -> Exchanged: ...

    def hide(self, text: str) -> str:
        """A text that the target gave, `***` in place of the secrets that it was sent."""

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None: ...


Send: TypeAlias = "Callable[[Asker], Awaitable[Reply]]"
"""One request, for whoever is to make it."""


def sending(operation: Operation, call: Call, timeout: float | None, *, anonymous: bool) -> Send:
    """A call of an operation. `anonymous` leaves credentials out unless the host insists with a 401: some
    protect even what a standard leaves open."""
    if anonymous:
        return partial(_unless_refused, operation, call, timeout)
    return methodcaller("ask", operation, call, timeout=timeout)


async def _unless_refused(operation: Operation, call: Call, timeout: float | None, client: Asker) -> Reply:
    reply = await client.ask(operation, call, timeout=timeout, anonymous=True)
    return reply if reply.status != 401 else await client.ask(operation, call, timeout=timeout)
