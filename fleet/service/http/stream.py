"""`/api/v1/events`: what happens, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fleet.service.http.answers import refusal
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.events import each

IDLE_SECONDS = 15.0  # seconds without an event, after which a comment says that the line still stands
RETRY_MILLISECONDS = 2000  # milliseconds until a browser comes again


class EventStream:
    """Hands the hub's messages to whoever listens. Each has its number as `id` and its name as `event`; the
    first one, `hello`, has the number that the listener is up to date with, and the digest of the page, so
    that one of another version knows."""

    def __init__(self, desk: Desk, page: str) -> None:
        self._desk = desk
        self._page = page

    async def answer(self, _request: Request) -> Response:
        if self._desk.hub.full:
            return refusal(503, "too many listen already", {"Retry-After": "5"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._lines(), media_type="text/event-stream", headers=headers)

    async def _lines(self) -> AsyncIterator[bytes]:
        hub = self._desk.hub
        with hub.listening() as stream:
            live = [run.progress() for run in self._desk.runs.live.values()]
            hello = orjson.dumps({"number": hub.number, "page": self._page, "running": live})
            yield b"retry: %d\nid: %d\nevent: hello\ndata: %s\n\n" % (RETRY_MILLISECONDS, hub.number, hello)
            async for message in each(stream, idle=IDLE_SECONDS):
                if message is None:
                    yield b": still here\n\n"
                    continue
                data = orjson.dumps(message.data)
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (message.number, message.name.encode(), data)
