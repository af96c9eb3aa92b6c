"""Servers: of the description, of a path, of an operation; chosen, with variables, relative."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
from typing import Any

import httpx
import orjson
import pytest
from reference_server import serving

from fleet import OpenAPI
from fleet.errors import ConfigError
from fleet.openapi import load

REGION = {"region": {"default": "eu", "enum": ["eu", "us"]}}
SERVERS = [
    {"url": "https://one.example/{tenant}/v{major}", "variables": {"tenant": {"default": "public"}, "major": {"default": "1"}}},
    {"url": "https://two.example/two", "name": "second"},
]  # fmt: skip
GET: dict[str, Any] = {"responses": {}}
PATHS = {
    "/root": {"get": {"operationId": "root", **GET}},
    "/path": {
        "servers": [{"url": "https://path.example/path/{region}/", "variables": REGION}],
        "get": {"operationId": "path", **GET},
        "put": {
            "operationId": "own",
            **GET,
            "servers": [{"url": "/own"}, {"url": "/other", "name": "second"}],
        },
        "post": {"operationId": "bare", **GET, "servers": [{"url": "/"}]},
    },
}
DESCRIPTION = orjson.dumps({
    "openapi": "3.2.0", "info": {"title": "V", "version": "1"}, "servers": SERVERS, "paths": PATHS,
})  # fmt: skip


def paths(api: OpenAPI) -> list[str]:
    return [api.prepare(name).path for name in ("root", "path", "own", "bare")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["/public/v1/root", "/path/eu/path", "/own/path", "/path"]),
        ({"server": "/"}, ["/root", "/path", "/path", "/path"]),
        ({"server": 1}, ["/two/root", "/path/eu/path", "/own/path", "/path"]),
        ({"server": "second"}, ["/two/root", "/path/eu/path", "/other/path", "/path"]),
        ({"server": "https://two.example/two"}, ["/two/root", "/path/eu/path", "/own/path", "/path"]),
        ({"server_variables": {"tenant": "a b"}}, ["/a%20b/v1/root", "/path/eu/path", "/own/path", "/path"]),
        ({"server_variables": {"major": 2, "region": "us"}}, ["/public/v2/root", "/path/us/path", "/own/path", "/path"]),
        ({"server": -1, "server_variables": {"region": "us"}}, ["/two/root", "/path/us/path", "/own/path", "/path"]),
    ],
)  # fmt: skip
def test_the_nearest_server_counts(options: dict[str, Any], expected: list[str]) -> None:
    """Operation over path over description (3.1, 4.8.9 and 4.8.10); the base URL stands in for its host."""
    for api in (
        OpenAPI.loads("https://h", DESCRIPTION, **options),
        OpenAPI.loads("https://h", DESCRIPTION).clone(**options),
        OpenAPI.loads("https://h", DESCRIPTION, **options).clone("https://h"),
        OpenAPI.loads("https://h", DESCRIPTION, **options).clone(),
        OpenAPI.loads("https://other/x", DESCRIPTION, **options).clone("https://H:443/"),
        pickle.loads(pickle.dumps(OpenAPI.loads("https://h", DESCRIPTION, **options))),
    ):
        assert paths(api) == expected
    prefixed = OpenAPI.loads(DESCRIPTION).clone("https://h/base", **options)
    assert paths(prefixed) == [f"/base{path}" for path in expected]
    assert prefixed.base_path == f"/base{expected[0].removesuffix('/root')}"


def test_clones_add_variables_and_change_servers_for_themselves() -> None:
    api = OpenAPI.loads("https://h", DESCRIPTION, server_variables={"tenant": "a"})
    more = api.clone(server_variables={"major": "3"})
    other = more.clone(server=1)
    assert [paths(handle)[0] for handle in (api, more, other)] == ["/a/v1/root", "/a/v3/root", "/two/root"]
    assert other.document is api.document


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"server": 2}, "no server 2; it has 2"),
        ({"server": "secnd"}, "no server 'secnd'"),
        ({"server_variables": {"tennant": "x"}}, "no variable 'tennant'; it has: tenant, major"),
        ({"server": 1, "server_variables": {"tenant": "x"}}, "no variable 'tenant'; it has: none"),
        ({"server_variables": "x"}, "server_variables is a mapping"),
    ],
)
def test_what_there_is_not_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        OpenAPI.loads("https://h", DESCRIPTION, **options)
    with pytest.raises(ConfigError, match=message):
        OpenAPI.loads("https://h", DESCRIPTION).clone(**options)


def test_a_value_that_an_operations_server_does_not_allow() -> None:
    api = OpenAPI.loads("https://h", DESCRIPTION, server_variables={"region": "mars"})
    assert api.prepare("root").path == "/public/v1/root"
    with pytest.raises(ConfigError, match="'region' cannot be 'mars'; it is one of: eu, us"):
        api.prepare("path")


@pytest.mark.parametrize(
    ("source", "url", "path"),
    [
        ("https://h/docs/api.json", "v2", "/docs/v2"), ("https://h/docs/api.json", "../v2/", "/v2"),
        ("https://h/docs/api.json", "/v2", "/v2"), ("https://h/docs/api.json", ".", "/docs"),
        ("https://h/docs/api.json", "https://other/v2", "/v2"), ("https://h/api.json", "", ""),
        ("/home/docs/api.json", "v2", "/v2"), ("/home/docs/api.json", "../v2", "/v2"),
    ],
)  # fmt: skip
def test_relative_servers_are_found_from_the_description(source: str, url: str, path: str) -> None:
    own = {"/p": {"get": {"operationId": "p", "servers": [{"url": url}], "responses": {}}}}
    text = orjson.dumps({"openapi": "3.1.0", "info": {}, "servers": [{"url": url}], "paths": own})
    document = load(text, source=source)
    assert (document.server_path, document.operation("p").server_path) == (path, path)


@pytest.mark.parametrize("factory", [None, httpx.AsyncClient], ids=["wire", "httpx"])
async def test_calls_go_where_prepared_requests_go(factory: Any) -> None:
    with serving() as service:
        api = OpenAPI.loads(
            service.url, DESCRIPTION, session_factory=factory, server_variables={"region": "us"}
        )
        clone = api.clone(f"{service.url}/base", server="second")
        await api._.path()
        await clone._.own()
        for handle in (api, clone):
            await handle.aclose()
        assert [entry["path"] for entry in service.seen] == ["/path/us/path", "/base/other/path"]
