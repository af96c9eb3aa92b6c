"""One call on its way: requests, answers, redirects, handshakes and failures, without I/O."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import httpx

from fleet.client import debug
from fleet.client.calls.answer import decoded, whole
from fleet.client.calls.cookies import joined
from fleet.client.calls.verdict import Violations
from fleet.client.errors import CallFailed, SchemaMismatch, scrubbed, shown, told
from fleet.client.exchange.redirects import redirected
from fleet.client.message import Reply, Request
from fleet.client.wire.decode import Body, decoder_for
from fleet.client.wire.failures import classify, failure_of
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.calls.handshake import Handshake
    from fleet.client.calls.upload import Upload
    from fleet.openapi import Operation

_CONNECTING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_ENCODINGS = ("Accept-Encoding", "gzip, deflate")  # what `decode` speaks, whatever else is installed


class Conversation:
    """What the async and the sync shell have in common.

    A shell sends `first()`, opens the body (`opened`), feeds it, and sends what `answered` returns until that
    is None; `reply` and `response` are the final answer then.
    """

    def __init__(
        self,
        api: OpenAPI,
        operation: Operation,
        request: Request,
        handshake: Handshake | None,
        upload: Upload | None = None,
        *,
        stream: int | None = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> None:
        self.api: OpenAPI = api
        self.operation: Operation = operation
        self.described: Operation | None = operation  # what describes the answer; None: nothing does
        self._request = request
        self._handshake = handshake
        self._upload = upload
        self._stream = stream  # bytes of a body that is handed on as it arrives; None: it is read here
        self._timeout = timeout
        self._endpoint = api.endpoint
        self._limits = api._sessions.limits
        self._started = time.monotonic()
        self._visited = {request.path}
        self._flow: Generator[httpx.Request, httpx.Response, None] | None = None
        self._session: httpx.Client | httpx.AsyncClient | None = None
        self._sent: httpx.Request | None = None
        self._own: httpx.Request | None = None  # the call itself, where a handshake sends others besides
        self._body = Body(self._limits.body)
        self._phase = "request"
        self.reply: Reply | None = None
        self.response: httpx.Response | None = None

    def first(self, session: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        self._session = session
        return self._built(self._request)

    @property
    def is_async(self) -> bool:
        return isinstance(self._session, httpx.AsyncClient)

    @property
    def auth(self) -> httpx.Auth | httpx._client.UseClientDefault | None:
        """What the session shall do about authentication: its own thing, unless a handshake is going on."""
        return httpx.USE_CLIENT_DEFAULT if self._handshake is None else None

    def handed_on(self, response: httpx.Response) -> bool:
        """Whether the body of an answer is for the caller to read: the call's own success, where asked for.

        `reply`, without a body, and `response` are there then.
        """
        fits = 200 <= response.status_code < 300 and (self._flow is None or self._sent is self._own)
        if self._stream is None or not fits:
            return False
        if self._flow is not None:
            self._flow.close()  # the answer to the call itself, and no challenge
            self._flow = None
        if self._handshake is not None:
            self._handshake.settled = True
        self._log(cast(httpx.Request, self._sent), response.status_code)
        self._cookies(response)
        self.reply, self.response = self._reply(response, b""), response
        return True

    def opened(self, response: httpx.Response) -> Body:
        """Where the raw bytes of an answer's body go: its encodings come off a bounded step at a time."""
        self._phase = "body"
        limit = self._limits.body
        if self.response is response and self._stream is not None:
            limit = self._stream
        if response.is_stream_consumed:  # by an event hook, which httpx has decode it
            self._body = Body(limit)
            self._body.feed(response.content)
        else:
            encoding = response.headers.get("content-encoding", "") if response.status_code != 204 else ""
            self._body = decoder_for(encoding, limit)
        return self._body

    def answered(self, response: httpx.Response) -> httpx.Request | None:
        """Takes an answer: what is sent next, or None when it was the last."""
        self._cookies(response)
        request, sent = self._request, cast(httpx.Request, self._sent)
        reply = self._reply(response, self._body.finish())
        complete = whole(response, reply)
        self._log(sent, reply.status)
        if self._flow is not None:
            try:
                self._sent = self._flow.send(complete)
            except StopIteration:
                self._flow = None
            else:
                self._phase = "request"
                return self._sent
        if self._handshake is not None:
            self._handshake.settled = reply.status != 401
        following = redirected(self._endpoint, request, reply)
        if following is None:
            self.reply, self.response = reply, complete
            return None
        if following.path in self._visited or len(self._visited) > self._limits.redirects:
            message = f"redirected {len(self._visited)} time{'s' if len(self._visited) > 1 else ''}"
            raise RequestFailed(FailureKind.REDIRECT_LOOP, message, status=reply.status)
        if reply.status == 303:  # another resource, and what that one answers is not said here
            self.described = None
        self._visited.add(following.path)
        self._request = following
        return self._built(following)

    def _reply(self, response: httpx.Response, body: bytes) -> Reply:
        return Reply(
            response.status_code,
            tuple((name.lower(), value) for name, value in response.headers.multi_items()),
            body,
            self._request.path,
            time.monotonic() - self._started,
        )

    def failed(self, error: Exception) -> CallFailed:
        """The failure of the call, for what a transport or this conversation raised."""
        cause = error.__cause__
        known = error if isinstance(error, RequestFailed) else cause
        found = known if isinstance(known, RequestFailed) else classify(error, phase="request")
        if isinstance(error, httpx.HTTPError):  # the cause of what is raised here, and printed with it
            error.request = told(shown(self._request), self._endpoint.origin)
            if isinstance(error, httpx.HTTPStatusError):  # of a session's own hook
                error.response.request = error.request
            error.args = tuple(scrubbed(str(part), self._request) for part in error.args)
        found.message = scrubbed(found.message, self._request)
        found.args = (found.message,)
        debug.request_failed(self._request, self._endpoint.origin, found)
        phase = "body" if found.kind.group == "body" else self._phase
        if isinstance(error, _CONNECTING) or found.kind.group in _DIALLING:
            phase = "connect"
        return self._failure(found, phase)

    def value(self) -> object:
        """The decoded body of the final answer. Raises `CallFailed`, `HTTPStatusError`."""
        reply = cast(Reply, self.reply)
        table = self.api._sessions.statuses
        made = next((row[2] for row in table if row[0] <= reply.status <= row[1]), None)
        if made is None:
            try:
                return decoded(reply, self.described)
            except RequestFailed as failed:
                raise self.unread(failed, "decode") from failed
        try:
            data = decoded(reply, self.described)
        except RequestFailed:  # the status is the news, not a broken body below it
            data = reply.body
        kind, message = failure_of(reply) or (FailureKind.HTTP_STATUS, f"status {reply.status}")
        if kind is FailureKind.AUTH_REJECTED and self._anonymous:
            message = "401, and authenticate() has been given nothing for this call"
        elif kind is FailureKind.AUTH_REJECTED and (name := self._bare_key):
            message = (
                f"{message}: {name} is the whole Authorization header, as given, and many services want "
                "a word before the key, as in 'Bearer KEY' or 'Token KEY'"
            )
        if reply.body:
            message = f"{message}; what the answer says is in .data"
        raise made(
            kind,
            scrubbed(message, self._request),
            status=reply.status,
            headers=reply.headers,
            data=data,
            seconds=reply.seconds,
            **self._where(),
        )

    @property
    def _anonymous(self) -> bool:
        """Whether nothing that may be a credential went with the call, nor a session's own."""
        request, sent = self._request, cast(httpx.Request, self._sent)
        named = request.sensitive - _NO_CREDENTIALS or request.secrets_in_path or self._handshake is not None
        return not named and sent.headers.keys().isdisjoint({"authorization", "cookie"})

    @property
    def _bare_key(self) -> str:
        """The scheme of an API key that went as the Authorization header, with no word before it."""
        given = {name.lower(): value for name, value in self._request.headers}.get("authorization", " ")
        schemes = [self.api.document.schemes[name] for name in self.api._credentials]
        keys = (s.name for s in schemes if s.kind == "apiKey" and s.parameter.lower() == "authorization")
        return "" if " " in given else next(keys, "")

    @property
    def whole(self) -> bool:
        """Whether the body is read here, and not handed on as it arrives."""
        return self._stream is None

    def mismatch(self, said: str, violations: Violations) -> SchemaMismatch:
        """The error of an answer that is not what the description promises."""
        return SchemaMismatch(
            FailureKind.SCHEMA_MISMATCH,
            f"{said}; the answer is in .response, and validate='warn' takes it as it is",
            violations=violations,
            status=cast(Reply, self.reply).status,
            seconds=time.monotonic() - self._started,
            **self._where(),
        )

    def unread(self, failed: RequestFailed, phase: str) -> CallFailed:
        """The failure of making something of the final answer, with its place: `decode` or `schema`."""
        return self._failure(failed, phase, status=cast(Reply, self.reply).status)

    def _built(self, request: Request) -> httpx.Request:
        session = cast("httpx.Client | httpx.AsyncClient", self._session)
        self._phase = "request"
        headers = list(request.headers)
        if not any(name.lower() == "accept-encoding" for name, _ in headers):
            headers.append(_ENCODINGS)
        url = self._endpoint.origin + request.path
        content: Any = request.body
        if self._upload is not None:
            is_sync = isinstance(session, httpx.Client)
            content = self._upload.now() if is_sync else self._upload.awaited()
            if self._upload.length is not None:
                headers.append(("Content-Length", str(self._upload.length)))
        made = session.build_request(
            request.method,
            url,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            content=content,
            timeout=self._timeout,
            extensions=None if self._stream is None else {"stream": self._stream},
        )
        if (mine := made.headers.get("cookie")) and session.cookies:  # httpx sends one or the other
            jar = session.build_request("GET", url).headers.get("cookie")
            made.headers["cookie"] = joined(mine, jar) if jar else mine
        self._own = made
        if self._handshake is not None:
            self._flow = self._handshake.auth.auth_flow(made)
            made = next(self._flow)
        self._sent = made
        return made

    def _cookies(self, response: httpx.Response) -> None:
        """What an answer of the API itself sets, where only declared cookies are kept."""
        if self.api._sessions.cookies == "declared" and (self._flow is None or self._sent is self._own):
            self.api._learn(response.headers.get_list("set-cookie"))

    def _log(self, sent: httpx.Request, status: int) -> None:
        request, origin = self._request, self._endpoint.origin
        path = sent.url.raw_path.decode("ascii")
        if path != request.path:  # a token's, of another server perhaps
            request = replace(request, method=sent.method, path=path, secrets_in_path=True)
            origin = f"{sent.url.scheme}://{sent.url.netloc.decode('ascii')}"
        debug.request_answered(request, origin, status)

    def _where(self) -> dict[str, Any]:
        request, response = shown(self._request), self.response
        if response is not None:
            response.request = told(request, self._endpoint.origin)
        return {
            "target": self.api.base_url,
            "operation": self.operation.name,
            "method": request.method,
            "path": request.path,
            "request": request,
            "response": response,
        }

    def _failure(self, found: RequestFailed, phase: str, *, status: int | None = None) -> CallFailed:
        found.message = scrubbed(found.message, self._request)
        found.args = (found.message,)  # it is the cause, and printed with it
        return CallFailed(
            found.kind,
            found.message,
            phase=phase,
            status=found.status if status is None else status,
            seconds=time.monotonic() - self._started,
            retry_after=found.retry_after,
            **self._where(),
        )


_NO_CREDENTIALS = frozenset({  # headers that a caller adds to a call, which nobody logs in with
    "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "accept", "range",
})  # fmt: skip
_DIALLING = {"dns", "tls", "proxy"}  # kinds of failures before a connection is there


def is_transport_error(error: Exception) -> bool:
    """Whether an exception is a transport's: httpx's own, or what a transport below it let through."""
    known = isinstance(error, httpx.HTTPError | httpx.StreamError | RequestFailed | OSError)
    return known or type(error).__module__.startswith("python_socks")
