"""A user's program. It is never run: type checkers read it, as strictly as they can, and find nothing to say.

`assert_type` stands where a promise is worth holding: what a call gives, with and without `await`.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, assert_type

import httpx
import yarl

import fleet
from fleet import FileSystemLoader, OpenAPI, WebLoader, scan
from fleet.client import (
    Answered,
    CallFailed,
    ChainLoader,
    DocumentEvent,
    DocumentPlugin,
    HTTPClientError,
    HTTPStatusError,
    InitPlugin,
    LinkedCall,
    Message,
    MessagePlugin,
    OperationRequest,
    PackageLoader,
    RedirectLoader,
    Scanned,
    SchemaMismatch,
)
from fleet.errors import ConfigError, RequestFailed, SpecError
from fleet.openapi import Operation, YAML12Loader, YAMLCompatibilityLoader
from fleet.outcome import FailureKind
from fleet.policy import Limits

# Loading


def session_factory(*args: Any, **kwargs: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(*args, verify=False, timeout=httpx.Timeout(5.0), **kwargs)


def loaded(directory: Path) -> OpenAPI:
    local = FileSystemLoader(directory, yload=YAML12Loader.without("timestamp"))
    loader = ChainLoader(RedirectLoader(directory), PackageLoader("fleet"), WebLoader("https://host/"), local)
    assert_type(fleet.__version__, str)
    OpenAPI.loads("openapi: 3.1.0")
    OpenAPI.loads(yarl.URL("https://host"), b"{}", session_factory=lambda: httpx.Client(verify="ca.pem"))
    OpenAPI.load_file(directory / "openapi.yaml", refs={"http://schemas/": "schemas"}, cache=False)
    OpenAPI.load_file("https://host", "openapi.yaml", session_factory=partial(session_factory, http2=False))
    OpenAPI.load_sync(
        "https://host/openapi.json",
        loader=WebLoader("https://host/", yload=YAMLCompatibilityLoader),
        session_factory=httpx.AsyncClient,
        only=["userGetCurrent", ("/user", "patch")],
    )
    return OpenAPI.load_sync("https://host/openapi.json", baseurl="https://other", loader=loader)


async def plain_options(trust: ssl.SSLContext) -> OpenAPI:
    api = await OpenAPI.load_async(
        "https://host/openapi.json", timeout=5, verify=trust, proxy="socks5h://p:1080"
    )
    return assert_type(
        api.clone(
            yarl.URL("https://other/"),
            headers={"User-Agent": "me"},
            raise_on_http_status={404: None, "4XX": HTTPClientError},
            limits=Limits(),
            validate="warn",
            plugins=[Repair(), Announce(), Trace()],
        ),
        OpenAPI,
    )


# Calling


def authenticated(api: OpenAPI) -> OpenAPI:
    api.authenticate(basicAuth=("user", "password"), tokenAuth="token")
    api.authenticate(None, clientCert=("cert.pem", "key.pem"))
    api.authenticate(None)
    return api


async def called(api: OpenAPI) -> Any:
    user = await api._.userGetCurrent()
    await api._["/user", "patch"](parameters={"id": 1}, data={"name": user["name"]}, context="mine")
    request = assert_type(api.createRequest("user.update"), OperationRequest)
    assert_type(api.create_request(("/user", "get")).operation, Operation)
    headers, data, response = await request.request(parameters={}, data=None)
    assert_type(response, httpx.Response)
    request.req.headers["If-Match"] = assert_type(headers["ETag"], str)
    return await request(parameters={"id": 1}, data=data)


async def followed(api: OpenAPI) -> list[str]:
    answered = assert_type(await api._.userGetCurrent.request(), Answered)
    link = assert_type(answered.links["next"], LinkedCall)
    assert_type((await link.request()).headers, httpx.Headers)
    await link(parameters={"page": 2})
    return list(answered.links)


def called_now(api: OpenAPI) -> int:
    headers, data, response = api.createRequest("userGetCurrent").request()
    assert_type(headers, httpx.Headers)
    with api._.image.stream(limit=1 << 30) as answer:
        assert_type(answer.status, int)
        for piece in answer:
            assert_type(piece, bytes)
    api.close()
    return len(data) + response.status_code


async def streamed(api: OpenAPI, path: Path) -> None:
    async with api._.image.stream() as answer:
        await answer.save(path)
    async with api._.image.stream() as answer:
        async for piece in answer:
            assert_type(piece, bytes)
    items = api._.events.sequence(item_limit=65536)
    async for item in items:
        print(item, items.last_id)
    await api.aclose()


async def refused(api: OpenAPI) -> str:
    try:
        await api._.userGetCurrent()
    except HTTPStatusError as error:
        return f"{assert_type(error.status, int | None)} {error.data!r}"
    except SchemaMismatch as error:
        return str(error)
    except CallFailed as error:
        return assert_type(error.kind, FailureKind).value
    except (RequestFailed, SpecError, ConfigError) as error:
        return error.message
    return ""


# Many


async def everywhere(api: OpenAPI, urls: list[str]) -> list[str]:
    async def model(bmc: OpenAPI) -> str:
        return str((await bmc._.getSystem({"ComputerSystemId": "1"}))["Model"])

    async def generated() -> AsyncIterator[yarl.URL]:
        for url in urls:
            yield yarl.URL(url)

    await scan(api, generated(), model)
    found = assert_type(await scan(api, urls, model, limit=32), list[Scanned[str]])
    for one in found:
        assert_type(one.error, Exception | None)
    return [one.value or one.url for one in found]


# Keeping, types, plugins


def kept(api: OpenAPI, path: Path) -> OpenAPI:
    api.cache_store(path)
    return assert_type(OpenAPI.cache_load(path, session_factory=session_factory, plugins=[Trace()]), OpenAPI)


def typed(api: OpenAPI) -> str:
    user = api.types["User"].model_validate({"name": "me"})
    kind = api._.userGetCurrent.answer_type(200)
    return user.model_dump_json() if kind is None else kind.__name__


class Repair(DocumentPlugin):
    def loaded(self, event: DocumentEvent) -> None:
        event.data = event.data.replace(b"\t", b"  ")

    def parsed(self, event: DocumentEvent) -> None:
        event.tree["servers"] = [{"url": "/api"}]


class Announce(InitPlugin):
    def initialized(self, api: OpenAPI) -> None:
        print(assert_type(api.base_url, str), api.document.title)


class Trace(MessagePlugin):
    async def sending(self, message: Message) -> None:
        if message.request is not None:
            print(message.target, assert_type(message.request.method, str), message.request.path)

    def received(self, message: Message) -> None:
        if message.reply is not None:
            print(assert_type(message.reply.status, int))
