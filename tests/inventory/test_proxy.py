"""Which proxy a target goes through, and what a proxy URL may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import ConfigError, SecretError
from fleet.inventory import Proxies, ProxyModel, SecretReader, parse_proxy_url
from fleet.policy import Proxy

CANARY = "canary-3f9c"
MODELS = {
    "dc1": ProxyModel(
        url="socks5h://Proxy.DC1", username="scan", password="env:PROXY", match={"site": "dc1"}
    ),
    "dc2": ProxyModel(url="http://10.9.9.9:3128", match="host=10.2.0.0/16"),
}


def proxies(**options: Any) -> Proxies:
    return Proxies(MODELS, secrets=SecretReader(environ={"PROXY": CANARY}), **options)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("socks5://p:1", Proxy("socks5", "p", 1)),
        ("SOCKS5H://P.Example", Proxy("socks5h", "p.example", 1080)),
        ("socks4://10.0.0.1:1080/", Proxy("socks4", "10.0.0.1", 1080)),
        ("http://[2001:db8::1]:3128", Proxy("http", "2001:db8::1", 3128)),
    ],
)
def test_a_proxy_url_gives_scheme_host_and_port(url: str, proxy: Proxy) -> None:
    assert parse_proxy_url(url) == proxy


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("p:1080", "not a proxy URL: 'p:1080'"),
        ("https://p:1", "proxy scheme 'https' is not one of socks5, socks5h, socks4, http"),
        ("http://p", "an http proxy needs a port"),
        ("socks5://", "the proxy's address: the host is missing"),
        ("socks5://p:x", "the proxy's address: the port is not a number from 1 to 65535"),
        ("socks5://p:1/x", "a proxy URL has no path"),
        ("socks5://p:1?x", "the proxy's address: a base URL has no query and no fragment"),
        ("socks5://p[1-3]:1", "the proxy's address: not a host name: 'p[1-3]'"),
        ("socks5://u:canary-3f9c@p:1", "a proxy URL cannot carry a user or a password"),
        ("u:canary-3f9c@p:1", "a proxy URL cannot carry a user or a password"),
    ],
)
def test_what_is_not_a_proxy_url_says_why(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_proxy_url(url)
    assert caught.value.message == message
    assert CANARY not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_proxy_or_a_config_error(text: str) -> None:
    try:
        proxy = parse_proxy_url(text)
    except ConfigError:
        return
    assert proxy.username is None
    assert 0 < proxy.port < 65536


def test_the_targets_own_outranks_rules_outrank_the_scan(target: Callable[..., Any]) -> None:
    chosen = proxies(scan_wide="socks5://wide:1")
    for given_target, label in [
        (target("https://h", proxy="dc2", labels={"site": "dc1"}), "dc2"),
        (target("https://h", proxy="socks5h://own:1", labels={"site": "dc1"}), "socks5h://own:1"),
        (target("https://h", labels={"site": "dc1"}), "dc1"),
        (target("https://10.2.3.4", labels={"site": "dc1"}), "dc1"),
        (target("https://10.2.3.4"), "dc2"),
        (target("https://h"), "socks5://wide:1"),
    ]:
        proxy = chosen.choose(given_target)[0]
        assert proxy is not None
        assert proxy.label == label
    assert chosen.choose(target("https://10.2.3.4", proxy="direct"))[0] is None
    assert proxies().choose(target("https://h"))[0] is None
    assert proxies(scan_wide="direct").choose(target("https://h"))[0] is None


def test_a_named_proxy_has_its_credentials_and_hides_them(target: Callable[..., Any]) -> None:
    chosen = proxies()
    proxy = chosen.choose(target(proxy="dc1"))[0]
    assert proxy is not None
    assert proxy.password is not None
    assert (proxy.host, proxy.port, proxy.username) == ("proxy.dc1", 1080, "scan")
    assert proxy.password.reveal() == CANARY
    assert CANARY not in repr(proxy)
    assert chosen.choose(target(proxy="dc1"))[0] is proxy


def test_errors_name_the_line(target: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        proxies().choose(target(proxy="dc3", origin="hosts.txt:7"))
    assert str(caught.value) == "hosts.txt:7: no proxy is named 'dc3'\n  the proxies are: dc1, dc2"
    with pytest.raises(ConfigError, match="define it under `proxies:`"):
        Proxies().choose(target(proxy="dc3"))
    with pytest.raises(ConfigError, match="the word means no proxy"):
        Proxies({"direct": MODELS["dc2"]})


def test_check_reads_secrets_and_the_scan_wide_choice() -> None:
    proxies(scan_wide="dc1").check()
    with pytest.raises(SecretError, match="the password of proxy dc1: environment variable PROXY is not set"):
        Proxies(MODELS, secrets=SecretReader(environ={})).check()
    with pytest.raises(ConfigError, match="no proxy is named 'dc9'"):
        proxies(scan_wide="dc9").check()


def test_many_urls_are_not_all_kept(target: Callable[..., Any]) -> None:
    chosen = Proxies()
    for number in range(3000):
        proxy = chosen.choose(target(proxy=f"socks5://p{number}:1"))[0]
        assert proxy is not None
        assert proxy.host == f"p{number}"
    assert len(chosen._made) < 1100
