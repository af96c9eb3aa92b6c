"""Faults of accounts: credentials that are refused, sessions that are missing, odd, or do not last."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.reply import Asked, Close, Message, Reply, Script, error
from fleet.sim.sessions import FULL, LOCKED, OLD_SESSIONS, REJECTED, SESSIONS, SessionRules, challenge
from fleet.sim.tree import PUBLIC, ROOT

_FORBIDDEN = Message(
    "Base.1.18.InsufficientPrivilege",
    "There are insufficient privileges for the account or credentials associated with the current session"
    " to perform the requested operation.",
)
_LICENCE = Message("SMC.1.0.OemLicenseNotPassed", "Not licensed to perform this request.", ("DCMS",))
_CHANGE = Message(
    "Base.1.18.PasswordChangeRequired",
    "The password provided for this account must be changed before access is granted."
    " PATCH the Password property for this account located at the target URI.",
    (f"{ROOT}/AccountService/Accounts/1",),
)


def _before_login(asked: Asked) -> bool:
    """Whether a client must be able to ask this to log in: the service root, and the sessions."""
    return asked.key in PUBLIC or asked.key.startswith(SESSIONS)


@frozen(slots=False)
class Rejected(Behaviour, name="auth.rejected", kind=FailureKind.AUTH_REJECTED, aliases=("401",)):
    """401 for every credential; the service root stays open. Causes auth.rejected."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if asked.key in PUBLIC else challenge(REJECTED)


@frozen(slots=False)
class RejectedBadly(
    Behaviour, name="auth.rejected:truncated", kind=FailureKind.AUTH_REJECTED, aliases=("401-truncated",)
):
    """401 with a chunked body that breaks off, as iDRAC8 sends it. Causes auth.rejected: the status counts,
    whatever becomes of the body."""

    def answer(self, asked: Asked, normal: Normal) -> Reply | Script:
        if asked.key in PUBLIC:
            return normal()
        head = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n"
        return (head + b'WWW-Authenticate: Basic realm="iDRAC"\r\n\r\n40\r\n<!DOCTYPE html>', Close())


@frozen(slots=False)
class RejectedEverywhere(Behaviour, name="root-needs-auth", aliases=("401-root",)):
    """401 even for the service root when no credentials come with it. Causes nothing for a client that
    then sends them."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        known = "authorization" in asked.headers or "x-auth-token" in asked.headers
        return normal() if known or asked.method == "POST" else challenge(REJECTED)


@frozen(slots=False)
class Forbidden(Behaviour, name="auth.forbidden", kind=FailureKind.AUTH_FORBIDDEN, aliases=("403",)):
    """403 for every resource but the root and the login. Causes auth.forbidden."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if _before_login(asked) else error(403, _FORBIDDEN)


@frozen(slots=False)
class NoLicence(
    Behaviour, name="auth.forbidden:licence", kind=FailureKind.AUTH_FORBIDDEN, aliases=("no-licence",)
):
    """403 because a licence is missing, usually for one `path`. Causes auth.forbidden."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if _before_login(asked) else error(403, _LICENCE)


@frozen(slots=False)
class Locked(Behaviour, name="auth.locked", kind=FailureKind.AUTH_LOCKED, aliases=("locked",)):
    """403 that says that the account is locked, for logins and resources. Causes auth.locked."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if asked.key in PUBLIC else error(403, LOCKED)


@frozen(slots=False)
class SessionTableFull(Behaviour, name="auth.session_limit", kind=FailureKind.AUTH_SESSION_LIMIT):
    """503 with RAC0218 for every login, and for Basic, which needs one too. Causes auth.session_limit."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return error(503, *FULL) if asked.method == "POST" or "authorization" in asked.headers else normal()


@frozen(slots=False)
class LoginsFull(Behaviour, name="sessions-full"):
    """503 with RAC0218 for every login; Basic works. Causes nothing for a client that falls back to it."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return error(503, *FULL) if asked.method == "POST" else normal()


@frozen(slots=False)
class TokenDies(Behaviour, name="auth.expired", kind=FailureKind.AUTH_EXPIRED, aliases=("token-dies",)):
    """Forgets a session after `requests`. Causes auth.expired with 0, which refuses each new session at
    once; nothing with more, for a client that logs in again."""

    requests: int = 0

    def rules(self, rules: SessionRules) -> SessionRules:
        return replace(rules, token_requests=self.requests)


@frozen(slots=False)
class PasswordChange(
    Behaviour,
    name="auth.password_change",
    kind=FailureKind.AUTH_PASSWORD_CHANGE,
    aliases=("password-change",),
):
    """Logs in, then answers 403 PasswordChangeRequired to everything. Causes auth.password_change."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        return normal() if _before_login(asked) else error(403, _CHANGE)


@frozen(slots=False)
class NoSessions(Behaviour, name="no-sessions", aliases=("sessions-not-offered",)):
    """No session service: logins answer `status` (404, 405, 501). Causes nothing: there is Basic."""

    status: int = 404

    def rules(self, rules: SessionRules) -> SessionRules:
        return replace(rules, offered=False, refusal=self.status)


@frozen(slots=False)
class SessionsElsewhere(Behaviour, name="sessions-elsewhere"):
    """Logins where iDRAC8 takes them, at /redfish/v1/Sessions; 405 elsewhere. Causes nothing."""

    def rules(self, rules: SessionRules) -> SessionRules:
        return replace(rules, collection=OLD_SESSIONS, refusal=405)


@frozen(slots=False)
class OddLocation(Behaviour, name="odd-location"):
    """The Location of a new session is `missing` or `absolute`. Causes nothing: the body names it too."""

    location: Literal["missing", "absolute"] = "missing"

    def rules(self, rules: SessionRules) -> SessionRules:
        return replace(rules, location=self.location)


@frozen(slots=False)
class LogoutRefused(Behaviour, name="logout-refused", aliases=("delete-405",)):
    """DELETE of a session answers `status` (405, 401, 404, 200); it ends only for 2xx. Causes nothing."""

    status: int = 405

    def rules(self, rules: SessionRules) -> SessionRules:
        return replace(rules, logout=self.status)


@frozen(slots=False)
class LoginWithBasicRefused(Behaviour, name="login-refuses-basic"):
    """400 for a login that carries an Authorization header. Causes nothing for a client that sends none."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        if asked.method == "POST" and "authorization" in asked.headers:
            return error(400, Message("Base.1.18.GeneralError", "Authorization is not accepted here."))
        return normal()


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    Rejected,
    RejectedBadly,
    RejectedEverywhere,
    Forbidden,
    NoLicence,
    Locked,
    SessionTableFull,
    LoginsFull,
    TokenDies,
    PasswordChange,
    NoSessions,
    SessionsElsewhere,
    OddLocation,
    LogoutRefused,
    LoginWithBasicRefused,
)
