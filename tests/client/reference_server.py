"""A small service on 127/8, real HTTP over real sockets, that says what it was sent."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_FIELD = re.compile(r'(\w+)="?([^",]*)"?')


@dataclass
class Service:
    """A running service: its base URL, what it was asked, and from which connections."""

    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)  # served under /files/
    encodings: dict[str, str] = field(default_factory=dict)  # Content-Encoding of files, as they are
    tokens: int = 0  # given out

    @property
    def last(self) -> dict[str, Any]:
        return self.seen[-1]

    def statuses(self) -> list[int]:
        return [entry["status"] for entry in self.seen]

    async def echo(self, request: Request) -> Response:
        entry = await self._noted(request)
        return JSONResponse(
            {key: entry[key] for key in ("method", "path", "query", "body")},
            headers={"ETag": '"7"', "X-Rate-Limit": "12", "X-Tags": "a,b"},
        )

    async def status(self, request: Request) -> Response:
        code = int(request.path_params["code"])
        await self._noted(request, code)
        return JSONResponse({"code": code}, code)

    async def file(self, request: Request) -> Response:
        await self._noted(request)
        name = request.path_params["name"]
        found = self.files.get(name)
        if found is None:
            return PlainTextResponse("not here", 404)
        headers = {"Content-Encoding": self.encodings[name]} if name in self.encodings else None
        return Response(found, headers=headers, media_type="application/yaml")

    async def digest(self, request: Request) -> Response:
        given = dict(_FIELD.findall(request.headers.get("authorization", "").removeprefix("Digest ")))
        fits = given.get("response") == _digest_of(request.method, given, "user", "password")
        await self._noted(request, 200 if fits else 401)
        if fits:
            return JSONResponse({"user": given["username"]})
        challenge = 'Digest realm="r", nonce="n0nce", qop="auth", algorithm=MD5'
        return JSONResponse({}, 401, {"WWW-Authenticate": challenge})

    async def token(self, request: Request) -> Response:
        await self._noted(request)
        form = dict(pair.split("=", 1) for pair in (await request.body()).decode().split("&"))
        if form.get("grant_type") != "client_credentials" or "authorization" not in request.headers:
            return JSONResponse({"error": "invalid_client"}, 401)
        self.tokens += 1
        return JSONResponse({
            "access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600,
        })  # fmt: skip

    async def _noted(self, request: Request, status: int = 200) -> dict[str, Any]:
        self.connections.add(request.scope["client"])
        body = (await request.body()).decode(errors="replace")
        entry = {
            "method": request.method, "path": request.url.path, "query": request.url.query, "body": body,
            "headers": dict(request.headers), "cookies": dict(request.cookies), "status": status,
        }  # fmt: skip
        self.seen.append(entry)
        return entry


def _digest_of(method: str, given: dict[str, str], user: str, password: str) -> str:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    first, second = md5(f"{user}:r:{password}"), md5(f"{method}:{given.get('uri')}")
    middle = ":".join(given.get(key, "") for key in ("nonce", "nc", "cnonce", "qop"))
    return md5(f"{first}:{middle}:{second}")


@contextmanager
def serving(
    host: str = "127.0.0.1", tls: dict[str, Any] | None = None, routes: Sequence[Route] = ()
) -> Iterator[Service]:
    """A service in a thread of its own, until the block ends. `tls` is what uvicorn takes for it; `routes`
    come before its own."""
    service = Service()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(
        routes=[
            *routes,
            Route("/status/{code}", service.status, methods=methods),
            Route("/{prefix}/status/{code}", service.status, methods=methods),
            Route("/files/{name:path}", service.file),
            Route("/digest", service.digest, methods=methods),
            Route("/token", service.token, methods=["POST"]),
            Route("/{rest:path}", service.echo, methods=methods),
        ]
    )
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_config=None, access_log=False, loop="asyncio", **(tls or {})
    )
    server = uvicorn.Server(config)
    with socket.create_server((host, 0)) as listener:  # listens at once: nobody waits for the thread
        service.url = f"{'https' if tls else 'http'}://{host}:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield service
        finally:
            server.should_exit = True
            thread.join()
