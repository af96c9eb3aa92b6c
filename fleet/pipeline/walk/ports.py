"""What a walk needs of a target's client: `fleet.client.TargetClient` has this shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from fleet.client import Endpoint, Reply
    from fleet.openapi import Call, Operation
    from fleet.pace import TargetClock


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


class Memory(Protocol):
    """What earlier walks of one target have read on their way to what was wanted."""

    def recall(self, uri: str) -> Reply | None:
        """The answer that a resource gave, if that is known and not too old."""

    def note(self, uri: str, reply: Reply) -> None:
        """Remember a good answer."""


class Client(Protocol):
    """One target's API for the length of a scan. Requests raise `RequestFailed`; answers of any status
    are returned."""

    @property
    def exchange(self) -> Exchanged: ...

    async def ask(
        self, operation: Operation, call: Call, *, timeout: float | None = None, anonymous: bool = False
    ) -> Reply: ...

    async def get(self, path: str, *, timeout: float | None = None) -> Reply: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None: ...
