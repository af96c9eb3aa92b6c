"""The documented calls, written as a user writes them, against a real service.

Authentication, manual requests, session factories, the debug log, loaders, keeping, clones and the bounded
loop over them: one section each, in the order of the reference documentation.
"""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx_socks
import orjson
import pytest
import yaml
import yarl
from reference_server import Service, serving
from tiny_proxy import Socks5ProxyHandler

import fleet
from fleet import OpenAPI
from fleet.client import (
    ChainLoader,
    FileSystemLoader,
    HTTPClientError,
    NullLoader,
    PackageLoader,
    PrefixLoader,
    RedirectLoader,
    WebLoader,
    stop_debug_log,
)
from fleet.errors import ConfigError, SpecError
from fleet.openapi import YAML12Loader, YAMLCompatibilityLoader

JSON = "application/json"


def operation(name: str, security: Any = None, **rest: Any) -> dict[str, Any]:
    made = {"operationId": name, "responses": {"200": {"description": "", "content": {JSON: {}}}}, **rest}
    return made if security is None else {**made, "security": security}


PATHS: dict[str, Any] = {
    "/user": {
        "get": operation("userGetCurrent"),
        "patch": operation(
            "user.update",
            parameters=[{"name": "id", "in": "query", "schema": {"type": "integer"}}],
            requestBody={"content": {JSON: {}}},
        ),
    },
    "/single": {"get": operation("single", [{"basicAuth": []}])},
    "/or": {"get": operation("either", [{"basicAuth": []}, {"tokenAuth": []}])},
    "/and": {"get": operation("both", [{"user": [], "password": []}])},
    "/optional": {"get": operation("optional", [{}, {"basicAuth": []}])},
    "/open": {"get": operation("open", [])},
    "/digest": {"get": operation("byDigest", [{"digestAuth": []}])},
    "/machine": {"get": operation("byMachine", [{"machine": []}])},
    "/person": {"get": operation("byPerson", [{"person": []}])},
    "/query": {"get": operation("byQuery", [{"queryKey": []}])},
    "/cookie": {"get": operation("byCookie", [{"cookieKey": []}])},
    "/things/{id}": {
        "get": operation("thing", [], parameters=[{"name": "id", "in": "path", "required": True}])
    },
    "/status/{code}": {"get": operation("status", [])},
    "/redfish/v1/Systems": {"get": operation("systems", [])},
}
SCHEMES: dict[str, Any] = {
    "AuthorizationHeaderToken": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "basicAuth": {"type": "http", "scheme": "basic"},
    "tokenAuth": {"type": "http", "scheme": "bearer"},
    "user": {"type": "apiKey", "in": "header", "name": "x-user"},
    "password": {"type": "apiKey", "in": "header", "name": "x-password"},
    "queryKey": {"type": "apiKey", "in": "query", "name": "key"},
    "cookieKey": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "digestAuth": {"type": "http", "scheme": "digest"},
    "machine": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
    "person": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://h/a", "scopes": {}}}},
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.0.3", "info": {"title": "Reference", "version": "1"}, "paths": PATHS,
    "security": [{"AuthorizationHeaderToken": []}], "components": {"securitySchemes": SCHEMES},
}  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with serving() as service:
        service.files["openapi.json"] = orjson.dumps(DESCRIPTION)
        yield service


@pytest.fixture
def service(running: Service) -> Service:
    running.seen.clear()
    running.connections.clear()
    return running


@pytest.fixture
async def api(service: Service) -> AsyncIterator[OpenAPI]:
    made = await OpenAPI.load_async(f"{service.url}/files/openapi.json")
    service.seen.clear()
    service.connections.clear()
    yield made
    await made.aclose()


@pytest.fixture
def sync_api(service: Service) -> Iterator[OpenAPI]:
    made = OpenAPI.load_sync(f"{service.url}/files/openapi.json", session_factory=httpx.Client)
    service.seen.clear()
    service.connections.clear()
    yield made
    made.close()


# 1. Authentication


async def test_a_single_identifier(api: OpenAPI, service: Service) -> None:
    user, password = "user", "pass:word"
    api.authenticate(basicAuth=(user, password))
    await api._.single()
    assert service.last["headers"]["authorization"] == "Basic dXNlcjpwYXNzOndvcmQ="


async def test_a_choice_takes_either_identifier(api: OpenAPI, service: Service) -> None:
    api.authenticate(basicAuth=("user", "password"))
    await api._.either()
    api.authenticate(None)
    api.authenticate(tokenAuth="aeBah3tu8tho")
    await api._.either()
    kinds = [entry["headers"]["authorization"].split()[0] for entry in service.seen]
    assert kinds == ["Basic", "Bearer"]


async def test_combined_identifiers_in_one_call_or_several(api: OpenAPI, service: Service) -> None:
    api.authenticate(user="theuser", password="thepassword")
    await api._.both()
    api.authenticate(None)
    api.authenticate(user="theuser")
    with pytest.raises(ConfigError, match=r"user \(apiKey\) and password \(apiKey\); given: user"):
        await api._.both()
    api.authenticate(password="thepassword")
    await api._.both()
    for entry in service.seen:
        assert (entry["headers"]["x-user"], entry["headers"]["x-password"]) == ("theuser", "thepassword")
    assert len(service.seen) == 2


async def test_keys_in_header_query_and_cookie(api: OpenAPI, service: Service) -> None:
    api.authenticate(AuthorizationHeaderToken="token t", queryKey="k y", cookieKey="s")
    await api._.userGetCurrent()
    assert service.last["headers"]["authorization"] == "token t"
    await api._.byQuery()
    assert service.last["query"] == "key=k%20y"
    await api._.byCookie()
    assert service.last["cookies"] == {"sid": "s"}


async def test_digest_and_oauth2(api: OpenAPI, service: Service) -> None:
    api.authenticate(digestAuth=("user", "password"), machine=("client id", "client secret"))
    assert await api._.byDigest() == {"user": "user"}
    await api._.byMachine()
    assert service.last["headers"]["authorization"].startswith("Bearer t")
    with pytest.raises(ConfigError, match=r"byPerson: this call needs person \(oauth2\)"):
        await api._.byPerson()
    api.authenticate(person="a given token")
    await api._.byPerson()
    assert service.last["headers"]["authorization"] == "Bearer a given token"


async def test_given_credentials_beat_the_anonymous_alternative(api: OpenAPI, service: Service) -> None:
    await api._.optional()
    assert "authorization" not in service.last["headers"]
    api.authenticate(basicAuth=("user", "password"))
    await api._.optional()
    assert "authorization" in service.last["headers"]
    await api._.open()
    assert "authorization" not in service.last["headers"]


async def test_authentication_is_reset(api: OpenAPI, service: Service) -> None:
    api.authenticate(tokenAuth="t")
    api.authenticate(None)
    await api._.either()
    assert "authorization" not in service.last["headers"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"basicAuth": "text"}, r"'basicAuth' \(basic\) takes \(user, password\)"),
        ({"basicAuth": ("user",)}, r"'basicAuth' \(basic\) takes \(user, password\)"),
        ({"tokenAuth": ("user", "password")}, r"'tokenAuth' \(bearer\) takes a token"),
        ({"user": b"bytes"}, r"'user' \(apiKey\) takes a key"),
        ({"usr": "x"}, "no security scheme 'usr'"),
        ({"digestAuth": "text"}, r"'digestAuth' \(http digest\) takes \(user, password\)"),
        ({"person": ("client", "secret")}, r"'person' \(oauth2\) takes a token.*implicit.*not spoken"),
    ],
)
async def test_wrong_shapes_are_refused_where_they_are_given(
    api: OpenAPI, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        api.authenticate(**given)


# 2. Manual requests


async def test_a_manual_request(api: OpenAPI, service: Service) -> None:
    api.authenticate(AuthorizationHeaderToken="token t")
    req = api.createRequest("userGetCurrent")
    headers, data, response = await req.request(parameters={}, data=None)
    assert (headers["etag"], data["path"]) == ('"7"', "/user")
    assert isinstance(response, httpx.Response)
    assert response.request.headers["authorization"] == "token t"
    assert (await api.createRequest(("/user", "get")).request())[1] == data


def test_a_manual_request_without_await(sync_api: OpenAPI, service: Service) -> None:
    sync_api.authenticate(AuthorizationHeaderToken="token t")
    req = sync_api.createRequest("userGetCurrent")
    headers, data, response = req.request(parameters={}, data=None)
    assert (headers["etag"], data["path"], response.status_code) == ('"7"', "/user", 200)
    assert sync_api._.userGetCurrent() == data


async def test_the_answer_of_a_session_without_await_may_be_awaited(sync_api: OpenAPI) -> None:
    sync_api.authenticate(AuthorizationHeaderToken="token t")
    answered = await asyncio.to_thread(sync_api._.userGetCurrent.request)
    assert await answered is answered
    assert answered.data["path"] == "/user"


async def test_a_header_that_is_no_parameter(api: OpenAPI, service: Service) -> None:
    headers, _, _ = await api.createRequest("userGetCurrent").request()
    req = api.createRequest("user.update")
    req.req.headers["If-Match"] = headers["ETag"]
    r = await req(parameters={"id": 1}, data={"name": "n"})
    assert (r["method"], r["query"], orjson.loads(r["body"])) == ("PATCH", "id=1", {"name": "n"})
    assert service.last["headers"]["if-match"] == '"7"'
    await req(parameters={"id": 2}, data={})
    assert (service.last["query"], service.last["headers"]["if-match"]) == ("id=2", '"7"')


async def test_one_request_object_called_by_many_at_once(api: OpenAPI) -> None:
    req = api.createRequest("thing")
    found = await asyncio.gather(*(req(parameters={"id": number}) for number in range(200)))
    assert [data["path"] for data in found] == [f"/things/{number}" for number in range(200)]


# 3. Session factories


async def test_event_hooks_as_documented(service: Service) -> None:
    heard: list[str] = []

    def log_request(request: httpx.Request) -> None:
        heard.append(f"Request event hook: {request.method} {request.url.path} - Waiting for response")

    def log_response(response: httpx.Response) -> None:
        request = response.request
        heard.append(
            f"Response event hook: {request.method} {request.url.path} - Status {response.status_code}"
        )

    def session_factory(*args: Any, **kwargs: Any) -> httpx.AsyncClient:
        kwargs["event_hooks"] = {"request": [log_request], "response": [log_response]}
        return httpx.AsyncClient(*args, verify=False, timeout=60.0, **kwargs)

    api = await OpenAPI.load_async(f"{service.url}/files/openapi.json", session_factory=session_factory)
    await api._.open()
    await api.aclose()
    assert heard == [
        "Request event hook: GET /open - Waiting for response",
        "Response event hook: GET /open - Status 200",
    ]


async def test_a_socks_proxy_as_documented(service: Service) -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    proxied: list[str] = []
    handler = Socks5ProxyHandler()

    async def handle(stream: anyio.abc.SocketStream) -> None:
        proxied.append("connection")
        await handler.handle(stream)

    def session_factory(*args: Any, **kwargs: Any) -> httpx.AsyncClient:
        kwargs["transport"] = httpx_socks.AsyncProxyTransport.from_url(
            f"socks5://127.0.0.1:{port}", verify=False
        )
        return httpx.AsyncClient(*args, verify=False, timeout=60.0, **kwargs)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listener)
        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(group.cancel_scope.cancel)
        group.start_soon(listener.serve, handle)
        api = OpenAPI.loads(service.url, orjson.dumps(DESCRIPTION), session_factory=session_factory)
        assert (await api._.open())["path"] == "/open"
        assert (await api._.thing({"id": 1}))["path"] == "/things/1"
        await api.aclose()
    assert proxied == ["connection"]


class Session(httpx.AsyncClient):
    """A session factory that is a class."""


def unannotated(*args, **kwargs):  # type: ignore[no-untyped-def]
    return httpx.AsyncClient(*args, **kwargs)


@pytest.mark.parametrize(
    "session_factory",
    [
        lambda *args, **kwargs: httpx.AsyncClient(*args, **kwargs),
        partial(httpx.AsyncClient, timeout=60.0),
        Session,
        unannotated,
        None,
    ],
    ids=["lambda", "partial", "class", "unannotated", "default"],
)
async def test_a_session_lasts_as_long_as_its_handle(
    service: Service, session_factory: Callable[..., httpx.AsyncClient] | None
) -> None:
    api = OpenAPI.loads(service.url, orjson.dumps(DESCRIPTION), session_factory=session_factory)
    for number in range(10):
        await api._.thing({"id": number})
    assert (len(service.seen), len(service.connections)) == (10, 1)
    await api.aclose()


@pytest.mark.parametrize(
    "session_factory",
    [httpx.Client, lambda **kwargs: httpx.Client(**kwargs), partial(httpx.Client, timeout=60.0)],
    ids=["class", "lambda", "partial"],
)
def test_sync_sessions_last_too(service: Service, session_factory: Callable[..., httpx.Client]) -> None:
    api = OpenAPI.loads(service.url, orjson.dumps(DESCRIPTION), session_factory=session_factory)
    for number in range(10):
        assert api._.thing({"id": number})["path"] == f"/things/{number}"
    assert len(service.connections) == 1
    api.close()


# 4. The debug log


async def test_the_debug_log(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "fleet-debug.log"
    monkeypatch.setenv("FLEET_LOGGING_HANDLERS", "debug")
    monkeypatch.setenv("FLEET_DEBUG_LOG", str(path))
    split = {**DESCRIPTION, "paths": {**PATHS, "/split": {"$ref": "common.json#/item"}}}
    service.files["split.json"] = orjson.dumps(split)
    service.files["common.json"] = orjson.dumps({"item": {"get": operation("split", [{"queryKey": []}])}})
    host = logging.getLogger("host.application")
    before = (host.level, host.disabled, list(logging.getLogger().handlers), logging.getLogger("httpx").level)
    api = await OpenAPI.load_async(f"{service.url}/files/split.json")
    api.authenticate(queryKey="c4nary")
    await api._.split()
    with pytest.raises(HTTPClientError):
        await api._.status({"code": 422})
    await api.aclose()
    await anyio.to_thread.run_sync(stop_debug_log)
    text = path.read_text()
    assert (
        f"fleet.OpenAPI DEBUG Downloading Description Document {service.url}/files/common.json using WebLoader(baseurl="
        in text
    )
    assert (
        f"Resolving common.json#/item - Description Document {service.url}/files/common.json unknown ..."
        in text
    )
    assert f'HTTP Request: GET {service.url}/split?*** "HTTP/1.1 200"' in text
    assert f'HTTP Request: GET {service.url}/status/422 "HTTP/1.1 422"' in text
    assert "c4nary" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert before == (
        host.level,
        host.disabled,
        list(logging.getLogger().handlers),
        logging.getLogger("httpx").level,
    )


# 5. Loaders


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A description in two files, with a way out that must not be taken."""
    root = tmp_path / "copy"
    root.mkdir()
    paths = {
        "/open": {"$ref": "shared.yaml#/item"},
        "/out": {"$ref": "../secret.yaml#/item"},
        "/link": {"$ref": "link.yaml#/item"},
        "/web": {"$ref": "http://127.0.0.9:1/x.yaml#/item"},
    }
    (root / "api.json").write_bytes(orjson.dumps({**DESCRIPTION, "paths": paths}))
    item = orjson.dumps({"item": {"get": operation("open", [])}})
    (root / "shared.yaml").write_bytes(item)
    (tmp_path / "secret.yaml").write_bytes(item)
    (root / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    return root


async def test_a_file_system_loader_stays_in_its_directory(directory: Path, service: Service) -> None:
    loading = partial(OpenAPI.load_file, service.url, "api.json", loader=FileSystemLoader(directory))
    api = await asyncio.to_thread(loading)
    assert list(api._) == ["open"]
    assert len(api.document.warnings) == 4  # three ways out, and what is missing
    assert (await api._.open())["path"] == "/open"
    await api.aclose()


@pytest.mark.parametrize(
    "loader",
    [
        lambda root: RedirectLoader(root),
        lambda root: ChainLoader(NullLoader(), RedirectLoader(root)),
        lambda root: lambda uri: (root / uri.rpartition("/")[2]).read_bytes(),
    ],
    ids=["redirect", "chain", "function"],
)
async def test_a_local_copy_stands_in_for_the_web(
    directory: Path, service: Service, loader: Callable[[Path], Any]
) -> None:
    url = "https://named.example/specs/v1/api.json"
    api = await OpenAPI.load_async(url, baseurl=service.url, loader=loader(directory))
    assert (await api._.open())["path"] == "/open"
    await api.aclose()


def test_a_package_resource(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "reference_package"
    (package / "specs").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "specs" / "api.json").write_bytes(orjson.dumps(DESCRIPTION))
    monkeypatch.syspath_prepend(tmp_path)
    api = OpenAPI.load_file("https://h", "api.json", loader=PackageLoader("reference_package", "specs"))
    assert api.document.title == "Reference"
    monkeypatch.delitem(sys.modules, "reference_package")


def test_nothing_but_the_document_itself() -> None:
    with pytest.raises(SpecError, match="nothing beside the document itself"):
        OpenAPI.load_file("https://h", "api.json", loader=NullLoader())
    paths = {"/x": {"$ref": "x.yaml"}}
    api = OpenAPI.loads("https://h", orjson.dumps({**DESCRIPTION, "paths": paths}), loader=NullLoader())
    assert list(api._) == []


async def test_web_documents_are_refused_with_their_status(service: Service) -> None:
    with pytest.raises(SpecError, match="answered 404"):
        await OpenAPI.load_async(f"{service.url}/files/nothing.json")
    with pytest.raises(SpecError, match="not of the origin"):
        await OpenAPI.load_async(f"{service.url}/files/openapi.json", loader=WebLoader("http://127.0.0.9:1/"))


# 6. YAML tags


LINODE = """
openapi: 3.0.0
info: {title: on, version: 2002-12-14}
paths:
  /x:
    get: {operationId: yes, parameters: [{name: 12_24, in: query, schema: {default: 017}}], responses: {}}
"""


def parameter(api: OpenAPI) -> tuple[str, str, Any]:
    (found,) = api.document.operations.values()
    return found.name, found.parameters[0].name, found.parameters[0].default


def test_yaml_is_read_as_its_loader_says(tmp_path: Path) -> None:
    (tmp_path / "linode.yaml").write_text(LINODE)
    for yload, expected in (
        (None, ("yes", "12_24", 17)),
        (YAML12Loader, ("yes", "12_24", 17)),
        (YAML12Loader.without("tag:yaml.org,2002:int"), ("yes", "12_24", "017")),
        (YAMLCompatibilityLoader, ("yes", "12_24", 17)),
        (
            lambda data, uri: orjson.loads(orjson.dumps(yaml.load(data, yaml.BaseLoader))),
            ("yes", "12_24", "017"),
        ),
    ):
        loader = FileSystemLoader(tmp_path, yload=yload)
        for chained in (loader, ChainLoader(NullLoader(), loader)):
            api = OpenAPI.load_file("https://h", tmp_path / "linode.yaml", loader=chained, cache=False)
            assert (api.document.title, api.document.version) == ("on", "2002-12-14")
            assert parameter(api) == expected
            assert parameter(pickle.loads(pickle.dumps(api)) if yload is None else api) == expected


def test_each_loader_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text("openapi: 3.0.0\npaths: {/x: {$ref: 'http://schemas/x.yaml#/item'}}\n")
    folder = tmp_path / "schemas"
    folder.mkdir()
    parameters = "[{name: p, in: query, schema: {default: 017}}]"
    (folder / "x.yaml").write_text(
        f"item: {{get: {{operationId: x, parameters: {parameters}, responses: {{}}}}}}\n"
    )
    texts = PrefixLoader("http://schemas/", folder, yload=YAML12Loader.without("int"))
    loader = ChainLoader(texts, FileSystemLoader(tmp_path))
    api = OpenAPI.load_file("https://h", tmp_path / "api.yaml", loader=loader)
    assert parameter(api) == ("x", "p", "017")


# 7. Keeping


async def test_from_cache_as_documented(service: Service, tmp_path: Path) -> None:
    loaded: list[str] = []

    def from_cache(target: str, cache: str) -> OpenAPI:
        api = None
        try:
            api = OpenAPI.cache_load(Path(cache))
        except FileNotFoundError:
            loaded.append(target)
            api = OpenAPI.load_sync(target)
            api.cache_store(Path(cache))
        return api

    cache = str(tmp_path / "reference.cache")
    for _ in range(2):
        api = await anyio.to_thread.run_sync(from_cache, f"{service.url}/files/openapi.json", cache)
        assert (await api._.open())["path"] == "/open"
        await api.aclose()
    assert len(loaded) == 1
    assert stat.S_IMODE(Path(cache).stat().st_mode) == 0o600
    with_session = await asyncio.to_thread(OpenAPI.cache_load, cache, session_factory=httpx.Client)
    assert (await asyncio.to_thread(with_session._.open))["path"] == "/open"
    with_session.close()


async def test_handles_pickle(api: OpenAPI, service: Service) -> None:
    api.authenticate(basicAuth=("user", "c4nary"))
    data = pickle.dumps(api)
    assert b"c4nary" not in data
    restored = pickle.loads(data)
    assert (await restored._.open())["path"] == "/open"
    await restored.aclose()


# 8. Clones


async def test_clones_call_their_own_service(api: OpenAPI, service: Service) -> None:
    api.authenticate(basicAuth=("user", "password"))
    with serving("127.0.0.2") as second, serving("127.0.0.3") as third:
        api2 = api.clone(baseurl=yarl.URL(f"{second.url}/"))
        api3 = api.clone(third.url)
        api2.authenticate(AuthorizationHeaderToken="token t")
        assert (await api2._.userGetCurrent())["path"] == "/user"
        assert (await api3._["/single", "get"]())["path"] == "/single"
        _, data, _ = await api3.createRequest("optional").request(parameters={}, data=None)
        assert data["path"] == "/optional"
        assert [len(peer.seen) for peer in (service, second, third)] == [0, 1, 2]
        assert third.seen[0]["headers"]["authorization"].startswith("Basic ")
        for clone in (api2, api3):
            await clone.aclose()


async def test_copies_are_clones(api: OpenAPI, service: Service) -> None:
    other = copy.copy(api)
    assert other.document is api.document
    api.authenticate(tokenAuth="t")
    await other._.either()
    assert "authorization" not in service.last["headers"]
    await other.aclose()


# 9. Concurrency over clones


class Client:
    """What a user writes around a handle."""

    def __init__(self, api: OpenAPI) -> None:
        self.api = api

    async def run(self, path: str) -> Any:
        try:
            return await self.api._[path, "get"]()
        finally:
            await self.api.aclose()


async def test_the_documented_bounded_loop(api: OpenAPI, service: Service) -> None:
    urls = [f"{service.url}/{number}" for number in range(100)]
    clients = [Client(api.clone(url)) for url in urls]
    results: list[Any] = []

    qlen = 32
    pending: set[asyncio.Task[Any]] = set()
    offset = 0
    while True:
        lower = offset
        upper = min(offset + qlen - len(pending), len(clients))
        for o in range(lower, upper):
            t = asyncio.create_task(clients[o].run("/redfish/v1/Systems"))
            pending.add(t)
        offset = upper

        if offset == len(clients):
            done, pending = await asyncio.wait(pending, return_when=asyncio.ALL_COMPLETED)
        else:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        results.extend(task.result() for task in done)
        if not pending and offset == len(clients):
            break

    assert {found["path"] for found in results} == {f"/{n}/redfish/v1/Systems" for n in range(100)}
    assert len(service.seen) == 100


async def test_the_same_in_one_line(api: OpenAPI, service: Service) -> None:
    urls = [f"{service.url}/{number}" for number in range(100)]
    results = await fleet.scan(api, urls, lambda api: api._.systems(), limit=32)
    assert [result.value["path"] for result in results] == [f"/{n}/redfish/v1/Systems" for n in range(100)]
