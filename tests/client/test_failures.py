"""Every exception that an I/O library can raise has a kind, and codes decide, not words."""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import pickle
import socket
import ssl
from types import ModuleType
from typing import Any

import httptools
import httpx
import pytest
import python_socks

from fleet.client import Reply, classify, failure_of
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind

REQUEST = httpx.Request("GET", "http://127.0.0.1/")

# What only a caller's mistake raises: these, and no others, may stay `local.internal`.
MISUSE = {
    "LocalProtocolError", "UnsupportedProtocol", "InvalidURL", "CookieConflict", "StreamError",
    "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead", "HTTPError", "RequestError",
    "TransportError",    "ProtocolError", "HttpParserCallbackError",
    "ChildProcessError", "FileExistsError", "FileNotFoundError", "IsADirectoryError", "NotADirectoryError",
    "ProcessLookupError", "OSError", "BlockingIOError", "InterruptedError", "SSLWantReadError",
    "SSLWantWriteError", "PermissionError",
}  # fmt: skip


def exceptions_of(*modules: ModuleType) -> list[type[BaseException]]:
    found = {
        value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and inspect.isclass(value) and issubclass(value, Exception)
    }
    return sorted(found, key=lambda cls: (cls.__module__, cls.__name__))


def instance(cls: type[BaseException]) -> BaseException:
    if issubclass(cls, httpx.HTTPStatusError):
        return cls("404", request=REQUEST, response=httpx.Response(404, request=REQUEST))
    if issubclass(cls, httpx.StreamError) and cls is not httpx.StreamError:
        return cls()
    return cls("text")


def os_errors(cls: type[OSError] = OSError) -> list[type[BaseException]]:
    return [cls, *(deeper for child in cls.__subclasses__() for deeper in os_errors(child))]


@pytest.mark.parametrize(
    "cls",
    exceptions_of(httpx, python_socks, ssl, socket, httptools)
    + [c for c in os_errors() if c.__module__ in {"builtins", "socket", "ssl"}],
    ids=lambda cls: f"{cls.__module__}.{cls.__name__}",
)
def test_every_exception_class_is_classified(cls: type[BaseException]) -> None:
    error = instance(cls)
    for phase in ("resolve", "connect", "proxy", "tls", "request"):
        failed = classify(error, phase=phase)  # type: ignore[arg-type]
        assert isinstance(failed, RequestFailed)
        assert failed.message
        assert failed.__cause__ is error
        assert pickle.loads(pickle.dumps(failed)).kind is failed.kind
        internal = failed.kind is Kind.LOCAL_INTERNAL
        assert not internal or cls.__name__ in MISUSE


@pytest.mark.parametrize(
    ("code", "phase", "kind"),
    [
        (errno.EMFILE, "connect", Kind.LOCAL_DESCRIPTORS),
        (errno.ENFILE, "proxy", Kind.LOCAL_DESCRIPTORS),
        (errno.EADDRNOTAVAIL, "connect", Kind.LOCAL_PORTS),
        (errno.EADDRNOTAVAIL, "proxy", Kind.LOCAL_PORTS),
        (errno.ENOMEM, "connect", Kind.LOCAL_MEMORY),
        (errno.ENOBUFS, "request", Kind.LOCAL_MEMORY),
        (errno.ECONNREFUSED, "connect", Kind.CONNECT_REFUSED),
        (errno.ECONNREFUSED, "proxy", Kind.PROXY_UNREACHABLE),
        (errno.ENETUNREACH, "connect", Kind.CONNECT_UNREACHABLE),
        (errno.EHOSTUNREACH, "connect", Kind.CONNECT_UNREACHABLE),
        (errno.ETIMEDOUT, "connect", Kind.TIMEOUT_CONNECT),
        (errno.ETIMEDOUT, "request", Kind.TIMEOUT_REQUEST),
        (errno.ECONNRESET, "request", Kind.CONNECT_RESET),
        (errno.ECONNRESET, "tls", Kind.CONNECT_RESET),
        (errno.ECONNRESET, "proxy", Kind.PROXY_PROTOCOL),
        (errno.EPIPE, "request", Kind.CONNECT_RESET),
        (errno.EBADF, "request", Kind.LOCAL_INTERNAL),
    ],
)
def test_errno_decides(code: int, phase: Any, kind: Kind) -> None:
    assert classify(OSError(code, os.strerror(code)), phase=phase).kind is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (socket.EAI_NONAME, Kind.DNS_NOT_FOUND),
        (socket.EAI_NODATA, Kind.DNS_NOT_FOUND),
        (socket.EAI_AGAIN, Kind.DNS_UNAVAILABLE),
        (socket.EAI_FAIL, Kind.DNS_UNAVAILABLE),
        (socket.EAI_MEMORY, Kind.DNS_UNAVAILABLE),
    ],
)
def test_the_code_of_a_failed_look_up_decides(code: int, kind: Kind) -> None:
    assert classify(socket.gaierror(code, "words"), phase="resolve").kind is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (9, Kind.TLS_NOT_YET_VALID),
        (10, Kind.TLS_EXPIRED),
        (18, Kind.TLS_SELF_SIGNED),
        (19, Kind.TLS_UNKNOWN_CA),
        (20, Kind.TLS_UNKNOWN_CA),
        (21, Kind.TLS_UNKNOWN_CA),
        (62, Kind.TLS_HOSTNAME),
        (64, Kind.TLS_HOSTNAME),
        (23, Kind.TLS_HANDSHAKE),
    ],
)
def test_the_verify_code_decides(code: int, kind: Kind) -> None:
    error = ssl.SSLCertVerificationError(1, "words")
    error.verify_code = code
    error.verify_message = "words"
    assert classify(error, phase="tls").kind is kind


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("WRONG_VERSION_NUMBER", Kind.PROTOCOL_FRAMING),
        ("HTTP_REQUEST", Kind.PROTOCOL_FRAMING),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", Kind.TLS_CLIENT_CERT),
    ],
)
def test_after_the_handshake_only_alerts_are_about_tls(reason: str, kind: Kind) -> None:
    error = ssl.SSLError(1, "words")
    error.reason = reason
    assert classify(error, phase="request").kind is kind


def test_a_hang_up_in_the_handshake_says_where_it_was() -> None:
    for error in (ConnectionResetError("closed"), OSError(errno.ECONNRESET, "Connection reset by peer")):
        failed = classify(error, phase="tls")
        assert failed.kind is Kind.CONNECT_RESET
        assert failed.message == "the host closed the connection during the TLS handshake"


def test_causes_are_found_below_httpx() -> None:
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = middle = RuntimeError("httpcore")
    middle.__context__ = OSError(errno.EMFILE, "Too many open files")
    assert classify(error, phase="request").kind is Kind.LOCAL_DESCRIPTORS
    middle.__context__ = RequestFailed(Kind.TLS_PIN, "not the pinned one")
    assert classify(error, phase="request").kind is Kind.TLS_PIN


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", None),
        (304, b"", None),
        (401, b"", Kind.AUTH_REJECTED),
        (401, b'{"Message": "The account is locked out"}', Kind.AUTH_LOCKED),
        (403, b"", Kind.AUTH_FORBIDDEN),
        (403, b'{"MessageId": "Base.1.12.PasswordChangeRequired"}', Kind.AUTH_PASSWORD_CHANGE),
        (404, b"", Kind.HTTP_NOT_FOUND),
        (429, b"", Kind.HTTP_UNAVAILABLE),
        (503, b"", Kind.HTTP_UNAVAILABLE),
        (500, b"locked out", Kind.HTTP_STATUS),
        (405, b"", Kind.HTTP_STATUS),
    ],
)
def test_what_a_status_means(status: int, body: bytes, kind: Kind | None) -> None:
    found = failure_of(Reply(status, (), body))
    assert (found[0] if found else None) is kind


def test_cancellation_and_unknown_exceptions() -> None:
    assert classify(asyncio.CancelledError(), phase="request").kind is Kind.LOCAL_CANCELLED
    assert classify(ZeroDivisionError("x"), phase="request").kind is Kind.LOCAL_INTERNAL
    assert classify(MemoryError(), phase="request").kind is Kind.LOCAL_MEMORY
    assert classify(RuntimeError("can't start new thread"), phase="resolve").kind is Kind.LOCAL_MEMORY
    failed = RequestFailed(Kind.TLS_PIN, "x")
    assert classify(failed, phase="request") is failed
