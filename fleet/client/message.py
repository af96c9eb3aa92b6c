"""One request to one target, and its reply, as plain values: what the wire speaks."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from fleet.frozen import frozen

if TYPE_CHECKING:
    from fleet.openapi import Additions

Headers = tuple[tuple[str, str], ...]


@frozen
class Request:
    """One request, ready to send.

    `path` is origin-form and already percent-encoded, base path and query included. `headers` hold no
    Host, Content-Length or Connection: the wire adds those. `route` names the operation (operationId or
    `METHOD /template`) for metrics and events, never a concrete URL. `sensitive` names, in lower case,
    the headers that carry credentials; `secrets_in_path` says that the query does, so nobody prints it.
    Neither headers nor body show in `repr`: a login's body is a password.
    """

    method: str
    path: str
    headers: Headers = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    route: str = ""
    sensitive: frozenset[str] = frozenset()
    secrets_in_path: bool = False

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice does what sending it once does (RFC 9110, section 9.2.2)."""
        return self.method in {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "QUERY"}

    @property
    def shown_path(self) -> str:
        """The path as anybody may read it: without its query where that carries credentials."""
        if not self.secrets_in_path:
            return self.path
        path, mark, _ = self.path.partition("?")
        return f"{path}?***" if mark else path

    def with_additions(self, added: Additions) -> Request:
        """The same with what credentials add to it: headers, a query behind its own, cookies beside its own.
        What needs a handshake is the sender's."""
        path, headers = self.path, self.headers + added.headers
        if added.query:
            path = f"{path}{'&' if '?' in path else '?'}{added.query}"
        if added.cookies:
            own = [value for name, value in headers if name == "Cookie"]
            pairs = "; ".join((*own, *(f"{name}={value}" for name, value in added.cookies)))
            headers = (*(header for header in headers if header[0] != "Cookie"), ("Cookie", pairs))
        sensitive, secret = self.sensitive | added.sensitive, self.secrets_in_path or bool(added.query)
        return Request(self.method, path, headers, self.body, self.route, sensitive, secret)


@frozen
class Reply:
    """One final answer, its body decoded from any Content-Encoding and within the body limit.

    `headers` keep their order; names are lower case. `path` is the origin-form path that answered, which
    differs from the request's after a redirect. `seconds` runs from the first byte sent to the last read.
    Neither headers nor body show in `repr`: a login's answer holds a token.
    """

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    path: str = ""
    seconds: float = 0.0
    attempts: int = 1

    def header(self, name: str, default: str | None = None) -> str | None:
        """The first value of a header; `name` in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return default
