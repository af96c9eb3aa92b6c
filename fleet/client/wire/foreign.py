"""What the exceptions of httpx, python-socks and httptools mean. Only `failures` reads this module, and only
once one of those libraries has raised."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fleet.client.message import Reply
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind

if TYPE_CHECKING:
    from fleet.client.wire.failures import Phase

Judge = Callable[[BaseException, "Phase"], tuple[Kind, str]]

# httpx wraps h11 and httpcore under the same names; a name is a code here, the most specific first.
_HTTPX: dict[str, tuple[Kind, str]] = {
    "ConnectTimeout": (Kind.TIMEOUT_CONNECT, "no connection in time"),
    "ReadTimeout": (Kind.TIMEOUT_REQUEST, "no answer in time"),
    "WriteTimeout": (Kind.TIMEOUT_REQUEST, "the request was not taken in time"),
    "PoolTimeout": (Kind.TIMEOUT_REQUEST, "no free connection in time"),
    "TimeoutException": (Kind.TIMEOUT_REQUEST, "no answer in time"),
    "ConnectError": (Kind.CONNECT_UNREACHABLE, "no connection"),
    "ReadError": (Kind.CONNECT_RESET, "the connection was reset"),
    "WriteError": (Kind.CONNECT_RESET, "the connection was reset"),
    "CloseError": (Kind.CONNECT_RESET, "the connection was reset"),
    "NetworkError": (Kind.CONNECT_RESET, "the connection failed"),
    "ProxyError": (Kind.PROXY_REFUSED, "the proxy refused"),
    "RemoteProtocolError": (Kind.PROTOCOL_FRAMING, "the answer is not valid HTTP"),
    "DecodingError": (Kind.BODY_ENCODING, "the body does not decode"),
    "TooManyRedirects": (Kind.REDIRECT_LOOP, "too many redirects"),
    "ConnectionNotAvailable": (Kind.CONNECT_RESET, "the connection closed"),
}


def judge_library_error(error: BaseException, phase: Phase, judge: Judge) -> tuple[Kind, str]:
    """The kind and message for an exception of one of these libraries; `judge` judges their causes."""
    match type(error).__module__.partition(".")[0]:
        case "python_socks":
            return _judge_proxy(error, phase, judge)
        case "httptools":
            return _judge_parser(error)
        case _:
            return _judge_httpx(error, phase, judge)


def _judge_httpx(error: BaseException, phase: Phase, judge: Judge) -> tuple[Kind, str]:
    response = getattr(error, "response", None) if type(error).__name__ == "HTTPStatusError" else None
    if response is not None:
        from fleet.client.wire.failures import failure_of  # noqa: PLC0415 (the two modules know each other)

        found = failure_of(Reply(response.status_code, (), b""))
        return found or (Kind.HTTP_STATUS, f"status {response.status_code}")
    name = type(error).__name__
    if "Connect" in name or name == "ProxyError":
        phase = "connect"
    for cause in _causes(error):
        if isinstance(cause, (RequestFailed, ssl.SSLError, socket.gaierror)) or (
            isinstance(cause, OSError) and cause.errno is not None
        ):
            if isinstance(cause, RequestFailed):
                return cause.kind, cause.message
            return judge(cause, "tls" if isinstance(cause, ssl.SSLError) and phase == "connect" else phase)
    if name == "ProxyError":
        return (Kind.PROXY_AUTH if str(error).startswith("407") else Kind.PROXY_REFUSED), str(error)
    text = str(error)
    if name == "RemoteProtocolError" and ("disconnected" in text or "closed" in text):
        return Kind.PROTOCOL_TRUNCATED, text  # httpx has one class for both, and no code
    for ancestor in type(error).__mro__:
        if found := _HTTPX.get(ancestor.__name__):
            return found[0], text or found[1]
    return Kind.LOCAL_INTERNAL, f"{name}: {text}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The chain of causes, innermost last, at most 16 deep; groups of attempts count as their first."""
    for _ in range(16):
        cause = error.__cause__ or error.__context__
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if cause is None:
            return
        yield cause
        error = cause


def _judge_proxy(error: BaseException, phase: Phase, judge: Judge) -> tuple[Kind, str]:
    """python-socks: `ProxyError` has the proxy's reply code, which depends on the protocol; the wire's own
    proxy handshake (see `proxy`) reads it there, knowing which protocol it spoke."""
    if isinstance(error, TimeoutError):
        return Kind.PROXY_TIMEOUT, "the proxy did not answer in time"
    if isinstance(error, OSError):
        if error.errno is None:
            return Kind.PROXY_UNREACHABLE, str(error)
        kind, message = judge(OSError(error.errno, error.strerror), phase)
        return (kind if kind.blame == "local" else Kind.PROXY_UNREACHABLE), message
    code = getattr(error, "error_code", None)
    if code in {407, 0x5D}:  # HTTP; SOCKS 4
        return Kind.PROXY_AUTH, str(error)
    if code is not None:
        return Kind.PROXY_REFUSED, str(error)
    return Kind.PROXY_PROTOCOL, str(error) or "the proxy does not speak its protocol"


def _judge_parser(error: BaseException) -> tuple[Kind, str]:
    cause = error.__context__
    if type(error).__name__ == "HttpParserCallbackError" and cause is not None:
        if isinstance(cause, RequestFailed):
            return cause.kind, cause.message
        return Kind.LOCAL_INTERNAL, f"{type(cause).__name__}: {cause}"
    if type(error).__name__ == "HttpParserUpgrade":
        return Kind.PROTOCOL_FRAMING, "the host switched to another protocol"
    return Kind.PROTOCOL_FRAMING, str(error) or "the answer is not valid HTTP"
