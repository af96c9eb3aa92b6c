"""A call, written: what there is of a request before it has a base URL and credentials."""

from __future__ import annotations

from fleet.frozen import frozen
from fleet.openapi.calls.forms import Pieces
from fleet.openapi.model import Server


@frozen
class Call:
    """One call as bytes-to-be, before a base URL and credentials: `path` and `query` are percent-encoded.

    `path` is origin-form, without the base path. `headers` hold Accept, Content-Type where there is a body,
    and header parameters; cookies stand apart. `route` is the operation's name.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[tuple[str, str], ...]
    body: bytes | None
    route: str
    pieces: Pieces = ()  # its body instead, where it holds open files
    servers: tuple[Server, ...] = ()  # its own, where it does not stand under the description's
