"""Addresses: one spelling each, and a reason for what is none."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import InventoryError
from fleet.inventory.address import base_url, normal_host, shown, split


def url_of(text: str, scheme: str = "https") -> str:
    parts = split(text)
    return base_url(parts.scheme or scheme, parts.host, parts.port, parts.path)[0]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("10.0.0.5", "https://10.0.0.5"),
        ("10.0.0.5:443", "https://10.0.0.5"),
        ("10.0.0.5:0443", "https://10.0.0.5"),
        ("BMC7.DC1.example", "https://bmc7.dc1.example"),
        ("bmc7.dc1.example.:8443", "https://bmc7.dc1.example:8443"),
        ("bmc_7", "https://bmc_7"),
        ("HTTP://BMC7:80/", "http://bmc7"),
        ("http://bmc7:443", "http://bmc7:443"),
        ("https://bmc7:8443/Proxy/a/", "https://bmc7:8443/Proxy/a"),
        ("https://bmc7/a b".replace(" ", "%20"), "https://bmc7/a%20b"),
        ("https://bmc7/ä", "https://bmc7/%C3%A4"),
        ("2001:DB8::1", "https://[2001:db8::1]"),
        ("2001:db8:0:0:0:0:0:1", "https://[2001:db8::1]"),
        ("[2001:db8::1]", "https://[2001:db8::1]"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("::ffff:10.0.0.1", "https://[::ffff:10.0.0.1]"),
        ("::ffff:a00:1", "https://[::ffff:10.0.0.1]"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("BÜCHER.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://10.0.0.1/24/", "https://10.0.0.1/24"),
    ],
)
def test_addresses_have_one_spelling(text: str, url: str) -> None:
    assert url_of(text) == url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://bmc7", "scheme 'ftp' is not one of https, http"),
        ("https://", "the host is missing"),
        (":8443", "the host is missing"),
        ("https://:8443", "the host is missing"),
        ("bmc7:", "the port is not a number from 1 to 65535"),
        ("bmc7:0", "the port is not a number from 1 to 65535"),
        ("bmc7:65536", "the port is not a number from 1 to 65535"),
        ("bmc7:https", "the port is not a number from 1 to 65535"),
        ("bmc7:4 43", "an address cannot contain ' '"),
        ("bmc7:²", "the port is not a number from 1 to 65535"),
        ("bmc\x007", "an address cannot contain '\\x00'"),
        ("bmc\u202e7", "an address cannot contain '\\u202e'"),
        ("https://bmc7?x=1", "a base URL has no query and no fragment"),
        ("https://bmc7/a#b", "a base URL has no query and no fragment"),
        ("bmc7/prefix", "not an address: 'bmc7/prefix'"),
        ("https://bmc7\\evil", "not an address: 'https://bmc7\\\\evil'"),
        ("https://bmc7/a/../b", "a path prefix cannot contain . or .. segments"),
        ("https://bmc7/%2E%2e/b", "a path prefix cannot contain . or .. segments"),
        ("https://10.0.0.0/24", "'https://10.0.0.0/24' could be a network or a host with a path"),
        ("010.0.0.1", "010.0.0.1 is not an IPv4 address: four numbers from 0 to 255, no leading zeros"),
        ("10.0.0.256", "10.0.0.256 is not an IPv4 address: four numbers from 0 to 255, no leading zeros"),
        ("2130706433", "2130706433 is not an IPv4 address: four numbers from 0 to 255, no leading zeros"),
        ("0x7f.1", "0x7f.1 is not an IPv4 address: four numbers from 0 to 255, no leading zeros"),
        ("10.0.0", "10.0.0 is not an IPv4 address: four numbers from 0 to 255, no leading zeros"),
        ("[fe80::1%eth0]", "an IPv6 address with a zone (%...) is not supported"),
        ("[2001:db8::zz]", "not an IPv6 address: '2001:db8::zz'"),
        ("[2001:db8::1]x", "not an address: '[2001:db8::1]x'"),
        ("2001:db8::zz", "not an address: '2001:db8::zz'"),
        ("-bmc", "not a host name: '-bmc'"),
        ("bmc..dc1", "not a host name: 'bmc..dc1'"),
        ("a" * 64, f"not a host name: '{'a' * 64}'"),
        ("☃☃-.example", "not a host name: '☃☃-.example'"),
    ],
)
def test_what_is_not_an_address_says_why(text: str, message: str) -> None:
    with pytest.raises(InventoryError) as caught:
        url_of(text)
    assert caught.value.message == message


def test_what_was_copied_from_a_browser_says_what_to_write() -> None:
    with pytest.raises(InventoryError) as caught:
        url_of("https://bmc7:8443/ui/#/login?next=%2F")
    assert caught.value.hint == "write for example https://bmc7:8443"


@pytest.mark.parametrize(
    "text",
    [
        "root:hunter2@bmc7",
        "https://root:hunter2@bmc7/",
        "https://hunter2@bmc7",
        "root:hunter2@[2001:db8::1]:8443",
        "ssh://root:hunter2@bmc7",
    ],
)
def test_userinfo_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InventoryError) as caught:
        url_of(text)
    assert "hunter2" not in str(caught.value)


def test_shown_text_is_short_and_hides_userinfo() -> None:
    assert shown("a@b@c") == "'***@c'"
    assert shown("x" * 200) == repr("x" * 80 + "...")
    assert shown("a\nb") == r"'a\nb'"


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_an_inventory_error(text: str) -> None:
    try:
        url = url_of(text)
    except InventoryError:
        return
    assert url_of(url) == url
    assert url.isascii()


@given(st.ip_addresses())
def test_addresses_keep_their_value(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    spelled = normal_host(str(address))
    assert ipaddress.ip_address(spelled) == address
    assert normal_host(address.exploded) == spelled == normal_host(spelled)
