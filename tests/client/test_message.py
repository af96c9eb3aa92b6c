"""Requests as values: what credentials add to them, and what may be shown of them."""

from __future__ import annotations

from fleet.client import Request
from fleet.openapi import NOTHING, Additions


def test_credentials_add_headers_a_query_and_cookies_to_what_is_there() -> None:
    request = Request("GET", "/a?b=1", (("Accept", "*/*"), ("Cookie", "mine=1")), route="get")
    added = Additions((("X-Key", "k"),), "key=s", (("session", "t"),), frozenset({"x-key", "cookie"}))
    assert request.with_additions(added) == Request(
        "GET",
        "/a?b=1&key=s",
        (("Accept", "*/*"), ("X-Key", "k"), ("Cookie", "mine=1; session=t")),
        route="get",
        sensitive=frozenset({"x-key", "cookie"}),
        secrets_in_path=True,
    )
    assert request.with_additions(NOTHING) == request


def test_a_query_with_a_secret_is_not_shown() -> None:
    assert Request("GET", "/a?b=1").shown_path == "/a?b=1"
    secret = Request("GET", "/a").with_additions(Additions(query="key=s"))
    assert (secret.path, secret.shown_path) == ("/a?key=s", "/a?***")
