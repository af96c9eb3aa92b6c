"""What a connection wants of whoever answers on it."""

from __future__ import annotations

from typing import Protocol

from fleet.sim.certificates import Recipe
from fleet.sim.reply import Asked, Reply, Script


class Answering(Protocol):
    """What a connection asks: a simulated host, or the control address."""

    secure: bool
    connections: int
    recipe: Recipe
    address: str
    handshakes_failed: int

    def connected(self) -> bool:
        """Counts a connection in; False: it is to be reset."""
        ...

    def disconnected(self) -> None:
        """Counts it out."""
        ...

    def greet(self) -> Script | None:
        """What is played right after accept instead of TLS and HTTP; None: nothing special."""
        ...

    def respond(self, asked: Asked) -> Reply | Script:
        """The answer to one request."""
        ...
