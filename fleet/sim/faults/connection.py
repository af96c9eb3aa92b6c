"""Faults below HTTP: connections that are refused, reset, ignored, or answered by something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour
from fleet.sim.reply import Asked, Close, Reply, Reset, Script, Silence, Wait


@frozen(slots=False)
class NameNotFound(
    Behaviour, name="dns.not_found", kind=FailureKind.DNS_NOT_FOUND, aliases=("dns-not-found", "unknown-name")
):
    """Listed under a name of `.invalid`, which does not resolve. Causes dns.not_found."""

    listens: ClassVar[Literal["unknown name"]] = "unknown name"


@frozen(slots=False)
class Refused(Behaviour, name="connect.refused", kind=FailureKind.CONNECT_REFUSED, aliases=("refuse",)):
    """Listed with a port that is bound and does not listen: a real ECONNREFUSED. Causes connect.refused."""

    listens: ClassVar[Literal["closed port"]] = "closed port"


@frozen(slots=False)
class NeverConnects(
    Behaviour, name="timeout.connect", kind=FailureKind.TIMEOUT_CONNECT, aliases=("blackhole", "hang-connect")
):
    """Listed with a port whose queue is full: SYNs are dropped. Causes timeout.connect."""

    listens: ClassVar[Literal["full queue"]] = "full queue"


@frozen(slots=False)
class ResetAtOnce(Behaviour, name="connect.reset", kind=FailureKind.CONNECT_RESET, aliases=("reset",)):
    """RST right after accept. Causes connect.reset."""

    def greet(self) -> Script:
        return (Reset(),)


@frozen(slots=False)
class ResetInBody(
    Behaviour, name="connect.reset:mid-body", kind=FailureKind.CONNECT_RESET, aliases=("reset-mid-body",)
):
    """RST halfway through the body. Causes connect.reset."""

    def answer(self, asked: Asked, normal: Callable[[], Reply]) -> Script:
        reply = normal()
        # the pause lets the bytes arrive first: an RST discards what the peer has not read
        return (reply.head() + reply.body[: len(reply.body) // 2], Wait(0.02), Reset())


@frozen(slots=False)
class ConnectionLimit(Behaviour, name="connection-limit", aliases=("more-than-k",)):
    """Bears `limit` connections at once and resets the rest. Causes nothing for a client that keeps to it."""

    limit: int = 2

    def connections(self) -> int:
        return self.limit


@frozen(slots=False)
class HangInTls(
    Behaviour, name="timeout.tls", kind=FailureKind.TIMEOUT_TLS, aliases=("hang-tls", "hang-accept")
):
    """Accepts and never says a word, TLS or not. Causes timeout.tls (timeout.request without TLS)."""

    def cause(self, *, secure: bool) -> FailureKind:
        return FailureKind.TIMEOUT_TLS if secure else FailureKind.TIMEOUT_REQUEST

    def greet(self) -> Script:
        return (Silence(),)


@frozen(slots=False)
class SshBanner(
    Behaviour, name="protocol.framing:ssh-banner", kind=FailureKind.PROTOCOL_FRAMING, aliases=("ssh-banner",)
):
    """Greets as an SSH server does, then waits. Causes protocol.framing, with TLS and without."""

    def greet(self) -> Script:
        return (b"SSH-2.0-OpenSSH_9.2p1\r\n", Wait(0.05), Close())


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    NameNotFound,
    Refused,
    NeverConnects,
    ResetAtOnce,
    ResetInBody,
    ConnectionLimit,
    HangInTls,
    SshBanner,
)
