"""Metrics for others to read: a page while the scan runs, a file when it is done."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from collections.abc import Callable
from http.server import HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import BoundedSemaphore, Thread
from types import TracebackType
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler, generate_latest

from fleet.errors import ConfigError, SinkError
from fleet.observe.metrics import LAST_SUCCESS

MAX_READERS = 8  # scrapes served at the same time; more are closed unanswered
READ_SECONDS = 10.0  # seconds that one peer may keep a reader waiting


def render(registry: CollectorRegistry) -> bytes:
    """The text format, version 0.0.4: what node_exporter's textfile collector reads."""
    return generate_latest(registry)


def write_metrics_file(path: Path, registry: CollectorRegistry) -> None:
    """Write the metrics to `path`, whole or not at all: a temporary file beside it, then a rename.

    The file is readable by all, as a textfile collector under another user needs it. Blocks; call it in a
    thread. Raises SinkError.
    """
    write_for_all(path, render(registry))


def write_for_all(path: Path, data: bytes) -> None:
    """Write a file that everybody may read, whole or not at all: a temporary one beside it, then a rename;
    behind a link, too. What is there and no file (`/dev/stdout`, a pipe) gets the bytes and stays what it is.
    Blocks, but not for somebody who reads. Raises SinkError."""
    try:
        place = Path(os.path.realpath(path))
        if place.exists() and not place.is_file():
            _hand_over(place, data)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SinkError(f"cannot write {path}: {error.strerror or error}") from error


def _hand_over(place: Path, data: bytes) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "wb") as stream:
        os.set_blocking(handle, True)
        stream.write(data)


def last_success(path: Path) -> dict[str, float]:
    """By pipeline, the last success that an earlier metrics file tells of.

    A scan that fails then keeps it in the file that it writes: an alert on its age has something to age.
    Anything unreadable gives nothing.
    """
    found: dict[str, float] = {}
    prefix = f'{LAST_SUCCESS}{{pipeline="'
    try:
        if not path.is_file():
            return found  # a device may have no end, and a pipe nobody who writes
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(prefix) and len(found) < 1000:
                    pipeline, _, value = line.removeprefix(prefix).partition('"} ')
                    found[pipeline] = float(value)
    except (OSError, ValueError):
        return found
    return found


def parse_address(text: str) -> tuple[str, int]:
    """`9100`, `:9100`, `host:9100` or `[::1]:9100`; without a host it is 127.0.0.1. Raises ConfigError."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigError(
            f"--metrics-listen {text!r}: not an address",
            hint="write PORT or HOST:PORT, for example 127.0.0.1:9100",
        )
    return host, int(port)


class MetricsServer:
    """Serves the metrics over HTTP from a thread of its own, for as long as it is entered.

    Rendering 100,000 series takes a second: it must not happen in the event loop. Raises ConfigError when
    the address cannot be bound.
    """

    def __init__(self, registry: CollectorRegistry, address: str) -> None:
        host, port = parse_address(address)
        try:
            self._server = _Server(host, port, MetricsHandler.factory(registry))
        except OSError as error:
            raise ConfigError(f"--metrics-listen {address}: {error.strerror or error}") from error
        self._thread = Thread(target=self._server.serve_forever, name="fleet-metrics", daemon=True)

    @property
    def url(self) -> str:
        """Where the metrics are, with the port that was bound."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}/metrics" if ":" in str(host) else f"http://{host!s}:{port}/metrics"

    def __enter__(self) -> MetricsServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=READ_SECONDS)


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, handler: Callable[..., Any]) -> None:
        try:
            literal = ipaddress.ip_address(host)
            self.address_family = socket.AF_INET6 if literal.version == 6 else socket.AF_INET
        except ValueError:
            self.address_family = socket.AF_INET
        self._free = BoundedSemaphore(MAX_READERS)
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse look-up of our own address, which can hang for seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        request.settimeout(READ_SECONDS)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that went away is nobody's concern: the default prints its traceback to stderr."""
