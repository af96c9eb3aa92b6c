"""Where foreign exceptions become ours: the one place that knows what other people's errors mean.

`classify` looks at codes (errno, `verify_code`, the reason of an SSL alert, `gaierror`, a proxy's reply
code), most specific first; message text is read only where a library gives nothing else.
`failure_of` does the same for an answer that was read and is not a success.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from http import HTTPStatus
from typing import Literal

from fleet.client.message import Reply
from fleet.client.wire.foreign import judge_library_error
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind

Phase = Literal["resolve", "connect", "proxy", "tls", "request"]

_TIMEOUTS = {
    "resolve": Kind.DNS_UNAVAILABLE,
    "connect": Kind.TIMEOUT_CONNECT,
    "proxy": Kind.PROXY_TIMEOUT,
    "tls": Kind.TIMEOUT_TLS,
    "request": Kind.TIMEOUT_REQUEST,
}

# Faults of this machine: the same in every phase, and never the host's.
_LOCAL_ERRNO = {
    errno.EMFILE: Kind.LOCAL_DESCRIPTORS,
    errno.ENFILE: Kind.LOCAL_DESCRIPTORS,
    errno.EADDRNOTAVAIL: Kind.LOCAL_PORTS,
    errno.EADDRINUSE: Kind.LOCAL_PORTS,
    errno.ENOMEM: Kind.LOCAL_MEMORY,
    errno.ENOBUFS: Kind.LOCAL_MEMORY,
    errno.ENOSPC: Kind.LOCAL_DISK,
    errno.EDQUOT: Kind.LOCAL_DISK,
    errno.EROFS: Kind.LOCAL_DISK,
}

_ERRNO = {
    errno.ECONNREFUSED: Kind.CONNECT_REFUSED,
    errno.ECONNRESET: Kind.CONNECT_RESET,
    errno.ECONNABORTED: Kind.CONNECT_RESET,
    errno.EPIPE: Kind.CONNECT_RESET,
    errno.ESHUTDOWN: Kind.CONNECT_RESET,
    errno.ENOTCONN: Kind.CONNECT_RESET,
    errno.ENETRESET: Kind.CONNECT_RESET,
    errno.ETIMEDOUT: Kind.TIMEOUT_CONNECT,
    errno.ENETUNREACH: Kind.CONNECT_UNREACHABLE,
    errno.EHOSTUNREACH: Kind.CONNECT_UNREACHABLE,
    errno.ENETDOWN: Kind.CONNECT_UNREACHABLE,
    errno.EHOSTDOWN: Kind.CONNECT_UNREACHABLE,
    errno.ENONET: Kind.CONNECT_UNREACHABLE,
    errno.EAFNOSUPPORT: Kind.CONNECT_UNREACHABLE,  # an IPv6 address on a machine without IPv6
    errno.EACCES: Kind.CONNECT_UNREACHABLE,  # a local firewall said no
    errno.EPERM: Kind.CONNECT_UNREACHABLE,
    errno.EPROTO: Kind.CONNECT_UNREACHABLE,
}

# X509_V_ERR_*: OpenSSL's numbers, which `ssl` does not name.
_VERIFY_CODE = {
    9: Kind.TLS_NOT_YET_VALID,
    10: Kind.TLS_EXPIRED,
    18: Kind.TLS_SELF_SIGNED,
    19: Kind.TLS_UNKNOWN_CA,  # self-signed in the chain: the root is the one that is unknown
    2: Kind.TLS_UNKNOWN_CA,
    20: Kind.TLS_UNKNOWN_CA,
    21: Kind.TLS_UNKNOWN_CA,
    27: Kind.TLS_UNKNOWN_CA,
    62: Kind.TLS_HOSTNAME,
    64: Kind.TLS_HOSTNAME,
}

_SSL_REASON = {
    "WRONG_VERSION_NUMBER": Kind.TLS_PLAIN_HTTP,
    "HTTP_REQUEST": Kind.TLS_PLAIN_HTTP,
    "HTTPS_PROXY_REQUEST": Kind.TLS_PLAIN_HTTP,
    "UNSUPPORTED_PROTOCOL": Kind.TLS_VERSION,
    "NO_PROTOCOLS_AVAILABLE": Kind.TLS_VERSION,
    "WRONG_SSL_VERSION": Kind.TLS_VERSION,
    "VERSION_TOO_LOW": Kind.TLS_VERSION,
}

# What a peer's alert means, whichever version of TLS it is from.
_ALERT = {
    "PROTOCOL_VERSION": Kind.TLS_VERSION,
    "CERTIFICATE_REQUIRED": Kind.TLS_CLIENT_CERT,
    "NO_CERTIFICATE": Kind.TLS_CLIENT_CERT,
    "BAD_CERTIFICATE": Kind.TLS_CLIENT_CERT,
    "CERTIFICATE_UNKNOWN": Kind.TLS_CLIENT_CERT,
    "UNKNOWN_CA": Kind.TLS_CLIENT_CERT,
    "ACCESS_DENIED": Kind.TLS_CLIENT_CERT,
}

_HUNG_UP = "the host closed the connection during the TLS handshake"

_NAME_MISSING = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME), socket.EAI_ADDRFAMILY}


def classify(error: BaseException, *, phase: Phase, via: str | None = None) -> RequestFailed:
    """What an exception of an I/O library means in one phase of an exchange.

    `via` is the label of the proxy, if the connection runs through one: errors of phase `proxy` are then
    the proxy's. The result has `error` as its cause. What no table knows is misuse, hence `local.internal`.
    """
    if isinstance(error, RequestFailed):
        return error
    kind, message = _judge(error, phase)
    if via is not None:
        message = f"{message} (via {via})"
    failed = RequestFailed(kind, message)
    failed.__cause__ = error
    return failed


def _judge(error: BaseException, phase: Phase) -> tuple[Kind, str]:
    library = type(error).__module__.partition(".")[0]
    if library in {"httpx", "httpcore", "h11", "python_socks", "httpx_socks", "httptools"}:
        return judge_library_error(error, phase, _judge)
    if isinstance(error, ssl.SSLError):
        return _judge_tls(error, phase)
    if isinstance(error, socket.gaierror):
        missing = error.errno in _NAME_MISSING
        return (Kind.DNS_NOT_FOUND if missing else Kind.DNS_UNAVAILABLE), str(error.strerror or error)
    if isinstance(error, socket.herror):
        return Kind.DNS_UNAVAILABLE, str(error.strerror or error)
    if isinstance(error, OSError) and error.errno is not None:
        return _judge_errno(error, phase)
    if isinstance(error, TimeoutError):
        return _TIMEOUTS[phase], _timeout_message(phase)
    if isinstance(error, (asyncio.IncompleteReadError, EOFError)):
        return Kind.PROTOCOL_TRUNCATED, "the connection closed early"
    if isinstance(error, ConnectionRefusedError):
        return Kind.CONNECT_REFUSED, "connection refused"
    if phase == "proxy" and isinstance(error, (ConnectionError, EOFError)):
        return Kind.PROXY_PROTOCOL, "the proxy hung up"
    if isinstance(error, ConnectionError):
        return Kind.CONNECT_RESET, _HUNG_UP if phase == "tls" else "the connection was reset"
    if isinstance(error, UnicodeError) and phase == "resolve":
        return Kind.DNS_NOT_FOUND, "the host is not a valid domain name"
    if isinstance(error, asyncio.CancelledError):
        return Kind.LOCAL_CANCELLED, "cancelled"
    return Kind.of_crash(error), f"{type(error).__name__}: {error}"


def _judge_errno(error: OSError, phase: Phase) -> tuple[Kind, str]:
    code = error.errno
    message = error.strerror or errno.errorcode.get(code or 0, "I/O error")
    if kind := _LOCAL_ERRNO.get(code or 0):
        return kind, message
    known = _ERRNO.get(code or 0)
    if known is None:
        if isinstance(error, TimeoutError):
            return _TIMEOUTS[phase], message
        return Kind.LOCAL_INTERNAL, f"{type(error).__name__}: {message}"
    if phase == "resolve":
        return Kind.DNS_UNAVAILABLE, message
    if phase == "proxy":
        # To reach the proxy failed, or it hung up: never the host's doing.
        return (Kind.PROXY_PROTOCOL if known is Kind.CONNECT_RESET else Kind.PROXY_UNREACHABLE), message
    if known is Kind.TIMEOUT_CONNECT:
        return _TIMEOUTS[phase], message
    if known is Kind.CONNECT_RESET and phase == "tls":
        return known, _HUNG_UP
    return known, message


def _judge_tls(error: ssl.SSLError, phase: Phase) -> tuple[Kind, str]:
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _VERIFY_CODE.get(getattr(error, "verify_code", -1), Kind.TLS_HANDSHAKE)
        return kind, getattr(error, "verify_message", None) or reason or "certificate verification failed"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        if phase == "request":
            return Kind.PROTOCOL_TRUNCATED, "the connection closed early"
        return Kind.TLS_HANDSHAKE, _HUNG_UP
    alert = reason.partition("ALERT_")[2]
    known = _ALERT.get(alert) if alert or phase == "request" else _SSL_REASON.get(reason)
    if known:
        return known, reason.lower().replace("_", " ")
    if isinstance(error, ssl.SSLSyscallError):
        return Kind.CONNECT_RESET, "the connection was reset"
    # After the handshake a TLS error is broken traffic, unless the peer sent an alert.
    kind = Kind.TLS_HANDSHAKE if phase != "request" or alert else Kind.PROTOCOL_FRAMING
    return kind, reason.lower().replace("_", " ") or error.strerror or "TLS failed"


def _timeout_message(phase: Phase) -> str:
    return {
        "resolve": "the name was not resolved in time",
        "connect": "no connection in time",
        "proxy": "the proxy did not answer in time",
        "tls": "the TLS handshake did not end in time",
        "request": "no whole answer in time",
    }[phase]


def failure_of(reply: Reply) -> tuple[Kind, str] | None:
    """The failure that an answer's status means, with a message; None for 1xx to 3xx.

    403 looks into the body: Redfish says `PasswordChangeRequired` there. A lock-out is told with 401, 403
    or 503 and words only, a full session table with 429 or 503, so words decide.
    """
    status = reply.status
    if status < 400:
        return None
    text = reply.body[:16384].lower() if status in {401, 403, 429, 503} else b""
    if status == 403 and b"passwordchangerequired" in text:
        return Kind.AUTH_PASSWORD_CHANGE, "403: the password must be changed first"
    if text and any(words in text for words in _LOCKED):
        return Kind.AUTH_LOCKED, f"{status}: the account or this client is locked out"
    match status:
        case 401:
            return Kind.AUTH_REJECTED, "401: the credentials were refused"
        case 403:
            return Kind.AUTH_FORBIDDEN, "403: forbidden"
        case 404:
            return Kind.HTTP_NOT_FOUND, "404: not found"
        case 429 | 503:
            if says_table_full(reply):
                return Kind.AUTH_SESSION_LIMIT, f"{status}: the host's session table is full"
            return Kind.HTTP_UNAVAILABLE, f"{status}: unavailable"
    return Kind.HTTP_STATUS, _phrase(status)


def _phrase(status: int) -> str:
    try:
        return f"{status}: {HTTPStatus(status).phrase.lower()}"
    except ValueError:
        return f"status {status}"


def says_table_full(reply: Reply) -> bool:
    """Whether an answer's words are those for a session table without a free place."""
    text = reply.body[:16384].lower()
    return any(words in text for words in _TABLE_FULL)


# As iDRAC (RAC0218), DMTF's registry, XCC, iLO and Supermicro word it. Lower case.
_TABLE_FULL = (
    b"rac0218",
    b"sessionlimitexceeded",
    b"session limit",
    b"maximum number of user sessions",
    b"maximum number of sessions",
    b"simultaneous sessions",
    b"too many sessions",
)

# Lower case, as iDRAC, iLO, XCC and OpenBMC word it.
_LOCKED = (
    b"locked out",
    b"lockedout",
    b"account is locked",
    b"account locked",
    b"accountlocked",
    b"user is locked",
    b"userlocked",
    b"too many failed",
    b"maximum number of login attempts",
    b"login attempts exceeded",
    b"temporarily blocked",
)
