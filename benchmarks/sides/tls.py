"""The rungs of `benchmarks.tls`: `python sides/tls.py RUNG URL CA COUNT`, one process each.

Each opens connections one after the other on blocking sockets, asks for one small answer and closes. What one
of them took is printed as JSON. Standard library only, unless the rung is of another one.
"""

import json
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

ASKED = b"GET /r1 HTTP/1.1\r\nHost: 127.1.0.1\r\nAuthorization: Basic dTpw\r\nConnection: close\r\n\r\n"
NAME = "127.1.0.1"  # whom the certificate is for
CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
WARM = 20

Once = Callable[[socket.socket], bool]
"""Spends a connected socket; says whether a session was resumed."""


def asked(sock: Any) -> None:
    sock.sendall(ASKED)
    while sock.recv(65_536):
        pass


def bare(_ca: str) -> Once:
    def once(sock: socket.socket) -> bool:
        asked(sock)
        return False

    return once


def by_ssl(
    ca: str,
    *,
    library: str = "ssl",
    verify: bool = True,
    curve: str = "",
    version: str = "",
    resume: str = "",
) -> Once:
    """A library with the face of `ssl`, set up as `fleet` does. `resume` is `once` (the session of the first
    connection, again and again) or `anew` (that of the connection before)."""
    tls = import_module(library)
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if library == "ssl":
        context.set_ciphers(CIPHERS)
    context.check_hostname = verify
    context.verify_mode = tls.CERT_REQUIRED if verify else tls.CERT_NONE
    if verify:
        context.load_verify_locations(ca)
    if curve:
        context.set_ecdh_curve(curve)
    if version:
        context.maximum_version = getattr(ssl.TLSVersion, version)
    session = None

    def once(sock: socket.socket) -> bool:
        nonlocal session
        more = {"session": session} if session is not None else {}
        with context.wrap_socket(sock, server_hostname=NAME, **more) as secured:
            asked(secured)
            if resume == "anew" or (resume and session is None):
                session = secured.session
            return bool(resume and secured.session_reused)

    return once


def by_pyopenssl(ca: str, *, verify: bool = True) -> Once:
    """The newer OpenSSL that the wheel of `cryptography` brings."""
    tls = import_module("OpenSSL.SSL")
    context = tls.Context(tls.TLS_CLIENT_METHOD)
    context.set_cipher_list(CIPHERS.encode())
    if verify:
        context.load_verify_locations(ca)
        context.set_verify(tls.VERIFY_PEER)

    def once(sock: socket.socket) -> bool:
        secured = tls.Connection(context, sock)
        secured.set_connect_state()
        secured.set_tlsext_host_name(NAME.encode())
        secured.do_handshake()
        secured.sendall(ASKED)
        try:
            while secured.recv(65_536):
                pass
        except (tls.ZeroReturnError, tls.SysCallError):
            pass
        return False

    return once


RUNGS: dict[str, Callable[[str], Once]] = {
    "tcp": bare,
    "ssl": partial(by_ssl, verify=False),
    "ssl-x25519": partial(by_ssl, verify=False, curve="X25519"),
    "ssl-p256": partial(by_ssl, verify=False, curve="prime256v1"),
    "ssl-1.2": partial(by_ssl, verify=False, version="TLSv1_2"),
    "ssl-verified": by_ssl,
    "ssl-resumed": partial(by_ssl, resume="once"),
    "ssl-resumed-anew": partial(by_ssl, resume="anew"),
    "ssl-1.2-verified": partial(by_ssl, version="TLSv1_2"),
    "ssl-1.2-resumed": partial(by_ssl, version="TLSv1_2", resume="once"),
    "pyopenssl": partial(by_pyopenssl, verify=False),
    "pyopenssl-verified": by_pyopenssl,
    "rtls": partial(by_ssl, library="rtls", verify=False),
    "rtls-verified": partial(by_ssl, library="rtls"),
}


def main(rung: str, url: str, ca: str, times: int) -> None:
    place = urlsplit(url)
    try:
        once = RUNGS[rung](ca)
    except ImportError as error:
        raise SystemExit(f"left out: {error}") from None

    def some(number: int) -> int:
        resumed = 0
        for _ in range(number):
            with socket.create_connection((place.hostname, place.port)) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                resumed += once(sock)
        return resumed

    some(WARM)
    began = resource.getrusage(resource.RUSAGE_SELF)
    resumed = some(times)
    ended = resource.getrusage(resource.RUSAGE_SELF)
    user, system = ended.ru_utime - began.ru_utime, ended.ru_stime - began.ru_stime
    print(json.dumps({"cpu": (user + system) / times, "user": user / times, "resumed": resumed}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
