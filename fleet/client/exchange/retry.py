"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

import random
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from fleet.client.message import Reply, Request
from fleet.client.wire.failures import failure_of
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind, RetryRule
from fleet.policy import Retry

# The host, or the gateway in front of it, says that it is busy. 500 and 501 are what many BMCs answer for a
# resource they cannot read at all: asking again would only be slower.
RETRY_STATUSES = frozenset({429, 502, 503, 504})

_BUSY_HINT = re.compile(
    rb'ServiceTemporarilyUnavailable"[^}]{0,2000}?"MessageArgs"\s*:\s*\[\s*"?(\d{1,6})"?\s*\]', re.DOTALL
)
_BEFORE_SENDING = {
    FailureKind.TIMEOUT_CONNECT,
    FailureKind.TIMEOUT_TLS,
    FailureKind.CONNECT_REFUSED,
    FailureKind.CONNECT_UNREACHABLE,
}


Pause: TypeAlias = tuple[float, RetryRule, str]
"""Before a request is sent once more: seconds, by which rule, and after what, as `RequestRetried` has it."""


def pause_after_failure(failed: RequestFailed, request: Request, tries: int, policy: Retry) -> Pause | None:
    """The pause before a request that failed is tried again; None where so many tries are enough."""
    if tries >= tries_allowed(failed, request, policy):
        return None
    return backoff(tries, policy), "backoff", failed.kind.value


def pause_after_reply(
    reply: Reply, request: Request, tries: int, policy: Retry, *, now: float
) -> Pause | None:
    """The pause before a request is tried again that was answered by "later"; None for other answers, after
    so many tries, and where the host wants to be left alone for too long. `now` as for `retry_after`."""
    if tries > policy.attempts or not worth_repeating(reply, request):
        return None
    asked = retry_after(reply, now=now)
    if asked is not None and asked > policy.retry_after_max:
        return None
    wait = backoff(tries, policy)
    if asked is not None and asked >= wait:
        return asked, "retry_after", f"status {reply.status}"
    return wait, "backoff", f"status {reply.status}"


def tries_allowed(failed: RequestFailed, request: Request, policy: Retry) -> int:
    """How many tries a request that failed like this may have in all.

    Idempotent requests and retryable kinds only, and what failed for want of descriptors or ports: nothing
    was sent. A host that could not be reached is tried once more: the
    second silence says the same as the tenth, and every one costs a connect timeout.
    """
    if not failed.kind.retryable or not (request.idempotent or failed.kind.group == "local"):
        return 1
    if failed.kind in _BEFORE_SENDING or failed.kind.group in {"proxy", "dns"}:
        return 1 + min(1, policy.attempts)
    return 1 + policy.attempts


def worth_repeating(reply: Reply, request: Request) -> bool:
    """Whether an answer says "later": 429, 502, 503 or 504 to an idempotent request. A lock-out or a full
    session table says "not by asking again"."""
    if reply.status not in RETRY_STATUSES or not request.idempotent:
        return False
    failure = failure_of(reply)
    return failure is None or failure[0].group != "auth"


def retry_after(reply: Reply, *, now: float) -> float | None:
    """The wait that an answer asks for, in seconds from `now` (seconds since the epoch), or None.

    Reads Retry-After as seconds or as a date, else the argument of Redfish's ServiceTemporarilyUnavailable.
    Garbage and negative values are no wish at all; a date that has passed is a wait of zero.
    """
    value = (reply.header("retry-after") or "").strip()
    if re.fullmatch(r"[0-9]{1,12}", value):
        return float(value)
    if value:
        try:
            date = parsedate_to_datetime(value)
            # The oldest form of a date names no zone, and every one in HTTP is of UTC (RFC 9110, 5.6.7).
            return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
        except (ValueError, TypeError, OverflowError, OSError):
            pass
    if hint := _BUSY_HINT.search(reply.body[:16384]):
        return float(hint.group(1))
    return None


def backoff(tries: int, policy: Retry) -> float:
    """The wait after the given number of tries: exponential, with full jitter so a fleet does not march."""
    return random.uniform(0.0, min(policy.backoff_max, policy.backoff * 2.0 ** (tries - 1)))
