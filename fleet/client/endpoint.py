"""Where a target's API is served: a base URL, taken apart once."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import urlsplit

from fleet.frozen import frozen

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
_PLAIN = re.compile(r"(https?)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?)(?::([1-9][0-9]{0,4}))?")
_LAST_PORT = 65_535
_PATH = re.compile(r"[\x21-\x7e]*")
_BRACKETED = re.compile(r"\[[^\[\]]*\](?::[0-9]*)?")


@frozen
class Endpoint:
    """A base URL, taken apart.

    `scheme` is `http` or `https`; `host` is lower case and, for IPv6, without brackets; `path` is empty or
    a prefix that starts with a slash and does not end in one.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """The endpoint of a base URL. Raises ValueError, in words for a person, for anything that is not
        `http[s]://host[:port][/prefix]`; userinfo, a query and a fragment are refused."""
        if (plain := _PLAIN.fullmatch(url)) is not None and ".." not in url:  # what nearly all are
            scheme, host, written = plain.groups()
            port = int(written) if written else _PORTS[scheme]
            if port <= _LAST_PORT:
                return cls(scheme, host, port)
        if not url.isprintable() or " " in url:  # `urlsplit` would quietly drop some of these
            raise ValueError("a base URL holds no spaces and no control characters")
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in _PORTS:
            raise ValueError("a base URL starts with http:// or https://")
        if "@" in parts.netloc:
            raise ValueError("a base URL holds no user or password: bind credentials by name")
        if parts.query or parts.fragment:
            raise ValueError("a base URL has no query and no fragment")
        if not _PATH.fullmatch(parts.path):
            raise ValueError("the path of a base URL is percent-encoded ASCII")
        if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):  # `urlsplit` drops what is behind
            raise ValueError("behind a host in brackets there is a colon and a port, or nothing")
        port = _PORTS[scheme] if parts.port is None else parts.port
        if port == 0:
            raise ValueError("port 0 cannot be connected to")
        return cls(
            scheme, _host(parts.hostname or "", bracketed="[" in parts.netloc), port, parts.path.rstrip("/")
        )

    def mounted(self, server_path: str) -> Endpoint:
        """Where the servers of a description stand: a base URL that ends in the path of its server was copied
        with it, and means the same as one without."""
        path = self.path.removesuffix(server_path)
        return self if path == self.path else replace(self, path=path)

    @property
    def tls(self) -> bool:
        """Whether it is spoken to over TLS: its scheme is https."""
        return self.scheme == "https"

    @property
    def host_header(self) -> str:
        """The value of the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`: what two URLs must share for credentials to be shared."""
        return f"{self.scheme}://{self.host_header}"

    @property
    def address(self) -> str:
        """`host:port`, always with the port: how pins and messages name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.origin + self.path


def _host(host: str, *, bracketed: bool) -> str:
    if bracketed:
        try:
            return str(IPv6Address(host))
        except AddressValueError:
            raise ValueError("a host in brackets is an IPv6 address") from None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("the host is not a valid domain name") from None
    host = host.lower()
    if not _HOST.fullmatch(host) or ".." in host:
        raise ValueError("the host is not a valid name or address")
    return host
