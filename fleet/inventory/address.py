"""From what a person writes to the base URL of a target.

One address is `host`, `host:port`, `[v6]:port`, a bare IPv6 address, or a URL with a path prefix. Where a
single host may stand, a range may stand too (`fleet.inventory.ranges`), so splitting comes first and
normalising is done for each host that a range yields.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal, NamedTuple, get_args
from urllib.parse import quote

from fleet.errors import InventoryError

Scheme = Literal["https", "http"]
SCHEMES: tuple[str, ...] = get_args(Scheme)
DEFAULT_PORTS = {"https": 443, "http": 80}
AUTH_HINT = "name the credential instead: auth=NAME, with NAME in the auths file"

_SIMPLE = re.compile(r"([A-Za-z0-9_.-]+)(?::([0-9]+))?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY = re.compile(r"(?:\[[^\]]*\]|[^\[\]/?#\\])*")  # a slash inside brackets is the step of a range
_PREFIX_LENGTH = re.compile(r"/(\d{1,3})(?::(\d*))?")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
_PLAIN_V4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"


class AddressExpression(NamedTuple):
    """An address expression, split but not expanded. `host` has lost the brackets of an IPv6 literal."""

    scheme: str | None
    host: str
    port: int | None
    path: str  # "" or "/prefix", without a trailing slash


class HostPort(NamedTuple):
    """Where a target listens: the parts that exclusions and matches look at. `host` is normalised."""

    host: str
    port: int


def split(text: str) -> AddressExpression:
    """Split an address expression. Raises InventoryError; its message never repeats userinfo."""
    if (simple := _SIMPLE.fullmatch(text)) is not None:  # nine lines of ten, at a third of the cost
        host, port = simple.groups()
        return AddressExpression(None, host, _port(port) if port else None, "")
    if (bad := _CONTROL.search(text)) is not None:
        raise InventoryError(f"an address cannot contain {bad.group()!a}")
    scheme, rest = _take_scheme(text)
    authority = _AUTHORITY.match(rest).group()  # type: ignore[union-attr]  # matches the empty string too
    tail = rest[len(authority) :]
    if "@" in authority:
        raise InventoryError("an address cannot carry a user or a password", hint=AUTH_HINT)
    if "?" in tail or "#" in tail:
        origin = f"{scheme}://{authority}" if scheme is not None else authority
        raise InventoryError("a base URL has no query and no fragment", hint=f"write for example {origin}")
    if tail[:1] in ("[", "]"):
        raise InventoryError(f"a bracket is not closed: {shown(text)}")
    if "\\" in tail:
        raise InventoryError(f"not an address: {shown(text)}")
    if scheme is None and tail:
        return _network(authority, tail, text)
    if tail.endswith("/"):
        path = tail.rstrip("/")
    else:
        path = tail
        if path.count("/") == 1 and path[1:].isdigit() and is_ip(_unbracketed(authority)):
            raise InventoryError(
                f"{shown(text)} could be a network or a host with a path",
                hint=f"a network has no scheme: {authority}{path}; for a path, end it with a slash: {path}/",
            )
    host, port = _take_port(authority, text)
    return AddressExpression(scheme, host, port, _clean_path(path))


def base_url(scheme: str, host: str, port: int | None, path: str) -> tuple[str, HostPort]:
    """The normalised base URL of one host, and where it listens. Raises InventoryError."""
    host = normal_host(host)
    shown_host = f"[{host}]" if ":" in host else host
    default = DEFAULT_PORTS[scheme]
    if port is None or port == default:
        return f"{scheme}://{shown_host}{path}", HostPort(host, default)
    return f"{scheme}://{shown_host}:{port}{path}", HostPort(host, port)


def normal_host(host: str) -> str:
    """The one spelling of a host: lower case, ASCII, IPv6 compressed. Raises InventoryError."""
    if _PLAIN_V4.fullmatch(host):
        return host
    if ":" in host:
        return _normal_v6(host)
    if not host.isascii():
        host = _ascii_name(host)
    host = host.lower().removesuffix(".")
    if not host:
        raise InventoryError("the host is missing")
    if "," in host:
        raise InventoryError(f"not one address: {shown(host)}", hint="where labels follow, one per line")
    if _NUMERIC.fullmatch(host):
        # getaddrinfo would read 010.1, 2130706433 and 0x7f.1 as addresses that nobody meant.
        raise InventoryError(
            f"{host[:60]} is not an IPv4 address: four numbers from 0 to 255, no leading zeros"
        )
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise InventoryError(f"not a host name: {shown(host)}")
    return host


def is_ip(host: str) -> bool:
    """Whether this is an IPv4 or IPv6 literal (without brackets)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def shown(text: str, limit: int = 80) -> str:
    """Text as a message may repeat it: short, printable, and without anything before an `@`."""
    if "@" in text:
        text = "***@" + text.rpartition("@")[2]
    text = text if len(text) <= limit else text[:limit] + "..."
    return repr(text)


def _take_scheme(text: str) -> tuple[str | None, str]:
    found = _SCHEME.match(text)
    if found is None:
        return None, text
    scheme = found.group(1).lower()
    if scheme not in SCHEMES:
        raise InventoryError(f"scheme {scheme[:20]!r} is not one of {', '.join(SCHEMES)}")
    return scheme, text[found.end() :]


def _network(authority: str, tail: str, text: str) -> AddressExpression:
    """`10.0.0.0/24`, `10.0.0.0/24:8443`, `2001:db8::/120`, `[2001:db8::/120]:8443` without a scheme."""
    found = _PREFIX_LENGTH.fullmatch(tail)
    address = _unbracketed(authority)
    if found is None or not is_ip(address):
        raise InventoryError(
            f"not an address: {shown(text)}", hint="a path prefix needs a scheme: https://host/prefix"
        )
    port = _port(found.group(2)) if found.group(2) is not None else None
    return AddressExpression(None, f"{address}/{found.group(1)}", port, "")


def _take_port(authority: str, text: str) -> tuple[str, int | None]:
    if authority.startswith("[") and ":" in authority.partition("]")[0]:
        host, _, rest = authority[1:].partition("]")
        if rest and not rest.startswith(":"):
            raise InventoryError(f"not an address: {shown(text)}")
        return host, _port(rest[1:]) if rest else None
    host, colon, port = authority.rpartition(":")
    if not colon:
        host = authority
    elif ":" in host:
        if not is_ip(authority) and "/" not in authority:
            raise InventoryError(
                f"not an address: {shown(text)}", hint="write [v6]:port for IPv6 with a port"
            )
        return authority, None
    if not host:
        raise InventoryError("the host is missing")
    return host, _port(port) if colon else None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or not 0 < int(text) < 65536:
        raise InventoryError("the port is not a number from 1 to 65535")
    return int(text)


def _unbracketed(authority: str) -> str:
    return authority[1:-1] if authority.startswith("[") and authority.endswith("]") else authority


def v6_text(address: ipaddress.IPv6Address) -> str:
    """The one spelling of an IPv6 address (RFC 5952): compressed, and IPv4 in its last part where it stands
    for an IPv4 address (`::ffff:10.0.0.1`). Releases of Python differ there, and identities must not."""
    mapped = address.ipv4_mapped
    return address.compressed if mapped is None else f"::ffff:{mapped}"


def _normal_v6(host: str) -> str:
    if "%" in host:
        raise InventoryError("an IPv6 address with a zone (%...) is not supported")
    try:
        return v6_text(ipaddress.IPv6Address(host))
    except ValueError:
        raise InventoryError(f"not an IPv6 address: {shown(host)}") from None


def _ascii_name(host: str) -> str:
    import idna  # noqa: PLC0415  # 20 ms, for the few inventories that need it

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise InventoryError(f"not a host name: {shown(host)}") from None


def _clean_path(path: str) -> str:
    if not path:
        return ""
    if any(part in (".", "..") for part in path.replace("%2e", ".").replace("%2E", ".").split("/")):
        raise InventoryError("a path prefix cannot contain . or .. segments")
    return quote(path, safe=_PATH_SAFE)
