"""The handshake with a proxy, spoken by python-socks on a socket that is already connected."""

from __future__ import annotations

import socket
from typing import Any

from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy as Handshake

from fleet.client.wire.failures import classify
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind as Kind
from fleet.policy import Proxy

_TYPES = {
    "socks5": ProxyType.SOCKS5,
    "socks5h": ProxyType.SOCKS5,
    "socks4": ProxyType.SOCKS4,
    "http": ProxyType.HTTP,
}
_HEAD_LIMIT = 16_384

# What a proxy says about the host behind it is the host's failure; what it says about itself or its rules is
# the proxy's. RFC 1928 section 6; for HTTP, what squid and envoy answer when they cannot connect.
_SOCKS5_REPLIES = {
    3: Kind.CONNECT_UNREACHABLE,
    4: Kind.CONNECT_UNREACHABLE,
    5: Kind.CONNECT_REFUSED,
    6: Kind.CONNECT_UNREACHABLE,
    7: Kind.PROXY_PROTOCOL,
}
_SOCKS4_REPLIES = {0x5D: Kind.PROXY_AUTH}
_HTTP_REPLIES = {
    401: Kind.PROXY_AUTH,  # not by the book, but tiny-proxy and others
    407: Kind.PROXY_AUTH,
    502: Kind.CONNECT_UNREACHABLE,
    503: Kind.CONNECT_UNREACHABLE,
    504: Kind.TIMEOUT_CONNECT,
}


def resolves_names(proxy: Proxy) -> bool:
    """Whether the proxy resolves the host's name; otherwise it is resolved here."""
    return proxy.scheme in {"socks5h", "http"}


async def open_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> socket.socket:
    """Asks the proxy at the other end of `sock` to connect to `host`, and returns the socket to use from
    then on (`sock` is used up, also on failure).

    Raises RequestFailed: `proxy.auth`, `proxy.refused`, `proxy.protocol`, `proxy.reset`, `proxy.no_answer`,
    or the host's own `connect.*` when the proxy reports that. Keeps no deadline: the caller does.
    """
    if not _can_be_sent(proxy):
        raise RequestFailed(Kind.PROXY_AUTH, f"{proxy.label}: {proxy.scheme} cannot carry these credentials")
    overheard = _OverheardSocket(fileno=sock.detach())
    overheard.setblocking(False)
    overheard.whole_head = proxy.scheme == "http"
    try:
        handshake = Handshake(
            _TYPES[proxy.scheme],
            proxy.host,
            proxy.port,
            username=proxy.username,
            password=proxy.password.reveal() if proxy.password else None,
            rdns=True,  # names that are to be resolved here have been
            forward=_Connected(overheard),  # type: ignore[arg-type]
        )
        await handshake.connect(host, port, timeout=None)
    except ProxyError as error:
        overheard.close()
        raise _judge(error, proxy, bytes(overheard.heard)) from error
    except UnicodeError:
        overheard.close()
        raise RequestFailed(Kind.DNS_NOT_FOUND, "the host is not a valid domain name") from None
    except Exception as error:
        overheard.close()
        ended = isinstance(error, (ConnectionError, RequestFailed))
        if ended and (hung_up := _hung_up(proxy, bytes(overheard.heard))):
            raise hung_up from error
        raise classify(error, phase="proxy", via=proxy.label)  # noqa: B904 (it sets the cause)
    except BaseException:
        overheard.close()
        raise
    tunnel = socket.socket(fileno=overheard.detach())
    tunnel.setblocking(False)
    return tunnel


class _Connected:
    """Stands where python-socks expects an earlier proxy of a chain: hands over the connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def connect(self, **_: Any) -> socket.socket:
        return self._socket


class _OverheardSocket(socket.socket):
    """Keeps what the proxy says, since python-socks tells failed authentication by words only; and hands the
    head of an HTTP answer out whole and alone, since python-socks reads it with a single `recv`."""

    whole_head = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heard = bytearray()

    def recv(self, size: int, flags: int = 0) -> bytes:
        if not self.whole_head:
            data = super().recv(size, flags)
            self.heard += data
            return data
        while True:
            data = super().recv(1, flags)  # byte by byte: what follows the head belongs to the host
            self.heard += data
            if self.heard.endswith((b"\r\n\r\n", b"\n\n")):
                return bytes(self.heard)
            if not data or len(self.heard) >= _HEAD_LIMIT:
                raise RequestFailed(Kind.PROXY_PROTOCOL, "the proxy's answer to CONNECT has no end")


def _can_be_sent(proxy: Proxy) -> bool:
    """SOCKS carries up to 255 bytes of ASCII, HTTP latin-1. Checked here: an encoding
    error of python-socks would hold the secret."""
    values = (proxy.username or "", proxy.password.reveal() if proxy.password else "")
    if proxy.scheme == "http":
        return ":" not in values[0] and all(31 < ord(letter) < 256 for letter in "".join(values))
    return all(value.isascii() and "\0" not in value and len(value) <= 255 for value in values)


def _judge(error: ProxyError, proxy: Proxy, heard: bytes) -> RequestFailed:
    if hung_up := _hung_up(proxy, heard):
        return hung_up
    code = error.error_code
    kind = Kind.PROXY_PROTOCOL
    if code is not None:
        replies = {"http": _HTTP_REPLIES, "socks4": _SOCKS4_REPLIES}.get(proxy.scheme, _SOCKS5_REPLIES)
        kind = replies.get(int(code), Kind.PROXY_REFUSED)
    elif proxy.scheme.startswith("socks5") and _refused_login(heard):
        kind = Kind.PROXY_AUTH
    return RequestFailed(kind, f"{proxy.label}: {str(error)[:200]}")


def _hung_up(proxy: Proxy, heard: bytes) -> RequestFailed | None:
    """What a proxy means that ended the connection after these bytes, if that was no word on anything.

    Without a byte it is most likely overloaded, as a jump host is with too many logins. When a SOCKS 5 proxy
    let us in and then hung up, the host refused at once: OpenSSH's early "granted" of `-D` is dropped with
    the channel.
    """
    if not heard:
        return RequestFailed(Kind.PROXY_RESET, f"{proxy.label} hung up without a word")
    if proxy.scheme.startswith("socks5") and heard in {b"\x05\x00", b"\x05\x02\x01\x00"}:
        return RequestFailed(Kind.PROXY_NO_ANSWER, f"{proxy.label} hung up instead of connecting to the host")
    return None


def _refused_login(heard: bytes) -> bool:
    """RFC 1928: no acceptable method; RFC 1929: a status that is not zero."""
    return heard[:2] == b"\x05\xff" or (heard[:2] == b"\x05\x02" and len(heard) == 4 and heard[3] != 0)
