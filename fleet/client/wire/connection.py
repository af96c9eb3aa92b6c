"""One HTTP/1.1 connection to one target: the fast path of every scan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from fleet import __version__
from fleet.client.endpoint import Endpoint
from fleet.client.message import Reply, Request
from fleet.client.wire.certificate import CertificateReader
from fleet.client.wire.channel import Channel
from fleet.client.wire.encode import UNTOLD, RequestEncoder
from fleet.client.wire.failures import classify
from fleet.client.wire.framing import ReplyReader
from fleet.client.wire.straight import Heads, StraightAnswer
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits

if TYPE_CHECKING:
    from fleet.client.wire.incoming import Incoming

USER_AGENT = f"fleet/{__version__}"


class Connection:
    """An open connection, made by a `Dialer`. It serves one request at a time.

    `via` is the label of the proxy it runs through; `received` counts the bytes read. By the event
    loop's clock: `dialed` is when it was begun, `opened` when it was there; `secured` when TLS began.
    """

    def __init__(
        self,
        channel: Channel,
        endpoint: Endpoint,
        *,
        limits: Limits,
        via: str | None = None,
        der: bytes | None = None,
        session: Mapping[str, Any] | None = None,
        reader: CertificateReader | None = None,
        dialed: float | None = None,
        secured: float | None = None,
        heads: Heads | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.via = via
        self._clock = asyncio.get_running_loop().time
        self.opened: float = self._clock()
        self.dialed: float = self.opened if dialed is None else dialed
        self._secured = secured
        self._channel = channel
        self._encoder = RequestEncoder(endpoint.host_header, USER_AGENT)
        self._limits = limits
        self._heads = heads or Heads()
        self._der = der
        self._session = session or {}
        self._reader = reader
        self._served = 0
        self._busy = False
        self._keep = True

    @property
    def received(self) -> int:
        """Bytes read so far, those of TLS included."""
        return self._channel.received

    @property
    def closed(self) -> bool:
        """Whether this side has closed it."""
        return self._channel.closed

    @property
    def served(self) -> int:
        """Requests answered so far."""
        return self._served

    @property
    def took(self) -> tuple[float, float | None]:
        """The seconds that opening it took, and what TLS took of them."""
        tls = None if self._secured is None else self.opened - self._secured
        return self.opened - self.dialed, tls

    @property
    def kept(self) -> bool:
        """Whether it is idle and open, as far as this side knows."""
        return self._keep and not self._busy

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent now: it is kept, and the peer has not hung up meanwhile."""
        # Before its first request a TLS 1.3 connection may be readable: session tickets.
        return self._keep and not self._busy and not (self._served and self._channel.readable_now())

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """The facts of the peer's certificate (see `certificate.Certificate`); None on plain HTTP."""
        if self._der is None or self._reader is None:
            return None
        return {**self._reader.read(self._der), **self._session}

    def close(self) -> None:
        """Closes the connection at once. Closing twice is fine."""
        self._keep = False
        self._channel.close()

    async def send(self, request: Request, *, timeout: float) -> Reply:
        """Sends a request and reads its whole answer within `timeout` seconds of wall-clock time.

        Raises RequestFailed. A status of 400 or more is stronger than a broken body: such a reply is returned
        with what could be read of it. Cancelling closes the connection, and so does every failure.
        """
        if self._busy:
            raise RequestFailed(FailureKind.LOCAL_INTERNAL, "a connection serves one request at a time")
        data = self._encoder.encode(request)
        started = self._clock()
        deadline = started + timeout
        self._busy = True
        try:
            try:
                arrived = await self._asked(data, deadline)
                if not arrived:
                    raise _unanswered()
            except Exception as error:
                # Its cause is set, or it is the error itself.
                raise self._failure(error, started=False)  # noqa: B904
            bodiless = request.method == "HEAD"
            answer = None if bodiless else self._heads.answer(arrived, self._limits)
            if answer is None:
                reader = ReplyReader(head_only=bodiless, limits=self._limits, heads=self._heads)
                answer = await self._read(arrived, reader, deadline)
        except BaseException:  # cancellation too: half an answer is nobody's
            self.close()
            raise
        finally:
            self._busy = False
        self._served += 1
        status, headers, keeps, body = answer
        if not keeps:
            self.close()
        return Reply(status, headers, body, request.path, self._clock() - started)

    async def begin(
        self,
        request: Request,
        *,
        timeout: float,
        content: AsyncIterable[bytes] | None = None,
        length: int = UNTOLD,
        limits: Limits | None = None,
    ) -> Incoming:
        """Sends a request and reads the head of its answer; the body comes as it is asked for.

        `content` is a body in pieces, of `length` bytes in all. `timeout` is for each piece that is sent, for
        the head, and for each wait for more of the body: how long the whole may take is the caller's to say.
        `limits` stand in for the connection's own. Raises RequestFailed; the connection is closed then, and
        on cancellation.
        """
        if self._busy:
            raise RequestFailed(FailureKind.LOCAL_INTERNAL, "a connection serves one request at a time")
        from fleet.client.wire.incoming import Incoming, SourceFailed  # noqa: PLC0415  (no scan needs it)

        encoder = self._encoder
        data = encoder.encode(request) if content is None else encoder.encode_head(request, length)
        reader = ReplyReader(
            head_only=request.method == "HEAD",
            limits=limits or self._limits,
            piecewise=True,
            heads=self._heads,
        )
        incoming = Incoming(self, reader, timeout)
        self._busy = True
        try:
            broken = await self._push(data, content, length, timeout)
            deadline = incoming.deadline()
            while not reader.status:
                if arrived := await self._channel.receive(deadline):
                    reader.feed(arrived)
                elif reader.started:
                    reader.end()
                else:
                    raise broken or _unanswered()
        except BaseException as error:  # cancellation too: half an answer is nobody's
            incoming.close()
            if isinstance(error, SourceFailed):
                raise error.error from None
            if isinstance(error, Exception):
                # Its cause is set, or it is the error itself.
                raise self._failure(error, started=reader.started)  # noqa: B904
            raise
        return incoming

    async def _push(
        self, head: bytes, content: AsyncIterable[bytes] | None, length: int, timeout: float
    ) -> OSError | None:
        """Sends a request in pieces; the fault that ended it early, if the peer may have answered before."""
        from fleet.client.wire.incoming import source  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        left = length
        try:
            await self._say(head, loop.time() + timeout)
            if content is None:
                return None
            async for piece in source(content):
                left -= len(piece)
                if length != UNTOLD and left < 0:
                    break
                framed = piece if length != UNTOLD else b"%x\r\n%b\r\n" % (len(piece), piece)
                if piece:
                    await self._say(framed, loop.time() + timeout)
            if length == UNTOLD:
                await self._say(b"0\r\n\r\n", loop.time() + timeout)
            elif left:
                raise RequestFailed(
                    FailureKind.LOCAL_INTERNAL, "the body is not as long as it was said to be"
                )
        except TimeoutError:
            raise
        except OSError as error:
            return error
        return None

    async def _say(self, data: bytes, deadline: float) -> None:
        if (rest := self._channel.send(data, deadline)) is not None:
            await rest

    def _ended(self, reader: ReplyReader) -> None:
        """One more answer was read to its end."""
        self._busy = False
        self._served += 1
        if not reader.reusable:
            self.close()

    def _asked(self, data: bytes, deadline: float) -> Awaitable[bytes]:
        """Sends a request: what is to be awaited for the first bytes of its answer."""
        try:
            rest = self._channel.send(data, deadline)
        except TimeoutError:
            raise
        except OSError as error:
            return self._despite(error, deadline)
        return self._channel.receive(deadline) if rest is None else self._after(rest, deadline)

    async def _after(self, rest: Awaitable[None], deadline: float) -> bytes:
        """What answers a request, the rest of which has to be sent first."""
        try:
            await rest
        except TimeoutError:
            raise
        except OSError as error:
            broken = error
        else:
            return await self._channel.receive(deadline)
        try:
            return await self._despite(broken, deadline)
        finally:
            del broken  # it holds this frame, which would hold it

    async def _despite(self, broken: OSError, deadline: float) -> bytes:
        """What the peer had said before it hung up, if anything: 413, or an alert that says why."""
        try:
            arrived = await self._channel.receive(deadline)
            if not arrived:
                raise broken
            return arrived
        finally:
            del broken

    async def _read(self, arrived: bytes, reader: ReplyReader, deadline: float) -> StraightAnswer:
        """The answer that begins with these bytes."""
        try:
            while True:
                reader.feed(arrived)
                if reader.behind:
                    await self._decode(reader, deadline)
                if reader.done:
                    break
                arrived = await self._channel.receive(deadline)
                if not arrived:
                    reader.end()
                    break
            return reader.status, tuple(reader.headers), reader.reusable, reader.body()
        except Exception as error:
            failed = self._failure(error, started=reader.started)
            if reader.status >= 400 and failed.kind.blame != "local":
                return reader.status, tuple(reader.headers), False, reader.body_so_far()
            try:
                raise failed
            finally:
                del failed  # it holds this frame, which would hold it
        finally:
            reader.let_go()

    async def _decode(self, reader: ReplyReader, deadline: float) -> None:
        """Decodes what has arrived; a body that grows out of little lets others have their turn meanwhile."""
        loop = asyncio.get_running_loop()
        reader.go_on()
        while reader.behind:
            await asyncio.sleep(0)
            if loop.time() > deadline:
                raise TimeoutError
            reader.go_on()

    def _failure(self, error: Exception, *, started: bool) -> RequestFailed:
        """What a fault means; `started`: after the first byte of an answer."""
        failed = classify(error, phase="request")
        if started or failed.kind.blame == "local":
            return failed
        if self._served:
            # An idle connection that the host had given up: the same request may be sent on another one.
            failed.fresh = failed.kind is FailureKind.TIMEOUT_REQUEST
        elif self.via is not None and not self._channel.received:
            return no_answer(self.via)
        return failed


def _unanswered() -> RequestFailed:
    return RequestFailed(FailureKind.PROTOCOL_TRUNCATED, "closed without an answer")


def no_answer(via: str) -> RequestFailed:
    """The proxy said that it had connected, and then not one byte came from the host. OpenSSH's `-D` says so
    before it has tried."""
    return RequestFailed(
        FailureKind.PROXY_NO_ANSWER, f"connected through {via}, but no byte came from the host"
    )
