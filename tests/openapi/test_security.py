"""Security requirements: single, or, and, optional, reset, wrong shapes, and what is not supported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.client import OpenAPI
from fleet.errors import ConfigError, SpecError
from fleet.openapi import NOTHING, Document, SecurityScheme, check_credential, load, reduce, satisfy
from fleet.openapi.model import Flow
from fleet.secret import Secret

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        SecurityScheme("basic", "basic"),
        SecurityScheme("bearer", "bearer"),
        SecurityScheme("user", "apiKey", "header", "x-user"),
        SecurityScheme("password", "apiKey", "header", "x-password"),
        SecurityScheme("query", "apiKey", "query", "key"),
        SecurityScheme("cookie", "apiKey", "cookie", "sid"),
        SecurityScheme("oauth", "oauth2", flows=(Flow("authorizationCode", "https://h/token"),)),
        SecurityScheme("machine", "oauth2", flows=(Flow("clientCredentials", "https://h/token"),)),
        SecurityScheme("oidc", "openIdConnect"),
        SecurityScheme("tls", "mutualTLS"),
        SecurityScheme("digest", "http digest"),
        SecurityScheme("hoba", "http hoba"),
    )
}
BASIC = ("Authorization", "Basic dTpw")


@pytest.mark.parametrize(
    ("requirements", "credentials", "headers"),
    [
        ([], {"basic": ("u", "p")}, ()),
        (None, {}, ()),
        ([("basic",)], {"basic": ("u", "p")}, (BASIC,)),
        ([("basic",), ("bearer",)], {"bearer": "t"}, (("Authorization", "Bearer t"),)),
        ([("basic",), ("bearer",)], {"bearer": "t", "basic": ("u", "p")}, (BASIC,)),
        ([("user", "password")], {"user": "u", "password": "p"}, (("x-user", "u"), ("x-password", "p"))),
        ([(), ("basic",)], {"basic": ("u", "p")}, (BASIC,)),
        ([(), ("basic",)], {}, ()),
        ([("oauth",), ("basic",)], {"basic": ("u", "p")}, (BASIC,)),
        ([("oauth",), ()], {}, ()),
        ([("basic",)], {"basic": (Secret("u"), Secret("p"))}, (BASIC,)),
    ],
)
def test_alternatives(requirements: Any, credentials: dict[str, Any], headers: Any) -> None:
    added = satisfy(requirements, SCHEMES, credentials)
    assert added is not None
    assert added.headers == headers
    assert added.sensitive == {name.lower() for name, _ in headers}


@pytest.mark.parametrize(
    ("requirements", "credentials"),
    [
        ([("basic",)], {}),
        ([("user", "password")], {"user": "u"}),
        ([("basic",), ("bearer",)], {"user": "u"}),
        ([("oauth",), ("basic",)], {}),
    ],
)
def test_nothing_satisfied_is_none(requirements: Any, credentials: dict[str, Any]) -> None:
    assert satisfy(requirements, SCHEMES, credentials) is None


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        ([("oauth",)], r"needs oauth \(oauth2\): give it with authenticate"),
        ([("machine",)], "give it with authenticate"),
        ([("oidc",)], "give it with authenticate"),
        ([("tls",)], "give it with authenticate"),
        ([("oauth", "basic"), ("tls",)], "give it with authenticate"),
        ([("hoba",)], r"needs hoba \(http hoba\): which is not supported"),
        ([("undefined",)], "not supported"),
    ],
)
@pytest.mark.parametrize("credentials", [{}, {"basic": ("u", "p")}])
def test_what_cannot_be_left_out_is_loud(
    requirements: Any, credentials: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        satisfy(requirements, SCHEMES, credentials)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digest", ("u", "p")),
        ("tls", ("cert.pem", "key.pem")),
        ("tls", (Path("cert.pem"), Path("key.pem"), Secret("password"))),
        ("machine", ("id", "secret")),
        ("machine", ("id", Secret("secret"), "read write")),
    ],
)
def test_credentials_that_need_a_conversation_are_left_to_the_session(name: str, value: Any) -> None:
    kept = check_credential(name, value, SCHEMES)
    added = satisfy([(name,)], SCHEMES, {name: kept})
    assert added is not None
    assert added.headers == ()
    assert [(scheme.name, part) for scheme, part in added.handshakes] == [(name, kept)]


@pytest.mark.parametrize("name", ["oauth", "machine", "oidc"])
def test_a_given_token_is_a_bearer_token(name: str) -> None:
    added = satisfy([(name,)], SCHEMES, {name: check_credential(name, "t", SCHEMES)})
    assert added is not None
    assert (added.headers, added.handshakes) == ((("Authorization", "Bearer t"),), ())


def test_keys_in_query_and_cookie_are_encoded() -> None:
    added = satisfy([("query", "cookie")], SCHEMES, {"query": "a&b=c", "cookie": "x;y"})
    assert added is not None
    assert added.query == "key=a%26b%3Dc"
    assert added.cookies == (("sid", "x%3By"),)
    assert added.sensitive == {"cookie"}
    assert "a&b" not in repr(added)


def test_two_schemes_for_one_header_are_refused() -> None:
    with pytest.raises(ConfigError, match="basic and bearer need the same header"):
        satisfy([("basic", "bearer")], SCHEMES, {"basic": ("u", "p"), "bearer": "t"})
    with pytest.raises(ConfigError, match="digest and bearer need the same header"):
        satisfy([("digest", "bearer")], SCHEMES, {"digest": ("u", "p"), "bearer": "t"})
    assert satisfy([("tls", "bearer")], SCHEMES, {"tls": ("c", "k"), "bearer": "t"}) is not None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("basic", "u:p", "'basic' (basic) takes (user, password)"),
        ("basic", ("u",), "takes (user, password)"),
        ("basic", ("a:b", "p"), "the user without ':'"),
        ("basic", ("u", 1), "takes (user, password)"),
        ("bearer", ("u", "p"), "'bearer' (bearer) takes a token"),
        ("bearer", "", "takes a token"),
        ("user", 5, "'user' (apiKey) takes a key"),
        ("user", "a\r\nb: c", "holds control characters"),
        ("bearer", Secret("a\nb"), "holds control characters"),
        ("bearer", " t", "spaces around it"),
        ("user", "k ", "spaces around it"),
        ("oauth", ("id", "secret"), "'oauth' (oauth2) takes a token, as text: its flows (authorizationCode)"),
        ("machine", ("id",), "'machine' (oauth2) takes a token, or (client id, client secret[, scopes])"),
        ("machine", "a\nb", "holds control characters"),
        ("oidc", ("u", "p"), "'oidc' (openIdConnect) takes a token"),
        ("tls", "cert.pem", "'tls' (mutualTLS) takes (certificate file, key file)"),
        ("tls", ("cert.pem",), "or (..., key password)"),
        ("tls", ("cert.pem", ""), "takes (certificate file, key file)"),
        ("digest", "u:p", "'digest' (http digest) takes (user, password)"),
        ("hoba", "x", "'hoba' (http hoba) is not supported"),
        ("basik", ("u", "p"), "has no security scheme 'basik'; it has: basic, bearer"),
    ],
)
def test_wrong_shapes_are_refused_with_what_is_taken(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_credential(name, value, SCHEMES)
    assert message in str(caught.value)
    assert "a:b" not in str(caught.value)


def test_no_requirement_adds_nothing() -> None:
    assert satisfy((), SCHEMES, {"basic": ("u", "p")}) is NOTHING


URIS: dict[str, Any] = {
    "/v1/api.json": {
        "openapi": "3.2.0",
        "info": {"title": "T", "version": "1"},
        "security": [{"#/components/securitySchemes/mine": []}],
        "components": {
            "securitySchemes": {
                "mine": {"type": "http", "scheme": "bearer"},
                "token": {"type": "apiKey", "in": "header", "name": "X-Own"},
            }
        },
        "paths": {
            "/mine": {"get": {"operationId": "mine", "responses": {}}},
            "/theirs": {"get": {"security": [{"../shared.json#/schemes/key": []}], "responses": {}}},
            "/both": {
                "get": {"security": [{"../shared.json#/schemes/token": [], "token": []}], "responses": {}}
            },
            "/far": {"$ref": "../items/far.json"},
            "/word": {"get": {"security": [{"nobody": []}], "responses": {}}},
            "/gone": {"get": {"security": [{"./gone.json": []}], "responses": {}}},
        },
    },
    "/shared.json": {
        "schemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "token": {"type": "apiKey", "in": "header", "name": "X-Their"},
        }
    },
    "/items/far.json": {"get": {"security": [{"../shared.json#/schemes/key": []}], "responses": {}}},
}


def described_by_uri(asked: list[str] | None = None) -> Document:
    def read(uri: str) -> bytes:
        if asked is not None:
            asked.append(uri)
        if uri not in URIS:
            raise SpecError("no such file", file=uri)
        return orjson.dumps(URIS[uri])

    return load(source="/v1/api.json", reader=read)


def headers_of(api: OpenAPI, operation: str) -> dict[str, str]:
    return {name: value for name, value in api.prepare(operation).headers if name not in {"Accept", "Host"}}


def test_a_requirement_may_name_its_scheme_by_a_reference() -> None:
    """In 3.2; a declared name comes first, and one scheme has one name from wherever it is referred to."""
    asked: list[str] = []
    api = OpenAPI(described_by_uri(asked), "http://127.0.0.1")
    assert set(api.document.schemes) == {"mine", "token", "key", "../shared.json#/schemes/token"}
    api.authenticate(mine="m", key="k", token="t")
    assert headers_of(api, "mine") == {"Authorization": "Bearer m"}
    assert headers_of(api, "GET /theirs") == headers_of(api, "GET /far") == {"X-Key": "k"}
    with pytest.raises(ConfigError, match=r"needs ../shared.json#/schemes/token \(apiKey\) and token"):
        api.prepare("GET /both")
    api.authenticate(**{"../shared.json#/schemes/token": "theirs"})
    assert headers_of(api, "GET /both") == {"X-Their": "theirs", "X-Own": "t"}
    api.authenticate(**{"../shared.json#/schemes/key": "written out"})
    assert headers_of(api, "GET /theirs") == {"X-Key": "written out"}
    assert sorted(asked) == [
        "/items/far.json",
        "/shared.json",
        "/v1/api.json",
        "/v1/gone.json",
    ]  # no "nobody"


def test_a_reference_to_no_scheme_costs_what_needs_it() -> None:
    document = described_by_uri()
    api = OpenAPI(document, "http://127.0.0.1")
    for operation, named in (("GET /word", "nobody"), ("GET /gone", "./gone.json")):
        with pytest.raises(ConfigError, match=f"needs {named} \\(not declared\\)"):
            api.prepare(operation)
    assert document.warnings == ("1 referenced file is missing: gone.json",)
    with pytest.raises(ConfigError, match="no security scheme 'kee'"):
        api.authenticate(kee="x")


def test_references_to_schemes_mean_nothing_before_32(make: Callable[..., Document]) -> None:
    schemes = {"securitySchemes": {"mine": {"type": "http", "scheme": "bearer"}}}
    document = make({}, "3.1.0", security=[{"#/components/securitySchemes/mine": []}], components=schemes)
    assert document.warnings == (
        "the document requires the security scheme '#/components/securitySchemes/mine', which is not defined",
    )


def test_reduced_descriptions_hold_the_schemes_that_are_referred_to() -> None:
    reduced = reduce(described_by_uri(), ["/mine", "/theirs", "/both", "/far"])
    assert not reduced.missing
    again = load(orjson.dumps(reduced.tree), source="/r.json")
    assert set(again.schemes) == {"mine", "token", "key", "token_2"}
    needed = [again.operation((path, "get")).requirements for path in ("/mine", "/theirs", "/both", "/far")]
    assert needed == [(("mine",),), (("key",),), (("token_2", "token"),), (("key",),)]
