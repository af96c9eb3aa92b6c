"""What a session does for a handle: handshakes, certificates, and the plain options, against real servers."""

from __future__ import annotations

import asyncio
import gzip
import pickle
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest
import trustme
from reference_server import Service, serving
from tiny_proxy import Socks5ProxyHandler

from fleet import OpenAPI
from fleet.client import CallFailed, HTTPClientError, MessagePlugin, sync_session
from fleet.errors import ConfigError, RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits
from fleet.secret import Secret

JSON = "application/json"
FLOW = {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}
SCHEMES: dict[str, Any] = {
    "digest": {"type": "http", "scheme": "digest"},
    "machine": {"type": "oauth2", "flows": FLOW},
    "foreign": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://127.0.0.9:1/token"}}},
    "tls": {"type": "mutualTLS"},
}


def described(**operations: Any) -> bytes:
    paths = {
        path: {"get": {"operationId": name, "security": security, "responses": {}}}
        for name, (path, security) in operations.items()
    }
    content = {
        "openapi": "3.1.0", "info": {"title": "S", "version": "1"}, "paths": paths,
        "components": {"securitySchemes": SCHEMES},
    }  # fmt: skip
    return orjson.dumps(content)


DESCRIPTION = described(
    byDigest=("/digest", [{"digest": []}]),
    byToken=("/token-protected", [{"machine": []}]),
    byForeign=("/elsewhere", [{"foreign": []}]),
    byCertificate=("/certificate", [{"tls": []}]),
    maybeCertificate=("/maybe", [{}, {"tls": []}]),
    open=("/open", []),
    refused=("/status/401", [{"machine": []}]),
    lost=("/files/nothing", []),
    zipped=("/files/zipped", []),
)
FACTORIES = [None, httpx.AsyncClient]
BOTH = pytest.mark.parametrize("factory", FACTORIES, ids=["wire", "httpx"])


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


def bound(service: Service, factory: Any = None, **options: Any) -> OpenAPI:
    return OpenAPI.loads(service.url, DESCRIPTION, session_factory=factory, **options)


@BOTH
async def test_digest_costs_one_challenge(service: Service, factory: Any) -> None:
    api = bound(service, factory)
    api.authenticate(digest=("user", Secret("password")))
    found = await asyncio.gather(*(api._.byDigest() for _ in range(10)))
    assert found == [{"user": "user"}] * 10
    assert sorted(service.statuses()) == [200] * 10 + [401]
    await api.aclose()


def test_digest_without_await(service: Service) -> None:
    api = bound(service, httpx.Client)
    api.authenticate(digest=("user", "password"))
    assert [api._.byDigest() for _ in range(3)] == [{"user": "user"}] * 3
    assert service.statuses() == [401, 200, 200, 200]
    api.close()


async def test_a_wrong_digest_is_a_401(service: Service) -> None:
    api = bound(service)
    api.authenticate(digest=("user", "c4nary"))
    with pytest.raises(HTTPClientError) as caught:
        await api._.byDigest()
    assert (caught.value.status, caught.value.kind) == (401, FailureKind.AUTH_REJECTED)
    assert "c4nary" not in str(caught.value) + repr(vars(caught.value))
    await api.aclose()


def test_a_scan_refuses_what_needs_a_conversation(service: Service) -> None:
    api = bound(service)
    api.authenticate(digest=("u", "p"), machine=("i", "s"), tls=("c", "k"))
    for name in ("byDigest", "byToken", "byCertificate"):
        with pytest.raises(ConfigError, match="only calls through a session can do that"):
            api.prepare(name)
    api.authenticate(None, machine="given")
    assert dict(api.prepare("byToken").headers)["Authorization"] == "Bearer given"


@BOTH
async def test_client_credentials_get_one_token_for_many_calls(service: Service, factory: Any) -> None:
    api = bound(service, factory)
    api.authenticate(machine=("client", Secret("s:ecret"), "read write"))
    await asyncio.gather(*(api._.byToken() for _ in range(10)))
    first, *rest = service.seen
    assert (first["path"], first["body"]) == ("/token", "grant_type=client_credentials&scope=read+write")
    assert first["headers"]["authorization"] == "Basic Y2xpZW50OnMlM0FlY3JldA=="
    assert {entry["headers"]["authorization"] for entry in rest} == {"Bearer t1"}
    assert len(rest) == 10
    other = api.clone()
    await other._.byToken()
    assert service.last["headers"]["authorization"] == "Bearer t2"  # a clone has its own
    await other.aclose()
    await api.aclose()


def test_client_credentials_without_await(service: Service) -> None:
    api = bound(service, sync_session)
    api.authenticate(machine=("client", "secret"))
    api._.byToken()
    api._.byToken()
    assert [entry["path"] for entry in service.seen] == ["/token", "/token-protected", "/token-protected"]
    api.close()


async def test_a_refused_token_is_renewed_once(service: Service) -> None:
    api = bound(service)
    api.authenticate(machine=("client", "secret"))
    await api._.byToken()
    with pytest.raises(HTTPClientError):
        await api._.refused()
    paths = [entry["path"] for entry in service.seen]
    assert paths == ["/token", "/token-protected", "/status/401", "/token", "/status/401"]
    await api.aclose()


async def test_a_token_endpoint_that_gives_none(service: Service) -> None:
    flows = {"clientCredentials": {"tokenUrl": "/status/403", "scopes": {}}}
    schemes = {"machine": {"type": "oauth2", "flows": flows}}
    content = orjson.loads(DESCRIPTION) | {"components": {"securitySchemes": schemes}}
    api = OpenAPI.loads(service.url, orjson.dumps(content))
    api.authenticate(machine=("client", "c4nary"))
    with pytest.raises(CallFailed, match="token endpoint answered 403") as caught:
        await api._.byToken()
    assert caught.value.kind is FailureKind.AUTH_REJECTED
    assert "c4nary" not in str(caught.value) + repr(vars(caught.value))
    assert len(service.seen) == 1
    await api.aclose()


async def test_no_secret_goes_over_plain_http_to_another_origin(service: Service) -> None:
    api = bound(service)
    api.authenticate(foreign=("client", "secret"))
    with pytest.raises(ConfigError, match="neither https nor of the API's own origin"):
        await api._.byForeign()
    await api.aclose()


async def test_nothing_goes_out_without_the_credential(service: Service) -> None:
    api = bound(service)
    for name in ("byToken", "byCertificate"):
        with pytest.raises(ConfigError, match="give it with authenticate"):
            await api._[name]()
    assert service.seen == []
    await api.aclose()


# Certificates


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An authority, what a server that asks for certificates takes, and certificates of two clients."""
    directory = tmp_path_factory.mktemp("pki")
    authority, stranger = trustme.CA(), trustme.CA()
    made: dict[str, Any] = {"ca": directory / "ca.pem"}
    authority.cert_pem.write_to_path(made["ca"])
    for name, issuer in (("server", authority), ("client", authority), ("stranger", stranger)):
        issued = issuer.issue_cert("127.0.0.1" if name == "server" else f"{name}@example.org")
        made[name] = (str(directory / f"{name}.crt"), str(directory / f"{name}.key"))
        issued.cert_chain_pems[0].write_to_path(made[name][0])
        issued.private_key_pem.write_to_path(made[name][1])
    made["locked"] = (made["client"][0], str(directory / "locked.key"))
    lock(Path(made["client"][1]), Path(made["locked"][1]), b"open sesame")
    made["tls"] = {
        "ssl_certfile": made["server"][0], "ssl_keyfile": made["server"][1], "ssl_ca_certs": str(made["ca"]),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }  # fmt: skip
    return made


def lock(source: Path, target: Path, password: bytes) -> None:
    from cryptography.hazmat.primitives import serialization as words

    key = words.load_pem_private_key(source.read_bytes(), None)
    target.write_bytes(
        key.private_bytes(
            words.Encoding.PEM,
            words.PrivateFormat.PKCS8,
            words.BestAvailableEncryption(password),
        )
    )


@pytest.fixture(scope="module")
def guarded(pki: dict[str, Any]) -> Iterator[Service]:
    with serving(tls=pki["tls"]) as found:
        yield found


@BOTH
async def test_a_certificate_is_presented(guarded: Service, pki: dict[str, Any], factory: Any) -> None:
    api = bound(guarded, factory, verify=pki["ca"])
    api.authenticate(tls=pki["client"])
    assert (await api._.byCertificate())["path"] == "/certificate"
    api.authenticate(tls=(*pki["locked"], Secret("open sesame")))
    assert (await api._.byCertificate())["path"] == "/certificate"
    await api.aclose()


def test_a_certificate_is_presented_without_await(guarded: Service, pki: dict[str, Any]) -> None:
    api = bound(guarded, httpx.Client, verify=str(pki["ca"]))
    api.authenticate(tls=pki["client"])
    assert api._.byCertificate()["path"] == "/certificate"
    api.close()


async def test_a_certificate_that_is_not_taken(guarded: Service, pki: dict[str, Any]) -> None:
    api = bound(guarded, verify=pki["ca"])
    api.authenticate(tls=pki["stranger"])
    with pytest.raises(RequestFailed) as caught:
        await api._.byCertificate()
    # TLS 1.3 tells after the handshake, and some servers close before the alert is out.
    assert caught.value.kind in {
        FailureKind.TLS_CLIENT_CERT, FailureKind.PROTOCOL_TRUNCATED, FailureKind.CONNECT_RESET,
    }  # fmt: skip
    await api.aclose()


@asynccontextmanager
async def asking(pki: dict[str, Any]) -> AsyncIterator[str]:
    """A server that asks for a certificate, takes none as well, and says whose it was given."""
    context = await anyio.to_thread.run_sync(asking_context, pki)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        found = writer.get_extra_info("peercert") or {}
        names = [name for kind, name in found.get("subjectAltName", ()) if kind == "email"]
        body = (names[0] if names else "nobody").encode()
        head = [
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def asking_context(pki: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki["ca"]))
    context.load_cert_chain(*pki["server"])
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient, httpx.Client], ids=["wire", "httpx", "sync"])
async def test_an_optional_certificate(pki: dict[str, Any], factory: Any) -> None:
    async with asking(pki) as url:
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory, verify=pki["ca"])

        async def whose(handle: OpenAPI, name: str = "maybeCertificate") -> Any:
            made = getattr(handle._, name)
            return await asyncio.to_thread(made) if factory is httpx.Client else await made()

        assert await whose(api) == "nobody"
        with pytest.raises(ConfigError, match=r"byCertificate: this call needs tls \(mutualTLS\)"):
            await whose(api, "byCertificate")
        api.authenticate(tls=(*pki["locked"], "open sesame"))
        assert await whose(api) == "client@example.org"
        assert await whose(api, "byCertificate") == "client@example.org"
        clone = api.clone()
        assert await whose(clone) == "client@example.org"
        clone.authenticate(None)
        assert await whose(clone) == "nobody"
        assert await whose(api) == "client@example.org"
        api.authenticate(tls=pki["stranger"])
        with pytest.raises(RequestFailed) as caught:
            await whose(api)
        assert caught.value.kind.group in {"tls", "protocol", "connect"}  # as the server says it, or hangs up
        for handle in (api, clone):
            await handle.aclose()


@pytest.mark.parametrize(
    "value", ["client.pem", ("only",), ("a", "b", "c", "d"), ("a", 5), ("a", "b", ""), 7]
)
def test_what_is_no_certificate_is_refused_at_once(value: Any) -> None:
    api = OpenAPI.loads("https://h", DESCRIPTION)
    message = r"'tls' \(mutualTLS\) takes \(certificate file, key file\)"
    with pytest.raises(ConfigError, match=message):
        api.authenticate(tls=value)


@pytest.mark.parametrize("name", ["absent", "locked", "mixed"])
async def test_certificates_that_cannot_be_used(guarded: Service, pki: dict[str, Any], name: str) -> None:
    pairs = {
        "absent": ("/nowhere.crt", "/nowhere.key"), "locked": (*pki["locked"], "c4nary"),
        "mixed": (pki["client"][0], pki["server"][1]),
    }  # fmt: skip
    api = bound(guarded, verify=pki["ca"])
    api.authenticate(tls=pairs[name])
    with pytest.raises(ConfigError, match="client certificate cannot be used") as caught:
        await api._.byCertificate()
    assert "c4nary" not in str(caught.value)


# Plain options


@BOTH
async def test_headers_of_every_call(service: Service, factory: Any) -> None:
    api = bound(service, factory, headers={"X-Tenant": "one"})
    other = api.clone(service.url, headers={"X-Tenant": "two"})
    for handle in (api, other, api.clone()):
        await handle._.open()
        await handle.aclose()
    assert [entry["headers"]["x-tenant"] for entry in service.seen] == ["one", "two", "one"]


@BOTH
async def test_verify_takes_a_context_a_file_or_false(pki: dict[str, Any], factory: Any) -> None:
    plain = {key: value for key, value in pki["tls"].items() if key not in {"ssl_ca_certs", "ssl_cert_reqs"}}
    context = await anyio.to_thread.run_sync(lambda: ssl.create_default_context(cafile=str(pki["ca"])))
    with serving(tls=plain) as service:
        api = bound(service, factory)
        with pytest.raises(CallFailed) as caught:
            await api._.open()
        assert (caught.value.kind, caught.value.phase) == (FailureKind.TLS_UNKNOWN_CA, "connect")
        await api.aclose()
        for verify in (False, pki["ca"], str(pki["ca"]), context):
            trusting = api.clone(verify=verify)
            assert (await trusting._.open())["path"] == "/open"
            await trusting.aclose()


@asynccontextmanager
async def socks() -> AsyncIterator[tuple[str, list[str]]]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    used: list[str] = []
    handler = Socks5ProxyHandler()

    async def handle(stream: anyio.abc.SocketStream) -> None:
        used.append("connection")
        await handler.handle(stream)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listener)
        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(group.cancel_scope.cancel)
        group.start_soon(listener.serve, handle)
        yield f"127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}", used


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("factory", [*FACTORIES, httpx.Client], ids=["wire", "httpx", "sync"])
async def test_calls_go_through_the_proxy_that_is_given(service: Service, factory: Any, scheme: str) -> None:
    async with socks() as (address, used):
        api = bound(service, factory, proxy=f"{scheme}://{address}")
        if factory is httpx.Client:
            assert (await asyncio.to_thread(api._.open))["path"] == "/open"
            api.close()
        else:
            assert (await api._.open())["path"] == "/open"
            await api.aclose()
    assert used == ["connection"]


async def test_a_dead_proxy_is_the_proxys_failure(service: Service) -> None:
    for factory in FACTORIES:
        api = bound(service, factory, proxy="socks5://127.0.0.9:1")
        with pytest.raises(CallFailed) as caught:
            await api._.open()
        assert (caught.value.kind, caught.value.phase) == (FailureKind.PROXY_UNREACHABLE, "connect")
        await api.aclose()


@BOTH
async def test_a_call_ends_at_its_timeout(factory: Any) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        api = OpenAPI.loads(url, DESCRIPTION, session_factory=factory, timeout=0.05)
        with pytest.raises(CallFailed) as caught:
            await api._.open()
        error = caught.value
        assert (error.kind, error.phase) == (FailureKind.TIMEOUT_REQUEST, "request")
        assert (error.target, error.operation, error.path) == (url, "open", "/open")
        assert 0.05 <= error.seconds < 60
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
        await api.aclose()


async def test_options_reach_a_users_own_factory(service: Service) -> None:
    given: list[dict[str, Any]] = []

    def session_factory(*args: Any, **kwargs: Any) -> httpx.AsyncClient:
        given.append(dict(kwargs))
        return httpx.AsyncClient(*args, **kwargs)

    api = bound(service, session_factory, timeout=3.0, verify=False, headers={"X-Tenant": "one"})
    await api._.open()
    assert given == [{"timeout": 3.0, "verify": False, "headers": {"X-Tenant": "one"}}]
    await api.aclose()

    def documented(*args: Any, **kwargs: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(*args, verify=False, timeout=60.0, **kwargs)

    with pytest.raises(ConfigError, match="session_factory does not take timeout from outside"):
        await bound(service, documented, timeout=3.0)._.open()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout is a number of seconds above 0"),
        ({"timeout": "5"}, "timeout is a number of seconds above 0"),
        ({"limits": 5}, "limits is a fleet.policy.Limits"),
        ({"plugins": 5}, "plugins is a list of instances"),
        ({"plugins": None}, "plugins is a list of instances"),
        ({"plugins": MessagePlugin()}, "plugins is a list of instances"),
        (
            {"plugins": [MessagePlugin]},
            "plugins is a list of instances of fleet.client.Plugin: MessagePlugin is",
        ),
        ({"plugins": ["x"]}, "plugins is a list of instances of fleet.client.Plugin: str is none"),
        ({"verify": 3}, "verify is true, false"),
        ({"proxy": "ftp://h:1"}, "proxy is scheme://"),
        ({"proxy": "socks5://user:c4nary@h"}, "proxy is scheme://"),
        ({"headers": {"Host": "x"}}, "headers: Host is written by the connection"),
        ({"headers": [1]}, "headers is a mapping"),
        ({"headers": {"X-Tenant": "one "}}, "headers: 'X-Tenant' cannot be sent"),
        ({"retries": 3}, "no such option: retries"),
        ({"session_factory": "httpx"}, "session_factory is a callable"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], message: str) -> None:
    for make in (
        lambda: OpenAPI.loads("https://h", DESCRIPTION, **options),
        lambda: OpenAPI.loads("https://h", DESCRIPTION).clone(**options),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            make()
        assert "c4nary" not in str(caught.value)


def test_options_pickle_without_secrets() -> None:
    api = OpenAPI.loads("https://h", DESCRIPTION, headers={"Authorization": "c4nary"}, timeout=3.0)
    data = pickle.dumps(api)
    assert b"c4nary" not in data
    assert pickle.loads(data)._sessions.options == {"session_factory": None, "timeout": 3.0}
    with pytest.raises(TypeError, match="a proxy with a password"):
        pickle.dumps(OpenAPI.loads("https://h", DESCRIPTION, proxy="socks5://u:c4nary@h:1"))


# Answers


@BOTH
async def test_a_bomb_ends_at_the_limit_of_decoded_bytes(service: Service, factory: Any) -> None:
    service.files["zipped"] = gzip.compress(b"x" * 50_000_000)
    service.encodings["zipped"] = "gzip"
    api = bound(service, factory, limits=Limits(body=1_000_000))
    with pytest.raises(CallFailed) as caught:
        await api._.zipped()
    assert (caught.value.kind, caught.value.operation) == (FailureKind.BODY_TOO_LARGE, "zipped")
    service.files["zipped"] = gzip.compress(b"x" * 1_000_000)
    assert len(await api._.zipped()) == 1_000_000
    await api.aclose()


async def test_the_status_is_an_error_with_its_place(service: Service) -> None:
    api = bound(service)
    with pytest.raises(HTTPClientError) as caught:
        await api._.lost()
    error = caught.value
    assert (error.target, error.operation, error.status, error.phase) == (service.url, "lost", 404, "answer")
    assert error.data == "not here"
    assert error.seconds > 0
    await api.aclose()
    quiet = api.clone(raise_on_http_status=False)
    assert await quiet._.lost() == "not here"
    await quiet.aclose()


async def test_headers_of_answers_are_typed(service: Service) -> None:
    headers = {
        "X-Rate-Limit": {"required": True, "schema": {"type": "integer"}},
        "X-Tags": {"schema": {"type": "array"}},
    }
    paths = {
        "/x": {"get": {"operationId": "x", "responses": {"200": {"description": "", "headers": headers}}}}
    }
    api = OpenAPI.loads(service.url, orjson.dumps(orjson.loads(DESCRIPTION) | {"paths": paths}))
    request = api.createRequest("x")
    _, _, response = await request.request()
    assert request.typed_headers(response) == {"X-Rate-Limit": 12, "X-Tags": ["a", "b"]}
    await api.aclose()
