"""What a handle may be told about its sessions without a factory being written."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, cast
from urllib.parse import unquote, urlsplit

from fleet.client.plugins import Plugin
from fleet.client.wire.tls import TlsContexts
from fleet.errors import ConfigError
from fleet.policy import Limits, Proxy, Tls, Validate
from fleet.secret import Secret

if TYPE_CHECKING:
    import httpx

    from fleet.client.calls.session import SessionFactory
    from fleet.client.errors import Statuses
    from fleet.client.handle import Chosen

Cookies: TypeAlias = Literal["jar", "declared"]
Verify: TypeAlias = "bool | str | Path | ssl.SSLContext"
PROXY_SCHEMES = ("socks5", "socks5h", "socks4", "http")


class HandleOptions(TypedDict, total=False):
    """The options of `OpenAPI.load_sync` and its siblings, of `cache_load` and of `clone`; none is needed.

    `session_factory`: a callable that returns an `httpx.AsyncClient` or `httpx.Client`, and so decides
      whether calls are awaited; `timeout`, `verify`, `proxy` and `headers`, where they are given, are passed
      to it as keyword arguments. Without one, sessions are async, over this project's own connections.
    `raise_on_http_status`: true (the default): answers of 400 and above are errors; a mapping says which
      statuses are which, `{404: None, "4XX": HTTPClientError}`, and what it does not name is data.
    `timeout`: seconds, or an `httpx.Timeout`; 5 seconds by default, as httpx has it. Without a factory it
      bounds connecting, and the exchange as a whole: not each read.
    `verify`: true (the default: the system's authorities), false, a CA file, or an SSLContext.
    `proxy`: `socks5://`, `socks5h://`, `socks4://` or `http://[user:password@]host:port`; none by default,
      whatever the environment says.
    `server`: which of the description's servers the base URL stands in for, by place, name (3.2) or URL as
      written; by default the first. `server_variables`: values for its variables.
    `headers`: sent with every call.
    `cookies`: `"jar"` (the default): what a service sets is sent back; `"declared"`: only the apiKey cookies
      of the description, and only to operations that need them.
    `limits`: what an answer may cost: `fleet.policy.Limits`, in bytes.
    `plugins`: instances, called in this order; see `fleet.client.plugins`.
    `validate`: what becomes of answers that break their documented schema: `"fail"` (the default) raises
      `SchemaMismatch`, `"warn"` logs the first of each operation and makes the best of it, `"off"` gives
      plain JSON, neither judged nor typed.
    """

    session_factory: SessionFactory | None
    raise_on_http_status: bool | Statuses
    timeout: float | httpx.Timeout | None
    verify: Verify
    proxy: str | None
    server: int | str
    server_variables: Mapping[str, Any]
    headers: Mapping[str, str]
    cookies: Cookies
    limits: Limits
    plugins: Sequence[Plugin]
    validate: Validate


KNOWN = frozenset(HandleOptions.__annotations__)
OF_CLIENTS = ("timeout", "verify", "proxy", "headers")  # what httpx clients take under the same names
OF_SERVERS = frozenset({"server", "server_variables"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")  # what httpx writes, too
_LIMITS = Limits()
_NEVER = {"host", "content-length", "transfer-encoding", "connection"}


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, as given. Raises `ConfigError` for a name that is none, and for what cannot work."""
    unknown = sorted(set(options) - KNOWN)
    if unknown:
        raise ConfigError(f"no such option: {', '.join(unknown)}; there are {', '.join(sorted(KNOWN))}")
    factory = options.get("session_factory")
    if factory is not None and not callable(factory):
        raise ConfigError("session_factory is a callable that returns an httpx client")
    timeout = options.get("timeout")
    if timeout is not None and not _is_timeout(timeout):
        raise ConfigError("timeout is a number of seconds above 0, or an httpx.Timeout")
    if not isinstance(options.get("verify", True), bool | str | Path | ssl.SSLContext):
        raise ConfigError("verify is true, false, the path of a CA file, or an SSLContext")
    if options.get("proxy") is not None:
        proxy_of(options["proxy"])
    if options.get("validate", "fail") not in {"off", "warn", "fail"}:
        raise ConfigError("validate is fail, warn or off")
    if options.get("cookies", "jar") not in ("jar", "declared"):
        raise ConfigError("cookies is 'jar' or 'declared'")
    if not isinstance(options.get("limits", _LIMITS), Limits):
        raise ConfigError("limits is a fleet.policy.Limits")
    plugins_of(options)
    check_headers("headers", options.get("headers") or {})
    return dict(options)


def _is_timeout(timeout: object) -> bool:
    if isinstance(timeout, int | float):
        return not isinstance(timeout, bool) and timeout > 0
    import httpx  # noqa: PLC0415  (most name a number, or nothing)

    return isinstance(timeout, httpx.Timeout)


def plugins_of(options: Mapping[str, Any]) -> Sequence[Plugin]:
    """The plugins among the options. Raises `ConfigError` for what would never be called."""
    plugins = options.get("plugins", ())
    takes = "plugins is a list of instances of fleet.client.Plugin"
    if not isinstance(plugins, list | tuple):
        raise ConfigError(takes)
    for plugin in plugins:
        if isinstance(plugin, type):
            raise ConfigError(f"{takes}: {plugin.__name__} is a class")
        if not isinstance(plugin, Plugin):
            raise ConfigError(f"{takes}: {type(plugin).__name__} is none")
    return plugins


def check_headers(where: str, headers: Any) -> None:
    """Raises `ConfigError` for headers that cannot be sent; it names them and shows no value."""
    if not headers and isinstance(headers, Mapping):
        return
    if not isinstance(headers, Mapping) or not all(
        isinstance(v, str) for pair in headers.items() for v in pair
    ):
        raise ConfigError(f"{where} is a mapping of names to text")
    if refused := sorted(name for name in headers if name.lower() in _NEVER):
        raise ConfigError(f"{where}: {', '.join(refused)} is written by the connection itself")
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ConfigError(f"{where}: {name!r} cannot be sent: its name or value holds what no header may")


def chosen_of(options: HandleOptions, before: Chosen | None = None) -> tuple[HandleOptions, Chosen | None]:
    """The options of a session, and the server that the others choose: another one with its own variables, or
    further variables for the one `before`."""
    if "server" not in options and "server_variables" not in options:
        return options, before
    rest = cast(HandleOptions, {name: value for name, value in options.items() if name not in OF_SERVERS})
    variables = options.get("server_variables") or {}
    if not isinstance(variables, Mapping):
        raise ConfigError("server_variables is a mapping of names to values")
    if "server" in options:
        return rest, (options["server"], dict(variables))
    which, known = before or (0, {})
    return rest, (which, {**known, **variables})


def proxy_of(url: str) -> Proxy:
    """A proxy, from its URL. Raises `ConfigError`, which never shows the URL: it may hold a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except (ValueError, AttributeError):
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in PROXY_SCHEMES or not host or port is None:
        raise ConfigError(f"proxy is scheme://[user:password@]host:port; schemes: {', '.join(PROXY_SCHEMES)}")
    password = None if parts.password is None else Secret(unquote(parts.password))
    user = None if parts.username is None else unquote(parts.username)
    scheme = cast(Literal["socks5", "socks5h", "socks4", "http"], parts.scheme)
    return Proxy(scheme, host, port, user, password)


def tls_context(verify: Verify, certificate: tuple[Any, ...] | None = None) -> ssl.SSLContext:
    """The SSLContext for a `verify` option and a client certificate. Reads files.

    `certificate` is (certificate file, key file[, password]); raises `ConfigError` where it cannot be used.
    """
    if isinstance(verify, ssl.SSLContext):
        context = verify
        if certificate is not None:
            raise ConfigError("a client certificate goes into the SSLContext that verify= names")
    else:
        context = TlsContexts().context(tls_policy(verify))
    if certificate is not None:
        names = [part.reveal() if isinstance(part, Secret) else part for part in certificate]
        password = names[2] if len(names) == 3 else ""  # text, or OpenSSL asks on the terminal
        try:
            context.load_cert_chain(names[0], names[1], password)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if not isinstance(error, ssl.SSLError) else "no pair, or a wrong password"
            raise ConfigError(f"the client certificate cannot be used: {why}", file=str(names[0])) from None
    return context


class Trust:
    """The SSLContexts of a handle and all its clones: one per way of judging certificates, 20 ms each."""

    __slots__ = ("_lock", "_made")

    def __init__(self) -> None:
        self._made: dict[tuple[bool, Any], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def context(self, verify: Verify, *, stock: bool = False) -> ssl.SSLContext:
        """The context for a `verify` option; with `stock`, httpx's own where it says true or false."""
        if isinstance(verify, ssl.SSLContext):
            return verify
        stock = stock and isinstance(verify, bool)
        with self._lock:
            made = self._made.get((stock, verify))
            if made is None:
                made = self._made[stock, verify] = _stock_context(verify) if stock else tls_context(verify)
            return made


def _stock_context(verify: Any) -> ssl.SSLContext:
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context(verify=verify, trust_env=False)


def tls_policy(verify: bool | str | Path) -> Tls:
    """How certificates are judged: by the system's authorities, those of a file, or not at all."""
    if verify is False:
        return Tls(mode="insecure")
    return Tls() if verify is True else Tls(ca_file=str(verify))
