"""Faults of time: answers that come late, byte by byte, or never."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.reply import Asked, Part, Script, Silence, Wait


@frozen(slots=False)
class Hang(Behaviour, name="timeout.request", kind=FailureKind.TIMEOUT_REQUEST, aliases=("hang",)):
    """Takes the request and never answers. Causes timeout.request."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (Silence(),)


@frozen(slots=False)
class HangAfterHeaders(
    Behaviour,
    name="timeout.request:hang-after-headers",
    kind=FailureKind.TIMEOUT_REQUEST,
    aliases=("hang-after-headers",),
):
    """Sends the headers and never the body. Causes timeout.request."""

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (normal().head(), Silence())


@frozen(slots=False)
class DripBody(
    Behaviour,
    name="timeout.request:drip-body",
    kind=FailureKind.TIMEOUT_REQUEST,
    aliases=("drip", "drip-body"),
):
    """Sends the body one byte every `interval` seconds. Causes timeout.request."""

    interval: float = 0.25

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        reply = normal()
        yield reply.head()
        for byte in reply.body:
            yield bytes([byte])
            yield Wait(self.interval)


@frozen(slots=False)
class DripHeaders(
    Behaviour,
    name="timeout.request:drip-headers",
    kind=FailureKind.TIMEOUT_REQUEST,
    aliases=("drip-headers", "slowloris"),
):
    """Sends the head of the answer one byte every `interval` seconds. Causes timeout.request."""

    interval: float = 0.25

    def answer(self, asked: Asked, normal: Normal) -> Iterator[Part]:
        reply = normal()
        for byte in reply.head():
            yield bytes([byte])
            yield Wait(self.interval)
        yield reply.body


@frozen(slots=False)
class Slow(Behaviour, name="slow"):
    """Answers after `seconds`. Causes nothing for a client with that much patience."""

    seconds: float = 5.0

    def answer(self, asked: Asked, normal: Normal) -> Script:
        return (Wait(self.seconds), normal().encode(bodiless=asked.method == "HEAD"))


BEHAVIOURS: tuple[type[Behaviour], ...] = (Hang, HangAfterHeaders, DripBody, DripHeaders, Slow)
