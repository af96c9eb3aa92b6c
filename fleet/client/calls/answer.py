"""Answers of calls: bodies by their media type, whole `httpx.Response` objects."""

from __future__ import annotations

from datetime import timedelta

import httpx

from fleet.client.message import Reply
from fleet.openapi import Operation, is_json, read_json

_HOPS = {b"content-encoding", b"transfer-encoding", b"content-length"}


def decoded(reply: Reply, operation: Operation | None = None) -> object:
    """The body by its media type: JSON, text, bytes for anything else; None where there is none.

    An answer that does not say what it is, is what the operation documents, where that is one thing. Raises
    `RequestFailed` where it says it is JSON and is not.
    """
    if not reply.body or reply.status == 204:
        return None
    kind = (reply.header("content-type") or "").partition(";")[0].strip().lower()
    if not kind and operation is not None:
        kind = documented(operation, reply.status)
    if is_json(kind):
        return read_json(reply.body, exact=True)[0]
    if kind.startswith("text/"):
        return reply.body.decode(_charset(reply), errors="replace")
    return reply.body


def documented(operation: Operation, status: int) -> str:
    """The one media type that an operation answers with under a status; empty where there are several."""
    kinds = operation.media_types(status)
    return kinds[0] if len(kinds) == 1 else ""


def whole(response: httpx.Response, reply: Reply) -> httpx.Response:
    """The answer with its decoded body in hand: the original was read in chunks, under a limit. Headers that
    say how a body came are left out, but for an answer that has none and tells of another's."""
    told = response.status_code == 304 or response.request.method == "HEAD"
    gone = frozenset[bytes]() if told and not reply.body else _HOPS
    made = httpx.Response(
        response.status_code,
        headers=[(name, value) for name, value in response.headers.raw if name.lower() not in gone],
        content=reply.body,
        request=response.request,
        extensions={key: value for key, value in response.extensions.items() if key != "network_stream"},
    )
    made.elapsed = timedelta(seconds=reply.seconds)
    return made


def _charset(reply: Reply) -> str:
    """The charset of a text, where Python knows it as one; else UTF-8."""
    for part in (reply.header("content-type") or "").split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            try:
                b"x".decode(value.strip().strip('"'), "replace")
            except (LookupError, ValueError):
                return "utf-8"
            return value.strip().strip('"')
    return "utf-8"
