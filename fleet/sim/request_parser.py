"""Bytes in, requests out."""

from __future__ import annotations

from collections import deque

import httptools

from fleet.sim.reply import Asked

BODY_LIMIT = 256 * 1024  # of a request; only logins have one, the rest is dropped


class RequestParser:
    """Parses the requests of one connection; httptools calls the `on_` methods."""

    __slots__ = ("_body", "_headers", "_number", "_parser", "_ready", "_url")

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._ready: deque[Asked] = deque()
        self._number = 0
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = b""

    def feed(self, data: bytes) -> bool:
        """Takes bytes in. False when they are not HTTP: no more will be parsed."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return False
        return True

    def take(self) -> Asked | None:
        """The next complete request, in the order in which they came."""
        return self._ready.popleft() if self._ready else None

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        if len(self._body) < BODY_LIMIT:
            self._body += body

    def on_message_complete(self) -> None:
        self._number += 1
        target = self._url.decode("latin-1")
        path, _, query = target.partition("#")[0].partition("?")
        self._ready.append(
            Asked(
                method=self._parser.get_method().decode("latin-1"),
                target=target,
                path=path,
                query=query,
                headers=self._headers,
                body=self._body,
                keep_alive=self._parser.should_keep_alive(),
                number=self._number,
            )
        )
