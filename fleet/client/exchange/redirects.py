"""Which redirects are followed: those that stay with the target, through the gate for links."""

from __future__ import annotations

from dataclasses import replace

from fleet.client.endpoint import Endpoint
from fleet.client.exchange.links import resolve_link
from fleet.client.message import Reply, Request
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

_REDIRECTS = {301, 302, 303, 307, 308}


def redirected(endpoint: Endpoint, request: Request, reply: Reply) -> Request | None:
    """The request that a redirect asks for, or None when the reply is final.

    GET and HEAD follow 301, 302, 303, 307 and 308. Other methods are sent again, body and all, only where the
    server promises that it did nothing yet: 307, 308, and 301 or 302 to the same path plus a slash
    (Supermicro's session service). Raises RequestFailed(redirect.blocked) for every Location that does not
    pass the gate: the new request has the same origin, hence may carry the same credentials.
    """
    if reply.status not in _REDIRECTS:
        return None
    location = reply.header("location")
    if location is None:
        return None
    try:
        path = resolve_link(endpoint, _as_meant(location), at=request.path)
    except RequestFailed as failed:
        message = f"{reply.status} redirect with {failed.message}"
        raise RequestFailed(FailureKind.REDIRECT_BLOCKED, message, status=reply.status) from None
    if request.method in {"GET", "HEAD"}:
        return replace(request, path=path)
    same = path.partition("?")[0] == request.path.partition("?")[0] + "/"
    if reply.status in {307, 308} or (reply.status in {301, 302} and same):
        return replace(request, path=path)
    return None


def _as_meant(location: str) -> str:
    """A Location, which was read as Latin-1 as every header is, in UTF-8 where its bytes are that."""
    try:
        return location.encode("latin-1").decode()
    except UnicodeDecodeError:
        return location
