"""One entry of an inventory before its address is expanded, and the targets it stands for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fleet.errors import InventoryError
from fleet.inventory.address import HostPort, base_url, shown, split
from fleet.inventory.ranges import parse_range
from fleet.target import Target

RESERVED = ("id", "auth", "proxy")

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BARE = re.compile(r"[A-Za-z0-9_.:/@%+,*!~^\[\]{}()?=-]*")
_SECRETS = {"password", "passwd", "pass", "secret", "token", "apikey", "api_key"}
_USERS = {"user", "username", "login"}


class Row(NamedTuple):
    """An address expression and what the inventory says about it. `line` counts from 1, 0 is unknown."""

    address: str
    file: str
    line: int
    labels: Mapping[str, str] | None = None
    id: str | None = None
    auth: str | None = None
    proxy: str | None = None
    scheme: str | None = None  # of a column of its own; an address with a scheme outranks it
    port: int | None = None

    @property
    def origin(self) -> str:
        """Where it stands: `file:line`, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file


def make_row(address: str, words: Mapping[str, str], *, file: str, line: int, **columns: object) -> Row:
    """A row from its labels, the reserved ones among them. Raises InventoryError."""
    if not words:
        return Row(address, file, line, **columns)  # type: ignore[arg-type]
    labels: dict[str, str] = {}
    reserved: dict[str, str] = {}
    for name, value in words.items():
        if _UNPRINTABLE.search(value):
            raise InventoryError(f"the value of {shown(name)} holds a control character")
        if name in RESERVED:
            if not value:
                raise InventoryError(f"{name}= is empty")
            reserved[name] = value
        else:
            refuse_label(name)
            labels[name] = value
    return Row(address, file, line, labels, **reserved, **columns)  # type: ignore[arg-type]


def refuse_label(name: str) -> None:
    """Raise InventoryError for a name that cannot be a label, with what to write instead."""
    if name.lower() in _SECRETS:
        raise InventoryError(
            f"an inventory holds no secrets: {name}= is refused",
            hint="name the credential instead: auth=NAME, with NAME in the auths file",
        )
    if name.lower() in _USERS:
        raise InventoryError(
            f"{name}= is refused as a label",
            hint="users belong to a credential: auth=NAME, or --user for the scan",
        )
    if not _LABEL.fullmatch(name):
        raise InventoryError(
            f"not a label name: {shown(name)}", hint="letters, digits and _, not starting with a digit"
        )


def label_text(value: object, name: str) -> str:
    """A JSON or YAML scalar as the text of a label. Raises InventoryError for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise InventoryError(f"the value of {shown(name)} is not a plain value")


def targets_of(row: Row, *, scheme: str, expansion: int) -> Iterator[tuple[Target, HostPort]]:
    """The targets that a row stands for, lazily. Raises InventoryError, before the first one where it can."""
    parts = split(row.address)
    used = parts.scheme or row.scheme or scheme
    if parts.port is not None and row.port is not None and parts.port != row.port:
        raise InventoryError(f"two ports: {parts.port} in the address, {row.port} beside it")
    port = parts.port if parts.port is not None else row.port
    if row.proxy is not None:
        _check_proxy(row.proxy)
    hosts = parse_range(parts.host)
    if hosts is None:
        yield _target(row, used, parts.host, port, parts.path)
        return
    _check_size(row, hosts.size, expansion)
    for host in hosts:
        yield _target(row, used, host, port, parts.path)


def address_of(text: str, *, scheme: str) -> str:
    """The base URL of one host, in the one spelling that targets have. Raises InventoryError for what is not
    the address of one host. No file is opened and no name is looked up."""
    parts = split(text)
    if parse_range(parts.host) is not None:
        raise InventoryError(f"{shown(text)} does not name one host")
    return base_url(parts.scheme or scheme, parts.host, parts.port, parts.path)[0]


def check_row(row: Row, *, expansion: int) -> None:
    """Raise InventoryError when the row's expression stands for nothing. Only its first target is made."""
    next(targets_of(row, scheme="https", expansion=expansion))


def format_target(target: Target) -> str:
    """A target as a line of a text inventory; reading it gives the same target back (but for its origin)."""
    words = [target.url]
    if target.id != target.url:
        words.append(f"id={_quoted(target.id)}")
    if target.auth is not None:
        words.append(f"auth={_quoted(target.auth)}")
    if target.proxy is not None:
        words.append(f"proxy={_quoted(target.proxy)}")
    words += [f"{name}={_quoted(value)}" for name, value in target.labels.items()]
    return " ".join(words)


def _target(row: Row, scheme: str, host: str, port: int | None, path: str) -> tuple[Target, HostPort]:
    url, host_port = base_url(scheme, host, port, path)
    return Target(row.id or url, url, row.labels or {}, row.auth, row.proxy, row.origin), host_port


def _check_size(row: Row, size: int, expansion: int) -> None:
    if size > expansion:
        raise InventoryError(f"{shown(row.address)} stands for {size} targets, more than {expansion}")
    if row.id is not None and size > 1:
        raise InventoryError(f"id={row.id} names one target, {shown(row.address)} stands for {size}")


def _check_proxy(proxy: str) -> None:
    if "@" in proxy.partition("://")[2]:
        raise InventoryError(
            "a proxy URL cannot carry a user or a password",
            hint="define it under `proxies:` with username and password, and name it here: proxy=NAME",
        )


def _quoted(value: str) -> str:
    return value if _BARE.fullmatch(value) else shlex.quote(value)
