"""One accepted connection: TLS, HTTP parsing, answers, and the scripts of answers that go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from itertools import chain

from fleet.sim.answering import Answering
from fleet.sim.certificates import Authority
from fleet.sim.reply import Close, Part, Parts, Reply, Reset, Silence, Wait
from fleet.sim.request_parser import RequestParser

CHUNK_BYTES = 64 * 1024
LINGER_SECONDS = 1.0  # seconds that an orderly close waits for the peer's end
BURST_PARTS = 16  # parts of a script played before other connections get a turn

_RESET = struct.pack("ii", 1, 0)
_RETRY = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """Serves one socket until it closes. Driven by the event loop's readiness, no task of its own."""

    __slots__ = (
        "_authority",
        "_counted",
        "_done",
        "_fd",
        "_latency",
        "_loop",
        "_out",
        "_parser",
        "_playing",
        "_script",
        "_sock",
        "_stage",
        "_timer",
        "_writing",
        "host",
    )

    def __init__(
        self,
        sock: socket.socket,
        host: Answering,
        authority: Authority | None,
        latency: float,
        done: dict[int, Connection],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._fd = sock.fileno()
        self.host: Answering = host
        self._authority = authority
        self._latency = latency
        self._done = done
        self._counted = False
        self._stage = "new"  # handshake, serve, linger, closed
        self._out = b""
        self._writing = False
        self._script: Parts | None = None
        self._playing = False
        self._timer: asyncio.TimerHandle | None = None
        self._parser: RequestParser | None = None
        done[self._fd] = self

    # -- the start ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Takes the connection up. Called once."""
        self._counted = True
        if not self.host.connected():
            self.reset()
            return
        greeting = self.host.greet()
        if greeting is not None:
            self._serve()
            self._play(iter(greeting))
        elif self.host.secure and self._authority is not None:
            context = self._authority.kept(self.host.address, self.host.recipe)
            if context is not None:
                self._shake(context)
            else:
                making = self._loop.run_in_executor(
                    None, self._authority.context, self.host.address, self.host.recipe
                )
                making.add_done_callback(self._shake_with)
        else:
            self._serve()

    def _shake_with(self, made: asyncio.Future[ssl.SSLContext]) -> None:
        if self._stage == "closed" or made.cancelled():
            return
        if made.exception() is not None:
            self.reset()
            return
        self._shake(made.result())

    def _shake(self, context: ssl.SSLContext) -> None:
        self._stage = "handshake"
        try:
            self._sock = context.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            self.close()
            return
        self._loop.add_reader(self._fd, self._handshake)
        self._handshake()

    def _handshake(self) -> None:
        assert isinstance(self._sock, ssl.SSLSocket)  # noqa: S101
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.remove_writer(self._fd)
        except ssl.SSLWantWriteError:
            self._loop.add_writer(self._fd, self._handshake)
        except OSError:
            self.host.handshakes_failed += 1
            self.close()
        else:
            self._loop.remove_writer(self._fd)
            self._serve()
            self._readable()

    def _serve(self) -> None:
        self._stage = "serve"
        self._parser = RequestParser()
        self._loop.add_reader(self._fd, self._readable)

    # -- reading -----------------------------------------------------------------------------------------

    def _readable(self) -> None:
        while self._stage in ("serve", "linger"):
            try:
                data = self._sock.recv(CHUNK_BYTES)
            except _RETRY:
                return
            except OSError:
                self.close()
                return
            if not data:
                self.close()
                return
            if self._stage == "serve" and self._parser is not None:
                self._feed(data)
            if not isinstance(self._sock, ssl.SSLSocket):
                return  # a plain socket is readable again when there is more

    def _feed(self, data: bytes) -> None:
        assert self._parser is not None  # noqa: S101
        if not self._parser.feed(data):
            self._parser = None
            self._write(Reply(400, b"", content_type=None).encode(close=True))
            self._finish()
            return
        self._next()

    # -- answering ---------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Answers what was asked, one at a time."""
        while not self._playing and self._stage == "serve" and self._parser is not None:
            asked = self._parser.take()
            if asked is None:
                return
            answer = self.host.respond(asked)
            if isinstance(answer, Reply):
                data = answer.encode(bodiless=asked.method == "HEAD", close=not asked.keep_alive)
                if not self._latency and asked.keep_alive:
                    self._write(data)
                    continue
                ending: tuple[Part, ...] = () if asked.keep_alive else (Close(),)
                answer = (Wait(self._latency), data, *ending) if self._latency else (data, *ending)
            elif not asked.keep_alive:
                answer = chain(answer, (Close(),))
            self._play(iter(answer))

    def _play(self, script: Parts) -> None:
        self._script = script
        self._playing = True
        self._advance()

    def _advance(self) -> None:
        """Plays parts of the script until one has to be waited for."""
        self._timer = None
        for _ in range(BURST_PARTS):
            if self._out or self._script is None or self._stage != "serve":
                return  # goes on when what was written has left
            match next(self._script, None):
                case None:
                    self._script, self._playing = None, False
                    self._next()
                    return
                case bytes() as data:
                    self._write(data)
                case Wait(seconds):
                    self._timer = self._loop.call_later(seconds, self._advance)
                    return
                case Silence():
                    self._parser = None
                    return
                case Close():
                    self._finish()
                    return
                case Reset():
                    self.reset()
                    return
        self._loop.call_soon(self._advance)

    def _write(self, data: bytes) -> None:
        if self._out:
            self._out += data
            return
        try:
            sent = self._sock.send(data)
        except _RETRY:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self._out = data[sent:]
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except _RETRY:
            return
        except OSError:
            self.close()
            return
        self._out = self._out[sent:]
        if not self._out:
            self._writing = False
            self._loop.remove_writer(self._fd)
            if self._stage == "linger":
                self._shut()
            elif self._playing and self._timer is None:
                self._advance()

    # -- the end -----------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """An orderly end: everything written leaves, then the peer's end is awaited for a moment."""
        if self._stage == "closed":
            return
        self._stage = "linger"
        self.discount()
        self._script, self._playing = None, False
        if not self._out:
            self._shut()

    def _shut(self) -> None:
        try:
            if isinstance(self._sock, ssl.SSLSocket):
                with contextlib.suppress(*_RETRY):
                    self._sock.unwrap()
            self._sock.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            self.close()
            return
        self._timer = self._loop.call_later(LINGER_SECONDS, self.close)

    def reset(self) -> None:
        """Ends the connection with RST."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """Ends the connection. Safe to call twice."""
        if self._stage == "closed":
            return
        self._stage = "closed"
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._script = None
        self._parser = None
        self._sock.close()
        self._done.pop(self._fd, None)
        self.discount()

    def discount(self) -> None:
        """Counts the connection out: it ended, or one side has said that it will."""
        if self._counted:
            self._counted = False
            self.host.disconnected()
