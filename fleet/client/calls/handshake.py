"""Credentials that no request can carry by itself: http digest, and what OAuth2 gives a token for.

Both are conversations with a server before the call proper; they are held here without I/O, as httpx has it:
a generator that yields requests and is sent their answers.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx

from fleet.errors import ConfigError, RequestFailed
from fleet.openapi import PasswordGrant, SecurityScheme, client_credentials, password_flow
from fleet.outcome import FailureKind
from fleet.secret import Secret

if TYPE_CHECKING:
    from fleet.client.endpoint import Endpoint

_EARLY = 30.0  # seconds before its end at which a token is not used any more
_LIFETIME = 300.0  # seconds, of a token whose server does not say
_REFUSALS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}  # fmt: skip  (RFC 6749, 5.2)


class Handshake:
    """One credential of one handle, for as long as its session lives.

    Until it is `settled`, calls go one at a time, under `lock`: the first one learns the challenge, or gets
    the token, for all of them.
    """

    __slots__ = ("auth", "lock", "settled")

    def __init__(self, auth: httpx.Auth, lock: Any) -> None:
        self.auth: httpx.Auth = auth
        self.lock: Any = lock
        self.settled: bool = False


class Granted(httpx.Auth):
    """A token that is given for a form (RFC 6749, 4.3 and 4.4), again when it ends or is refused. `client`
    is its id and secret, where the service knows it by both."""

    def __init__(
        self, name: str, token_url: str, form: Mapping[str, str], client: tuple[str, str] | None
    ) -> None:
        self._name = name
        self._url = token_url
        self._form = form
        self._client = client
        self._token = ""
        self._until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        renewed = not self._token or time.monotonic() >= self._until
        if renewed:
            self._take((yield self._asking()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == 401 and not renewed:
            self._take((yield self._asking()))
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _asking(self) -> httpx.Request:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._client is not None:
            pair = ":".join(quote(part, safe="") for part in self._client).encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return httpx.Request("POST", self._url, headers=headers, content=urlencode(self._form).encode())

    def _take(self, response: httpx.Response) -> None:
        why = ""
        try:
            answer = response.json()
            why = f" ({answer['error']})" if answer.get("error") in _REFUSALS else ""
            token, seconds = answer["access_token"], float(answer.get("expires_in") or _LIFETIME)
            fits = response.status_code == 200 and isinstance(token, str) and token.isascii()
            fits = fits and token.isprintable() and bool(token)
        except (ValueError, TypeError, KeyError, AttributeError):
            fits = False
        if not fits:
            self._token = ""
            raise RequestFailed(
                FailureKind.AUTH_REJECTED,
                f"{self._name}: the token endpoint answered {response.status_code}, without a token{why}",
                status=response.status_code,
            )
        self._token = token
        self._until = time.monotonic() + max(0.0, seconds - _EARLY)


def auth_for(scheme: SecurityScheme, value: tuple[Any, ...], endpoint: Endpoint) -> httpx.Auth | None:
    """The conversation for a credential; None for one that the connection itself presents (mutualTLS)."""
    if scheme.kind == "mutualTLS":
        return None
    parts = tuple(part.reveal() if isinstance(part, Secret) else part for part in value)
    if scheme.kind == "http digest":
        return httpx.DigestAuth(*parts)
    granted = _password if isinstance(value, PasswordGrant) else _client_credentials
    flow = (password_flow if granted is _password else client_credentials)(scheme)
    if flow is None:
        raise ConfigError(f"the security scheme {scheme.name!r} has no flow for what was given")
    url = urljoin(f"{endpoint.origin}{endpoint.path}/", flow.token_url)
    try:
        where = urlsplit(url)
        plain = where.scheme != "https" and f"{where.scheme}://{where.netloc}".lower() != endpoint.origin
        if where.scheme not in {"http", "https"} or not where.hostname or where.username is not None:
            plain = True
    except ValueError:
        plain = True
    if plain:
        raise ConfigError(
            f"the token URL of {scheme.name!r} is neither https nor of the API's own origin: "
            "no secret is sent there"
        )
    return Granted(scheme.name, url, *granted(parts))


def _client_credentials(parts: tuple[str, ...]) -> tuple[Mapping[str, str], tuple[str, str]]:
    """The form and the client of a client that asks for itself."""
    client, secret, *scopes = parts
    return {"grant_type": "client_credentials", **({"scope": scopes[0]} if scopes else {})}, (client, secret)


def _password(parts: tuple[str, ...]) -> tuple[Mapping[str, str], tuple[str, str] | None]:
    """The form and the client of one that asks for somebody; without a secret it names itself in the form."""
    username, password, client, secret, scope = parts
    form = {"grant_type": "password", "username": username, "password": password}
    named = {"client_id": "" if secret else client, "scope": scope}
    form |= {name: value for name, value in named.items() if value}
    return form, (client, secret) if secret else None
