"""Limits in motion: rates, slots and breakers. No sockets, no files; clocks and sleeps come from outside."""

from fleet.pace.clock import TargetClock
from fleet.pace.credential_breaker import Attempt, CredentialBreaker
from fleet.pace.governor import Governor
from fleet.pace.pace import Pace
from fleet.pace.proxy_breaker import ProxyBreaker
from fleet.pace.rate import RateLimiter
from fleet.pace.slots import Slots

__all__ = [
    "Attempt",
    "CredentialBreaker",
    "Governor",
    "Pace",
    "ProxyBreaker",
    "RateLimiter",
    "Slots",
    "TargetClock",
]
