"""Proxy URLs, and which proxy a target goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, cast, get_args

from fleet.errors import ConfigError, InventoryError
from fleet.inventory.address import normal_host, shown, split
from fleet.inventory.credentials.secrets import SecretReader
from fleet.inventory.match import MatchRules
from fleet.policy import Proxy
from fleet.secret import Secret
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory.credentials.model import ProxyModel

ProxyScheme = Literal["socks5", "socks5h", "socks4", "http"]
PROXY_SCHEMES: tuple[str, ...] = get_args(ProxyScheme)
DIRECT = "direct"  # in place of a proxy's name or URL: no proxy, whatever the rules say
SOCKS_PORT = 1080
USERINFO_HINT = (
    "define it under `proxies:` with username and password (env:NAME, file:PATH), and use its name"
)

_KEPT_URLS = 1024  # proxy URLs of targets, parsed once


def parse_proxy_url(text: str) -> Proxy:
    """A proxy without credentials. Raises ConfigError, which never repeats userinfo."""
    scheme, separator, rest = text.partition("://")
    if "@" in rest or (not separator and "@" in text):
        raise ConfigError("a proxy URL cannot carry a user or a password", hint=USERINFO_HINT)
    if not separator:
        raise ConfigError(
            f"not a proxy URL: {shown(text)}", hint="write for example socks5h://proxy.example:1080"
        )
    scheme = scheme.lower()
    if scheme not in PROXY_SCHEMES:
        raise ConfigError(f"proxy scheme {shown(scheme)} is not one of {', '.join(PROXY_SCHEMES)}")
    try:
        parts = split(f"http://{rest}")  # the shape of an authority is that of any URL
        host = normal_host(parts.host)
    except InventoryError as error:
        raise ConfigError(f"the proxy's address: {error.message}", hint=error.hint) from None
    if parts.path:
        raise ConfigError("a proxy URL has no path")
    if parts.port is None and scheme == "http":
        raise ConfigError("an http proxy needs a port", hint=f"write http://{host}:3128")
    return Proxy(cast(ProxyScheme, scheme), host, parts.port or SOCKS_PORT)


class Proxies:
    """The proxies of a scan, by name, by rule, and the one that all targets use.

    A target's own `proxy=` outranks the rules, which are tried in the order of the section, which outrank
    `scan_wide`. Each may be a name, a URL without credentials, or `direct`. Secrets are read once, by
    `check()` or at first use.
    """

    def __init__(
        self,
        models: Mapping[str, ProxyModel] | None = None,
        *,
        scan_wide: str | None = None,
        secrets: SecretReader | None = None,
    ) -> None:
        self._models = dict(models or {})
        self._secrets = secrets or SecretReader()
        self._made: dict[str, Proxy | None] = {}
        self._rules = MatchRules((name, model.match) for name, model in self._models.items())
        self.scan_wide = scan_wide
        if DIRECT in self._models:
            raise ConfigError(f"a proxy cannot be named {DIRECT}: the word means no proxy")

    @property
    def ruled(self) -> tuple[str, ...]:
        """The names that a `match` may give."""
        return self._rules.names

    def choose(self, target: Target) -> tuple[Proxy | None, str]:
        """The proxy of a target, None for a direct connection, and how the target came to it: empty where
        nothing names one. Raises ConfigError and SecretError."""
        named, how = target.proxy, "inventory"
        if named is None:
            if (found := self._rules.rule_for(target)) is not None:
                named, how = found[0], f"match {found[1]}"
            else:
                named, how = self.scan_wide, "--proxy"
        if named is None:
            return None, ""
        try:
            return self.named(named), how
        except ConfigError as error:
            if target.proxy is None or error.file:
                raise
            raise ConfigError(error.message, file=target.origin, hint=error.hint) from None

    def named(self, text: str) -> Proxy | None:
        """The proxy behind a name, a URL or `direct`. Raises ConfigError and SecretError."""
        if text in self._made:
            return self._made[text]
        if text == DIRECT:
            made = None
        elif text in self._models:
            made = self._make(text, self._models[text])
        elif "://" in text or "@" in text:
            made = parse_proxy_url(text)
            if len(self._made) > _KEPT_URLS + len(self._models):
                return made
        else:
            raise ConfigError(f"no proxy is named {shown(text)}", hint=_known(self._models))
        self._made[text] = made
        return made

    @property
    def secrets(self) -> Iterator[Secret]:
        """The passwords that were read."""
        for made in self._made.values():
            if made is not None and made.password is not None:
                yield made.password

    def check(self) -> None:
        """Read every secret and the scan-wide choice now, before a socket opens."""
        for name in self._models:
            self.named(name)
        if self.scan_wide is not None:
            self.named(self.scan_wide)

    def _make(self, name: str, model: ProxyModel) -> Proxy:
        bare = parse_proxy_url(model.url)
        password = self._secrets.read(model.password, f"password of proxy {name}") if model.password else None
        return Proxy(bare.scheme, bare.host, bare.port, model.username, password, name)


def _known(models: Mapping[str, ProxyModel]) -> str:
    if not models:
        return "define it under `proxies:`, or give a URL: socks5h://host:port"
    return f"the proxies are: {', '.join(sorted(models))[:300]}"
