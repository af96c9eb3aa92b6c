"""Credentials that no request can carry by itself: http digest, and OAuth2's client credentials.

Both are conversations with a server before the call proper; they are held here without I/O, as httpx has it:
a generator that yields requests and is sent their answers.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx

from fleet.errors import ConfigError, RequestFailed
from fleet.openapi import SecurityScheme, client_credentials
from fleet.outcome import FailureKind
from fleet.secret import Secret

if TYPE_CHECKING:
    from fleet.client.endpoint import Endpoint

_EARLY = 30.0  # seconds before its end at which a token is not used any more
_LIFETIME = 300.0  # seconds, of a token whose server does not say


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


class ClientCredentials(httpx.Auth):
    """OAuth2's client credentials flow (RFC 6749, 4.4): a token, again when it ends or is refused."""

    def __init__(self, name: str, token_url: str, parts: tuple[str, ...]) -> None:
        self._name = name
        self._url = token_url
        self._parts = parts
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
        client, secret, *scopes = self._parts
        pair = f"{quote(client, safe='')}:{quote(secret, safe='')}".encode()
        form = {"grant_type": "client_credentials", **({"scope": scopes[0]} if scopes else {})}
        headers = {
            "Authorization": f"Basic {b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return httpx.Request("POST", self._url, headers=headers, content=urlencode(form).encode())

    def _take(self, response: httpx.Response) -> None:
        try:
            answer = response.json()
            token, seconds = answer["access_token"], float(answer.get("expires_in") or _LIFETIME)
            fits = response.status_code == 200 and isinstance(token, str) and token.isascii()
            fits = fits and token.isprintable() and bool(token)
        except (ValueError, TypeError, KeyError, AttributeError):
            fits = False
        if not fits:
            self._token = ""
            raise RequestFailed(
                FailureKind.AUTH_REJECTED,
                f"{self._name}: the token endpoint answered {response.status_code}, without a token",
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
    flow = client_credentials(scheme)
    if flow is None:
        raise ConfigError(f"the security scheme {scheme.name!r} has no client credentials flow")
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
    return ClientCredentials(scheme.name, url, parts)
