"""Security requirements: single, or, and, optional, reset, wrong shapes, and what is not supported."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.errors import ConfigError
from fleet.openapi import NOTHING, SecurityScheme, check_credential, satisfy
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
        SecurityScheme("oauth", "oauth2"),
        SecurityScheme("tls", "mutualTLS"),
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
    "requirements", [[("oauth",)], [("tls",)], [("oauth", "basic"), ("tls",)], [("undefined",)]]
)
@pytest.mark.parametrize("credentials", [{}, {"basic": ("u", "p")}])
def test_only_unsupported_alternatives_are_loud(requirements: Any, credentials: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not supported"):
        satisfy(requirements, SCHEMES, credentials)


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
        ("oauth", "t", "'oauth' (oauth2) is not supported"),
        ("tls", ("c", "k"), "'tls' (mutualTLS) is not supported"),
        ("basik", ("u", "p"), "has no security scheme 'basik'; it has: basic, bearer"),
    ],
)
def test_wrong_shapes_are_refused_with_what_is_taken(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_credential(name, value, SCHEMES)
    assert message in str(caught.value)
    assert "a:b" not in str(caught.value)


def test_nothing_is_nothing() -> None:
    assert satisfy((), SCHEMES, {"basic": ("u", "p")}) is NOTHING
