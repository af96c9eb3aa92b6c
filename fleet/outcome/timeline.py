"""What happened on one target, one moment after the other: what a person is told who asks why."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from fleet.outcome.kinds import FailureKind

NoteKind: TypeAlias = Literal[
    "connected",  # a connection was opened; `tls` is the handshake's part of its seconds
    "connection_reused",  # one that an earlier scan of this process had left open
    "secret_read",  # the values of the credential were read for this target
    "secret_read_again",  # they were refused, and looked up once more
    "waited",  # for other targets: whether they get in with this credential
    "logged_in",  # the host opened a session
    "session_reused",  # one that an earlier round had kept
    "session_refused",  # 401 within a session: a new one is opened, and the request sent again
    "basic_instead",  # the host has no session to give: every request carries the password
    "login_failed",
    "logged_out",
    "logout_unconfirmed",  # the host keeps the session until it times out
    "session_kept",  # for the next round
]
RetryRule: TypeAlias = Literal[
    "retry_after",  # the answer said how long
    "backoff",  # doubled from try to try, with jitter
    "reconnect",  # at once: an idle connection turned out to be dead
]
NOTE_KINDS: tuple[str, ...] = get_args(NoteKind)
RETRY_RULES: tuple[str, ...] = get_args(RetryRule)


class Again(NamedTuple):
    """Why a request was sent once more: `wait` seconds later, by which rule."""

    wait: float
    rule: RetryRule


class Sent(NamedTuple):
    """One request, or the attempt to connect for it. `at` is seconds after the target was begun, `seconds`
    from its first byte to the last of its answer; before it, it waited `waited` seconds for a connection or
    its turn. With neither `status` nor `failure` it was cut off before it had an answer. `uri` is the path
    that was asked for, `operation` the operation it belongs to, `bytes` the decoded body. `again`: what came
    of it made fleet try once more."""

    at: float
    seconds: float
    method: str
    uri: str
    operation: str = ""
    step: str | None = None
    status: int | None = None
    failure: FailureKind | None = None
    bytes: int = 0
    attempt: int = 1
    waited: float = 0.0
    again: Again | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in `timeline` of an outcome; what is not known, or as usual, is left out."""
        shown: dict[str, Any] = {
            "at": _tenths(self.at),
            "seconds": _tenths(self.seconds),
            "method": self.method,
            "uri": self.uri,
        }
        if self.operation:
            shown["operation"] = self.operation
        if self.step is not None:
            shown["step"] = self.step
        if self.status is not None:
            shown["status"] = self.status
        if self.failure is not None:
            shown["failure"] = self.failure.value
        if self.bytes:
            shown["bytes"] = self.bytes
        if self.attempt > 1:
            shown["attempt"] = self.attempt
        if self.waited >= 0.0005:
            shown["waited"] = _tenths(self.waited)
        if self.again is not None:
            shown["again"] = {"wait": round(self.again.wait, 4), "rule": self.again.rule}
        return shown


class Noted(NamedTuple):
    """Something beside the requests. `tls` is the part of `seconds` that the handshake took."""

    at: float
    what: NoteKind
    seconds: float = 0.0
    tls: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in `timeline` of an outcome."""
        shown: dict[str, Any] = {"at": _tenths(self.at), "what": self.what}
        if self.seconds:
            shown["seconds"] = _tenths(self.seconds)
        if self.tls is not None:
            shown["tls"] = _tenths(self.tls)
        return shown


Moment: TypeAlias = Sent | Noted


def _tenths(seconds: float) -> float:
    """Seconds, to a tenth of a millisecond. `round` goes by way of the decimal text and takes five times as
    long: each outcome holds ten of these."""
    return int(seconds * 10_000 + 0.5) / 10_000
