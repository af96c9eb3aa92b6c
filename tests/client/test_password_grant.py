"""OAuth2 by name and password, as FastAPI's own login and Keycloak take it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from reference_server import Service, serving
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fleet import OpenAPI
from fleet.client import CallFailed, sync_session
from fleet.errors import ConfigError
from fleet.outcome import FailureKind
from fleet.secret import Secret

BOTH = {"tokenUrl": "/login", "scopes": {}}
SCHEMES = {
    "person": {"type": "oauth2", "flows": {"password": {"tokenUrl": "login", "scopes": {}}}},
    "either": {"type": "oauth2", "flows": {"password": BOTH, "clientCredentials": BOTH}},
    "foreign": {"type": "oauth2", "flows": {"password": {"tokenUrl": "http://127.0.0.9:1/t", "scopes": {}}}},
}
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0", "info": {"title": "P", "version": "1"}, "components": {"securitySchemes": SCHEMES},
    "paths": {f"/{name}": {"get": {
        "operationId": name, "security": [{name: []}], "responses": {"200": {"description": ""}},
    }} for name in SCHEMES},
})  # fmt: skip
GIVEN = {"username": "carol", "password": "p&ss wörd"}


class Logins:
    """The token endpoint of a service: what it was asked, and which token counts."""

    def __init__(self) -> None:
        self.forms: list[dict[str, Any]] = []
        self.clients: list[str | None] = []
        self.token = ""

    async def login(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.forms.append(form)
        self.clients.append(request.headers.get("authorization"))
        if form["grant_type"] == "password" and form["password"] != GIVEN["password"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.token = f"t{len(self.forms)}"
        return JSONResponse({"access_token": self.token, "token_type": "bearer"})

    async def asked(self, request: Request) -> Response:
        fits = request.headers.get("authorization") == f"Bearer {self.token}"
        return JSONResponse({"token": self.token} if fits else {}, 200 if fits else 401)


@pytest.fixture
def logins() -> Logins:
    return Logins()


@pytest.fixture
def service(logins: Logins) -> Iterator[Service]:
    routes = [
        Route("/login", logins.login, methods=["POST"]),
        *(Route(f"/{name}", logins.asked) for name in SCHEMES),
    ]
    with serving(routes=routes) as service:
        yield service


async def test_one_login_serves_many_calls_until_its_token_is_refused(
    service: Service, logins: Logins
) -> None:
    async with OpenAPI.loads(service.url, DESCRIPTION) as api:
        api.authenticate(person=GIVEN)
        assert await asyncio.gather(*(api._.person() for _ in range(8))) == [{"token": "t1"}] * 8
        assert logins.forms == [{"grant_type": "password", **GIVEN}]
        logins.token = "another"
        assert await api._.person() == {"token": "t2"}
        async with api.clone() as clone:
            assert await clone._.person() == {"token": "t3"}
    assert logins.clients == [None] * 3


def test_a_client_of_its_own_and_scopes(service: Service, logins: Logins) -> None:
    secret = {name: Secret(value) for name, value in GIVEN.items()}
    with OpenAPI.loads(service.url, DESCRIPTION, session_factory=sync_session) as api:
        api.authenticate(either={**secret, "client_id": "app", "scope": "read write"})
        assert api._.either() == {"token": "t1"}
        api.authenticate(either={**GIVEN, "client_id": "app", "client_secret": "s:cret"})
        assert api._.either() == {"token": "t2"}
        api.authenticate(either=("app", "s:cret"))
        assert api._.either() == {"token": "t3"}
    assert logins.forms == [
        {"grant_type": "password", **GIVEN, "client_id": "app", "scope": "read write"},
        {"grant_type": "password", **GIVEN},
        {"grant_type": "client_credentials"},
    ]
    told = f"Basic {b64encode(b'app:s%3Acret').decode()}"
    assert logins.clients == [None, told, told]


def test_a_wrong_password_is_told_without_it(service: Service) -> None:
    with OpenAPI.loads(service.url, DESCRIPTION, session_factory=sync_session) as api:
        api.authenticate(person={**GIVEN, "password": "wr0ng"})
        with pytest.raises(CallFailed, match=r"answered 400, without a token \(invalid_grant\)") as caught:
            api._.person()
    assert caught.value.kind is FailureKind.AUTH_REJECTED
    assert "wr0ng" not in repr(caught.value) + repr(caught.value.request)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("person", ("carol", "password")), ("person", {"username": "carol"}),
        ("either", {"client_id": "app"}), ("person", {**GIVEN, "password": ""}),
        ("person", {**GIVEN, "otp": "1"}),
    ],
)  # fmt: skip
def test_what_a_password_flow_does_not_take(name: str, value: Any) -> None:
    api = OpenAPI.loads("https://h", DESCRIPTION)
    with pytest.raises(ConfigError, match=r"takes a token.*, or \{'username': ..., 'password': ...\}"):
        api.authenticate(**{name: value})


def test_a_password_goes_nowhere_else(service: Service) -> None:
    with OpenAPI.loads(service.url, DESCRIPTION, session_factory=sync_session) as api:
        api.authenticate(foreign=GIVEN)
        with pytest.raises(ConfigError, match="neither https nor of the API's own origin"):
            api._.foreign()
