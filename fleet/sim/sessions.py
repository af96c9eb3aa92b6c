"""Redfish sessions and Basic credentials of one host: the table, its limit, the lockout."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass

from fleet.frozen import frozen
from fleet.sim.reply import Message, Reply, error

SESSIONS = "/redfish/v1/SessionService/Sessions"
OLD_SESSIONS = "/redfish/v1/Sessions"  # where iDRAC8 has them

FULL = (
    Message(
        "Base.1.18.SessionLimitExceeded",
        "The session establishment failed due to the number of simultaneous sessions exceeding the limit"
        " of the implementation.",
        resolution="Reduce the number of other sessions before trying to establish the session.",
    ),
    Message(
        "IDRAC.2.8.RAC0218",
        "The maximum number of user sessions is reached. (RAC0218)",
        resolution="Close one or more sessions and retry the operation.",
    ),
)
REJECTED = Message(
    "Base.1.18.ResourceAtUriUnauthorized",
    "While accessing the resource, the service received an authorization error.",
    resolution="Ensure that the appropriate access is provided for the service to access the URI.",
)
NOT_TAKEN = Message("Base.1.18.ActionNotSupported", "Sessions are not offered here.")
LOCKED = Message(
    "Base.1.18.AccessDenied",
    "The account is locked: too many failed login attempts from this client. Try again later.",
    resolution="Wait until the lockout ends, then log in with the correct credentials.",
)


@frozen
class SessionRules:
    """How a host keeps sessions. `location` is how it names a new one in its Location header."""

    limit: int = 16  # live sessions
    lockout: int = 5  # bad logins until everyone is refused; 0: never
    lockout_seconds: float = 300.0
    token_requests: int | None = None  # requests after which a token is forgotten
    offered: bool = True
    collection: str = SESSIONS  # the path that takes logins
    refusal: int = 404  # what a login answers where it is not taken
    location: str = "relative"  # relative | absolute | missing
    logout: int = 204  # what DELETE answers; the session ends only for 2xx


@dataclass(slots=True)
class Session:
    """One open session; `requests` were made with its token."""

    id: str
    token: str
    user: str
    requests: int = 0


class Accounts:
    """Who may come in: one user, his password, and the sessions that he opened.

    Without credentials (`auth` is None) everybody may, and any login opens a session.
    """

    __slots__ = (
        "_basic",
        "_by_token",
        "_failures",
        "_locked_until",
        "_next",
        "auth",
        "logins",
        "rules",
    )

    def __init__(self, auth: tuple[str, str] | None, rules: SessionRules) -> None:
        self.auth: tuple[str, str] | None = auth
        self.rules: SessionRules = rules
        self.logins: int = 0
        self._basic = None if auth is None else "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        self._by_token: dict[str, Session] = {}
        self._failures = 0
        self._locked_until = 0.0
        self._next = 1

    @property
    def live(self) -> list[Session]:
        """The sessions that nobody has closed."""
        return list(self._by_token.values())

    def refuse(self, headers: dict[str, str]) -> Reply | None:
        """The answer to a request that may not come in; None when it may."""
        if self.auth is None:
            return None
        if self._locked:
            return error(403, LOCKED)
        token = headers.get("x-auth-token")
        if token is not None:
            return None if self._use(token) else self._reject(counted=False)
        basic = headers.get("authorization")
        if basic is None:
            return self._reject(counted=False)
        if basic == self._basic:
            self._failures = 0
            return None
        return self._reject(counted=True)

    def open(self, user: object, password: object) -> Session | Reply:
        """A new session, or why there is none."""
        if self.auth is not None:
            if self._locked:
                return error(403, LOCKED)
            if (user, password) != self.auth:
                return self._reject(counted=True)
        self._failures = 0
        if len(self._by_token) >= self.rules.limit:
            return error(503, *FULL)
        session = Session(str(self._next), secrets.token_hex(16), str(user))
        self._next += 1
        self._by_token[session.token] = session
        self.logins += 1
        return session

    def elsewhere(self) -> Reply:
        """The answer to a login where none is taken."""
        return error(self.rules.refusal, NOT_TAKEN)

    def close(self, session_id: str) -> bool:
        """Ends a session. False when there is none of that id."""
        for token, session in self._by_token.items():
            if session.id == session_id:
                del self._by_token[token]
                return True
        return False

    def reset(self) -> None:
        """Forgets counts and failures; sessions stay open."""
        self.logins = self._failures = 0
        self._locked_until = 0.0

    @property
    def _locked(self) -> bool:
        return self._locked_until > 0 and time.monotonic() < self._locked_until

    def _use(self, token: str) -> bool:
        session = self._by_token.get(token)
        if session is None:
            return False
        session.requests += 1
        limit = self.rules.token_requests
        if limit is not None and session.requests > limit:
            del self._by_token[token]
            return False
        return True

    def _reject(self, *, counted: bool) -> Reply:
        if counted:
            self._failures += 1
            if self.rules.lockout and self._failures >= self.rules.lockout:
                self._failures = 0
                self._locked_until = time.monotonic() + self.rules.lockout_seconds
        return challenge(REJECTED)


def challenge(message: Message) -> Reply:
    """401, and how to come in."""
    return error(401, message, headers=(("WWW-Authenticate", 'Basic realm="simulated host"'),))
