"""No link of a server leads away from it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from fleet.client import Endpoint, resolve_link
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

PLAIN = Endpoint("https", "bmc.example", 443)
PREFIXED = Endpoint("http", "10.0.0.1", 8080, "/bmc/7")


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/redfish/v1/Systems", "/redfish/v1/Systems"),
        ("/redfish/v1/Systems/", "/redfish/v1/Systems/"),
        ("Systems/1", "/redfish/v1/Systems/1"),
        ("./Systems", "/redfish/v1/Systems"),
        ("../v2", "/redfish/v2"),
        ("?$skip=50", "/redfish/v1/Logs?$skip=50"),
        ("#/Members/0", "/redfish/v1/Logs"),
        ("/a?$expand=.($levels=1)#/x", "/a?$expand=.($levels=1)"),
        ("https://bmc.example/a", "/a"),
        ("HTTPS://BMC.Example:443/a?b=c", "/a?b=c"),
        ("https://bmc.example:/a", "/a"),
        ("https://bmc.example", "/"),
        ("https://bmc.example?x=1", "/?x=1"),
        ("//bmc.example/a", "/a"),
        ("https://bmc.example//evil.example/a", "/evil.example/a"),
        ("/a/%2e%2e/b", "/b"),
        ("/a/..", "/"),
        ("/./a/.", "/a/"),
        ("/a b/ä?q=ü é", "/a%20b/%C3%A4?q=%C3%BC%20%C3%A9"),
        ("/a%2Fb%zz%", "/a%2Fb%25zz%25"),
        ("/a?next=https://other.example/", "/a?next=https://other.example/"),
        (" /a ", "/a"),
        ("/a:b", "/a:b"),
        ("/.../..a/b..", "/.../..a/b.."),
    ],
)
def test_what_stays_is_resolved(link: str, path: str) -> None:
    assert resolve_link(PLAIN, link, at="/redfish/v1/Logs?x=1") == path


@pytest.mark.parametrize(
    "link",
    [
        None, 7, {}, [], b"/a", "", "  ",
        "https://other.example/a", "http://bmc.example/a", "https://bmc.example:8443/a", "//other.example/a",
        "https://bmc.example.other.example/", "https://bmc.example@other.example/", "https://me:pw@bmc.example/",
        "https:/a", "https:a", "http:foo", "https:///a", "javascript:alert(1)", "file:///etc/passwd",
        "Members:1", r"\\other.example\a", r"/\other.example", "/\t/other.example", "/a\r\nX: y", "/a\x00",
        "\x01/a", "/a\x7f", "/a\x85", "ht\ttps://bmc.example/", "https://bmc.example\\.other.example/",
        "https://[::1/a", "https://bmc.example:99999/", "https://bmc.example:0x1bb/", "https://bmc%2eexample/",
        "https://bmc。other/", "https://bmc℀example/", "https://bmc.example%00.other/",
        "/..", "/../a", "../../../a", "/a/%2e%2e/%2E./b", "/%252e%252e/a", "/..%2fa", "/a%5c..%5cb", "/..;/a",
        "/%2e%2e;x=1/a", "/a%0d%0aX:%20y", "/a%00b", "/\ud800", "/" + "a" * 9000,
    ],
)  # fmt: skip
def test_what_leads_away_is_refused(link: object) -> None:
    with pytest.raises(RequestFailed) as raised:
        resolve_link(PLAIN, link, at="/redfish/v1/Logs")
    assert raised.value.kind is FailureKind.LINK_FOREIGN
    assert len(raised.value.message) < 250
    assert re.fullmatch(r"[ -~]+", raised.value.message)
    assert "me:pw" not in raised.value.message


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/redfish/v1", "/bmc/7/redfish/v1"),
        ("/bmc/7/redfish/v1", "/bmc/7/redfish/v1"),
        ("/bmc/7", "/bmc/7"),
        ("/bmc/77", "/bmc/7/bmc/77"),
        ("Systems", "/bmc/7/redfish/v1/Systems"),
        ("http://10.0.0.1:8080/bmc/7/a", "/bmc/7/a"),
        ("/a/../b", "/bmc/7/b"),
    ],
)
def test_a_base_path_is_joined_once(link: str, path: str) -> None:
    assert resolve_link(PREFIXED, link, at="/bmc/7/redfish/v1/") == path


@pytest.mark.parametrize(
    "link",
    [
        "/..", "/../8/redfish", "/bmc/7/../8", "/bmc/7/%2e%2e/8", "../../../../a", "http://10.0.0.1:8080/admin",
        "http://10.0.0.1:8080/bmc/77", "//10.0.0.1:8080/bmc", "http://10.0.0.1/bmc/7/a", "/bmc/7/..",
    ],
)  # fmt: skip
def test_a_base_path_is_not_left(link: str) -> None:
    with pytest.raises(RequestFailed) as raised:
        resolve_link(PREFIXED, link, at="/bmc/7/redfish/v1/")
    assert raised.value.kind is FailureKind.LINK_FOREIGN


PIECES = st.sampled_from(
    [
        "/", "//", "\\", ".", "..", "%2e", "%2E%2e", "%2f", "%5c", "%25", "%", ";", ":", "@", "?", "#",
        "http", "https", "http:", "https://", "bmc.example", "10.0.0.1", "10.0.0.1:8080", "evil.example",
        "[::1]", "redfish", "bmc/7", "\t", "\r", "\n", "\x00", "\u3002", "\uff0f", "\uff0e", "é", "\ud800",
        " ", "&", "=", "$", "|", "[", "]", "^",
    ]
)  # fmt: skip
LINKS = st.one_of(
    st.lists(PIECES, max_size=12).map("".join),
    st.text(max_size=40),
    st.builds(lambda rest: "https://bmc.example" + rest, st.text(max_size=20)),
    st.builds(lambda rest: "http://10.0.0.1:8080/bmc/7/" + rest, st.lists(PIECES, max_size=8).map("".join)),
)


@given(link=LINKS, at=st.sampled_from(["/", "/bmc/7/redfish/v1/", "/redfish/v1/Systems?x=/.."]))
@example(link="/[x]", at="/")
@example(link="/\uff0f/evil.example", at="/")
def test_every_resolved_link_stays(link: str, at: str) -> None:
    for base in (PLAIN, PREFIXED):
        try:
            path = resolve_link(base, link, at=at)
        except RequestFailed as failed:
            assert failed.kind is FailureKind.LINK_FOREIGN
            continue
        assert re.fullmatch(r"/[!-~]*", path), "ASCII, no spaces, no control characters"
        assert not path.startswith("//")
        location = path.partition("?")[0]
        assert location == base.path or location.startswith(base.path + "/")
        url = base.origin + path
        first, second = urlsplit(url), URL(url, encoded=True)
        port = first.port if first.port is not None else 443
        assert (first.scheme, first.hostname, port) == (base.scheme, base.host, base.port)
        assert (second.scheme, second.host, second.port) == (base.scheme, base.host, base.port)
        assert first.username is None
        assert second.user is None
        assert URL(url).path.startswith(base.path + "/") or URL(url).path == base.path, (
            "a parser that decodes"
        )
        assert resolve_link(base, path, at=at) == path, "once resolved, it stays as it is"
