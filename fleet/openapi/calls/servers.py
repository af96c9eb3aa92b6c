"""Servers: where a description says that it is served, and what its variables make of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from fleet.errors import ConfigError
from fleet.guess import closest
from fleet.openapi.model import Server, ServerVariable

NO_PATH = (
    "/"  # the server of whoever serves the paths of a description where the base URL says, and no deeper
)
_SAFE = "/:@!$&'()*+,;=-._~%"  # in a path


def read_servers(value: Any) -> tuple[Server, ...]:
    """The usable entries of a `servers` list."""
    listed = value if isinstance(value, list) else []
    return tuple(_server(entry) for entry in listed if isinstance(entry, dict))


def _server(node: dict[str, Any]) -> Server:
    url, found = node.get("url"), node.get("variables")
    variables = {
        str(name): ServerVariable(
            str(variable.get("default", "")),
            tuple(str(choice) for choice in _list(variable.get("enum"))),
            str(variable.get("description") or ""),
        )
        for name, variable in (found.items() if isinstance(found, dict) else ())
        if isinstance(variable, dict)
    }
    text = url if isinstance(url, str) else ""
    return Server(text, str(node.get("name") or ""), str(node.get("description") or ""), variables)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def chosen_server(servers: tuple[Server, ...], which: int | str) -> Server:
    """A server by its place in the list, its name (3.2), or its URL as written; `/` is no path at all, also
    where no server is there. Raises `ConfigError`."""
    if isinstance(which, int):
        if -len(servers) <= which < len(servers):
            return servers[which]
        raise ConfigError(f"the description has no server {which}; it has {len(servers)}, counted from 0")
    for server in servers:
        if which in (server.name, server.url):
            return server
    if which == NO_PATH:
        return Server(NO_PATH)
    known = [word for server in servers for word in (server.name, server.url) if word]
    near = closest(which, known)
    raise ConfigError(
        f"the description has no server {which!r}; it has: {', '.join(known) or 'none'}",
        hint=f"did you mean {near!r}?" if near else None,
    )


def server_url(server: Server, variables: Mapping[str, Any] | None = None) -> str:
    """The URL of a server, each variable at the given value, else at its default.

    Raises `ConfigError` for a variable that the server does not have, and for a value that is not among
    those it allows.
    """
    url = server.url
    for name in variables or ():
        if name not in server.variables:
            known = ", ".join(server.variables) or "none"
            raise ConfigError(f"the server {server.url} has no variable {name!r}; it has: {known}")
    for name, variable in server.variables.items():
        value = str((variables or {}).get(name, variable.default))
        if variables and name in variables and variable.choices and value not in variable.choices:
            known = ", ".join(variable.choices)
            raise ConfigError(f"the server variable {name!r} cannot be {value!r}; it is one of: {known}")
        url = url.replace(f"{{{name}}}", value)
    return url


def own_server(
    servers: tuple[Server, ...], which: int | str, variables: Mapping[str, Any], near: str = ""
) -> str:
    """The path of an operation's own servers, where the description's was chosen by `which` and `variables`:
    of the one with that name or URL, none for `/`, else of the first; with those of the values that it has
    variables for.

    Raises `ConfigError` for a value that is not among those it allows.
    """
    named = (server for server in servers if which in (server.name, server.url))
    server = next(named, Server(NO_PATH) if which == NO_PATH else servers[0])
    known = {name: value for name, value in variables.items() if name in server.variables}
    return path_of_url(server_url(server, known), near)


def path_of_url(url: str, near: str = "") -> str:
    """The path of a server's URL: empty, or with a slash before and none behind. A relative one is found from
    `near`, where that is the URL of a description (3.1, 4.8.5), else from the root."""
    try:
        start = near if near.startswith(("http://", "https://")) else "http://near.invalid/"
        path = quote(urlsplit(urljoin(start, url) if url else "").path.rstrip("/"), safe=_SAFE)
    except ValueError:
        return ""
    return path if not path or path.startswith("/") else f"/{path}"
