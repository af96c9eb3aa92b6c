"""The handle: loading, base URLs, clones, credentials, requests as values, keeping."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yarl
from counted import calls

import fleet
from fleet import OpenAPI
from fleet.client import Endpoint, Request
from fleet.errors import ConfigError, SpecError
from fleet.openapi import ParameterError
from fleet.secret import Secret

CANARY = "c4nary-p4ssw0rd"
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "servers": [{"url": "https://named.example/api"}],
    "security": [{"token": []}, {"basic": []}],
    "paths": {
        "/s": {"get": {"operationId": "listThings", "responses": {}}},
        "/s/{id}": {
            "get": {"operationId": "getThing", "parameters": [{"name": "q", "in": "query"}], "responses": {}},
            "post": {"operationId": "thing.update", "requestBody": {"content": {"application/json": {}}}, "responses": {}},
        },
        "/open": {"get": {"operationId": "open", "security": [], "responses": {}}},
        "/key": {"get": {"operationId": "byKey", "security": [{"key": [], "sid": []}], "parameters": [{"name": "c", "in": "cookie"}], "responses": {}}},
        "/oauth": {"get": {"operationId": "byOauth", "security": [{"oauth": []}], "responses": {}}},
        "/either": {"get": {"operationId": "either", "security": [{}, {"basic": []}], "responses": {}}},
    },
    "components": {"securitySchemes": {
        "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
        "basic": {"type": "http", "scheme": "basic"},
        "key": {"type": "apiKey", "in": "query", "name": "k"},
        "sid": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "oauth": {"type": "oauth2", "flows": {}},
    }},
}  # fmt: skip


@pytest.fixture
def api() -> OpenAPI:
    return OpenAPI.loads("https://host.example", orjson.dumps(API))


def test_the_package_gives_the_client_lazily() -> None:
    assert fleet.OpenAPI is OpenAPI
    assert fleet.__version__
    assert "OpenAPI" in dir(fleet)
    with pytest.raises(AttributeError):
        _ = fleet.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "base_url", "path"),
    [
        ("https://other", "https://other", "/api/s"),
        ("https://other/", "https://other", "/api/s"),
        ("http://127.1.2.3:8080", "http://127.1.2.3:8080", "/api/s"),
        ("HTTPS://Other:443/", "https://other", "/api/s"),
        ("http://other:80", "http://other", "/api/s"),
        ("https://other:80", "https://other:80", "/api/s"),
        ("https://other/bmc/1/", "https://other/bmc/1", "/bmc/1/api/s"),
        ("https://other/api", "https://other/api", "/api/s"),
        ("https://other/bmc/1/api/", "https://other/bmc/1/api", "/bmc/1/api/s"),
        ("https://other/myapi", "https://other/myapi", "/myapi/api/s"),
        ("https://[::1]:8443", "https://[::1]:8443", "/api/s"),
        (yarl.URL("https://other/p"), "https://other/p", "/p/api/s"),
        (None, "https://host.example", "/api/s"),
    ],
)
def test_a_base_url_replaces_the_server_and_keeps_its_path(
    api: OpenAPI, given: Any, base_url: str, path: str
) -> None:
    clone = api.clone(baseurl=given)
    assert clone.base_url == base_url
    assert clone.prepare("listThings").path == path
    assert clone.endpoint.origin in base_url


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "host",
        "ftp://host",
        "https://u:p@host",
        "https://host?x",
        "https://host#x",
        "https://",
        "https://a b",
        "https://host:65536",
        "https://host:99999",
    ],
)
def test_a_bad_base_url_is_refused_without_its_password(api: OpenAPI, bad: str) -> None:
    with pytest.raises(ConfigError, match="not a base URL"):
        api.clone(bad)


def test_the_host_that_the_document_names_is_never_called_unasked() -> None:
    api = OpenAPI.loads(orjson.dumps(API))
    assert api.base_url == ""
    with pytest.raises(ConfigError, match="no base URL"):
        _ = api.endpoint


def test_clones_share_the_document_and_inherit_credentials(api: OpenAPI) -> None:
    api.authenticate(basic=("u", "p"))
    first, second = api.clone("https://one"), api.clone("https://two")
    assert first.document is second.document is api.document
    first.authenticate(token="t1")
    api.authenticate(None)
    assert dict(first.prepare("getThing", {"id": 1}).headers)["X-Auth-Token"] == "t1"
    assert "Authorization" in dict(second.prepare("getThing", {"id": 1}).headers)
    assert "X-Auth-Token" not in dict(second.prepare("getThing", {"id": 1}).headers)
    assert not api.prepare("getThing", {"id": 1}).sensitive


DESCRIBED_NOWHERE = '{"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}'


def test_clones_are_small_and_quick(api: OpenAPI) -> None:
    urls = [f"https://127.1.{n // 250}.{n % 250}:8443" for n in range(10_000)]
    clones = [api.clone(url) for url in urls]
    assert calls(lambda: api.clone(urls[0])) < 12
    for url in ("https://h:8443/", "https://h/api", "https://h/prefix/api/", yarl.URL("https://h/")):
        assert calls(lambda: api.clone(url)) < 25, url  # noqa: B023  (called here)
    assert all(sys.getsizeof(clone) + sys.getsizeof(clone.base_url) < 400 for clone in clones)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["h", "h.", "a_b", "1.2.3.4", "h..x", "-a", "a-", "0x7f.1", "H", "[::1]", ""]
)
@pytest.mark.parametrize("port", ["", ":80", ":443", ":8443", ":65535", ":65536", ":0", ":080", ":"])
def test_base_urls_are_read_the_same_quickly_and_carefully(scheme: str, host: str, port: str) -> None:
    api = OpenAPI.loads(DESCRIBED_NOWHERE)
    plain, odd = (
        ["", "/", "/v1", "/v1/", "/a/b", "/~u", "/a.b"],
        ["/.", "/a/../b", "/a/.x", "/a..b", "/a//b", "//"],
    )
    for path in (*plain, *odd, "/%41", "/a b", "/v1?x", "/v1#y"):
        url = f"{scheme}://{host}{port}{path}"
        try:
            expected = str(Endpoint.parse(url))
        except ValueError as wrong:
            expected = f"not a base URL: {wrong}"
        try:
            found = api.clone(url).base_url
        except ConfigError as error:
            found = error.message
        assert found == expected, url


def test_requests_as_values(api: OpenAPI) -> None:
    api.authenticate(basic=("u", Secret(CANARY)))
    request = api.prepare("getThing", {"id": "a/b", "q": "x y"})
    assert (request.method, request.path, request.route) == ("GET", "/api/s/a%2Fb?q=x%20y", "getThing")
    assert request.sensitive == {"authorization"}
    assert not request.secrets_in_path
    posted = api.prepare(("/s/{id}", "post"), {"id": 1}, {"a": 1})
    assert (posted.body, dict(posted.headers)["Content-Type"]) == (b'{"a":1}', "application/json")
    assert api.prepare("open").sensitive == frozenset()
    assert api.prepare("getThing", {"id": 1}, anonymous=True).sensitive == frozenset()
    assert api.prepare("either").sensitive == {"authorization"}


def test_keys_in_query_and_cookie(api: OpenAPI) -> None:
    api.authenticate(key="k&1", sid="s")
    request = api.prepare("byKey", {"c": "x"})
    assert request.path == "/api/key?k=k%261"
    assert dict(request.headers)["Cookie"] == "c=x; sid=s"
    assert request.secrets_in_path
    assert request.sensitive == {"cookie"}


def test_without_credentials_the_service_decides_but_oauth_is_loud(api: OpenAPI) -> None:
    assert api.prepare("listThings").sensitive == frozenset()
    with pytest.raises(ConfigError, match=r"oauth \(oauth2\): give it with authenticate"):
        api.prepare("byOauth")
    api.authenticate(key="k")
    with pytest.raises(
        ConfigError, match=r"listThings needs token \(apiKey\), or basic \(basic\); .*given: key"
    ):
        api.prepare("listThings")


def test_links_are_named_and_carry_credentials(api: OpenAPI) -> None:
    api.authenticate(token="t")
    clone = api.clone("https://other/bmc")
    assert clone.prepare_link("/bmc/api/s/7").headers[0] == ("Accept", "application/json")
    api.document.operation("getThing").compile()
    assert clone.prepare_link("/bmc/api/s/7?x=1") == Request(
        "GET",
        "/bmc/api/s/7?x=1",
        (("Accept", "*/*"), ("X-Auth-Token", "t")),
        None,
        "getThing",
        frozenset({"x-auth-token"}),
    )
    assert clone.prepare_link("/bmc/elsewhere").route == "GET <other>"
    assert clone.prepare_link("/bmc/elsewhere").sensitive == {"x-auth-token"}
    assert clone.prepare_link("/bmc/api/open").sensitive == frozenset()


def test_authenticate_adds_resets_and_refuses(api: OpenAPI) -> None:
    api.authenticate(key="k")
    api.authenticate(sid="s")
    assert api.prepare("byKey").secrets_in_path
    with pytest.raises(ConfigError, match="no security scheme 'basicc'"):
        api.authenticate(token="t", basicc=("u", "p"))
    api.authenticate(None, basic=("u", "p"))
    assert "basic" in repr(api)
    assert "key" not in repr(api)
    api.authenticate(basic=None)
    assert "credentials: none" in repr(api)
    with pytest.raises(ConfigError):
        api.authenticate("token")  # type: ignore[arg-type]


def test_operations_by_attribute_and_item(api: OpenAPI) -> None:
    assert api._.getThing.operation.name == "getThing"
    assert api._["/s/{id}", "post"].operation.name == "thing.update"
    assert api.createRequest("thing.update").operation is api.create_request("POST /s/{id}").operation
    assert "listThings" in list(api._)
    assert "thing.update" not in dir(api._)
    with pytest.raises(AttributeError, match="did you mean 'getThing'"):
        _ = api._.getThings
    with pytest.raises(KeyError, match=r"no operation 'GET /nowhere'; (it has|did you mean)"):  # in one line
        _ = api._["/nowhere", "get"]
    with pytest.raises(SpecError, match="no operation"):
        api.createRequest("nothing.like.it")
    with pytest.raises(ParameterError, match="needs the parameter id"):
        api.prepare("getThing")


def test_a_handle_lists_what_its_user_calls(api: OpenAPI) -> None:
    listed = dir(api)
    assert {"authenticate", "clone", "createRequest", "create_request", "document", "prepare"} <= set(listed)
    assert not {"bare", "bearing", "carries", "prepare_call", "share"} & set(listed)


def test_no_output_shows_a_credential(api: OpenAPI) -> None:
    api.authenticate(basic=("u", CANARY), key=CANARY)
    shown = repr(api) + repr(api._) + repr(api._.getThing) + repr(api._.getThing.operation)
    with pytest.raises(ConfigError) as caught:
        api.authenticate(basic=CANARY)
    assert CANARY not in shown + str(caught.value)


def test_handles_pickle_without_credentials(api: OpenAPI) -> None:
    api.authenticate(basic=("u", CANARY))
    data = pickle.dumps(api.clone("https://other"))
    assert CANARY.encode() not in data
    copy = pickle.loads(data)
    assert copy.base_url == "https://other"
    assert copy.prepare("getThing", {"id": 1}).path == "/api/s/1"


def test_a_stored_handle_comes_back_without_credentials(api: OpenAPI, tmp_path: Path) -> None:
    api.authenticate(basic=("u", CANARY))
    path = tmp_path / "deep" / "api.fleet"
    api.cache_store(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert CANARY.encode() not in path.read_bytes()
    copy = OpenAPI.cache_load(path)
    assert (copy.base_url, copy.document.title) == ("https://host.example", "T")
    assert copy.prepare("getThing", {"id": 1}).sensitive == frozenset()


def test_stored_files_are_not_trusted(api: OpenAPI, tmp_path: Path) -> None:
    path = tmp_path / "api.fleet"
    with pytest.raises(FileNotFoundError):
        OpenAPI.cache_load(path)
    path.write_bytes(pickle.dumps({"x": 1}))
    with pytest.raises(SpecError, match="not a stored description"):
        OpenAPI.cache_load(path)
    api.cache_store(path)
    path.chmod(0o666)
    with pytest.raises(SpecError, match="nobody else may write"):
        OpenAPI.cache_load(path)
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(SpecError):
        OpenAPI.cache_load(link)


def test_files_load_with_and_without_a_base_url(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_bytes(orjson.dumps(API))
    assert OpenAPI.load_file(path).base_url == ""
    assert OpenAPI.load_file("https://h/p", path).base_path == "/p/api"
    with pytest.raises(SpecError, match="cannot be read"):
        OpenAPI.load_file(tmp_path / "nothing.yaml")
