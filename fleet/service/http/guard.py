"""Who may ask what: the host that is named, the user, where the request comes from; and what every answer
carries."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleet.service.http.answers import refusal
from fleet.service.http.web_config import AccessRules

REQUEST_HEADER = "x-fleet-request"  # what a script sends with a POST, and no foreign page can
OPEN = frozenset({"/-/healthy", "/-/ready"})  # they tell nothing, and whoever starts us has no password
MAX_HEAD_BYTES = (
    64 * 1024
)  # bytes of a request's head: any two parameters of the API, percent-encoded, and more
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)(/.*)?", re.IGNORECASE | re.DOTALL)
MAX_BODY_BYTES = 64 * 1024  # bytes of a request's body; nothing here reads one
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Stands before the application. `web` may be replaced while it serves."""

    def __init__(self, app: ASGIApp, web: AccessRules, hosts: Iterable[str]) -> None:
        self.web = web
        self.refused: Counter[str] = Counter({"host": 0, "user": 0, "origin": 0})
        self._app = app
        self.hosts: tuple[str, ...] = tuple(hosts)
        self._own = frozenset({"localhost", socket.gethostname().lower()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        named = _absolute(scope)
        headers = Headers(scope=scope)
        refused = await self._refused(scope, headers, named)
        carrying = _carrying(send, {**SECURITY, **self.web.file.http_server_config.headers})
        await (refused or self._app)(scope, receive, carrying)

    async def _refused(self, scope: Scope, headers: Headers, named: str | None) -> Response | None:
        if _size(scope) > MAX_HEAD_BYTES:
            return refusal(431, f"a request's head has at most {MAX_HEAD_BYTES} bytes here")
        hosts = headers.getlist("host") if named is None else [named]
        if len(hosts) != 1 or not self._known(hosts[0]):
            self.refused["host"] += 1
            return refusal(421, "this service is not known by that name: add it to `hosts:`")
        path = scope["path"]
        given = headers.get("authorization", "")
        if path not in OPEN and not await self._admitted(given):
            self.refused["user"] += 1
            challenge = {"WWW-Authenticate": 'Basic realm="fleet", charset="UTF-8"'}
            return refusal(401, "a user and a password are needed", challenge)
        if scope["method"] == "POST" and not _own_request(path, headers, hosts[0]):
            self.refused["origin"] += 1
            return refusal(403, "a request from another site, or without the header X-Fleet-Request: 1")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES or "transfer-encoding" in headers:
            return refusal(413, "no body is read here")
        return None

    async def _admitted(self, given: str) -> bool:
        """By the users that there are when the answer is known: checking a password takes a while."""
        while True:
            web = self.web
            admitted = not web.protected or await web.admits(given)
            if web is self.web:
                return admitted

    def _known(self, text: str) -> bool:
        """Whether a Host header names this service. An address cannot be rebound, so any is fine."""
        host = text.lower()
        if host.startswith("["):
            host = host[1:].partition("]")[0]
        elif host.count(":") == 1:
            host = host.partition(":")[0]
        host = host.removesuffix(".")
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host in self._own or any(_fits(host, pattern.lower()) for pattern in self.hosts)
        return True


def _absolute(scope: Scope) -> str | None:
    """The host that a request's target names, where that is a whole URL, as proxies write it: it counts in
    place of the Host header (RFC 9112, 3.2.2). The path is then what follows it."""
    found = _ABSOLUTE.fullmatch(scope.get("raw_path") or b"")
    if found is None:
        return None
    scope["raw_path"] = found[2] or b"/"
    scope["path"] = unquote(scope["raw_path"].decode("ascii", "replace"))
    return found[1].decode("ascii", "replace")


def _size(scope: Scope) -> int:
    """Bytes of a request's head, its line and its fields: one that comes in one piece is read whole."""
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")


def _fits(host: str, pattern: str) -> bool:
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _own_request(path: str, headers: Headers, host: str) -> bool:
    """Whether a request that does something was sent by our own page, or by no page at all."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return False
    if site is not None and site not in ("same-origin", "none"):
        return False
    return origin is not None or REQUEST_HEADER in headers or path.startswith("/-/")


def _carrying(send: Send, added: dict[str, str]) -> Send:
    """Sends with these headers, where the answer does not say otherwise."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in added.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
