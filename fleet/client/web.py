"""What fleet asks for itself, and not for a scan: NetBox, Vault, service discovery, a Pushgateway.

The requests go through fleet's own connections: deadlines are of the wall clock, bodies are bounded after
decompression, redirects stay with the origin, the environment's proxies are not used. Asking blocks: an event
loop does it in a thread.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import anyio
import orjson

from fleet.client.endpoint import Endpoint
from fleet.client.exchange.exchange import Exchange
from fleet.client.message import Reply, Request
from fleet.client.wire.dial import Dialer
from fleet.client.wire.resolve import Resolver
from fleet.client.wire.tls import TlsContexts
from fleet.errors import ConfigError, PlacedError, RequestFailed
from fleet.pace import Pace
from fleet.policy import Limits, Policy, Retry, Timeouts, Tls
from fleet.secret import Secret


class Web:
    """One origin, asked by blocking calls. `what` is how messages call it, `error` what is raised.

    A secret is refused over plain HTTP, but to this machine itself. `seconds` is for one request with its
    retry, `most` bytes for one decoded body. Raises `error` for a URL that is none.
    """

    def __init__(
        self,
        url: str,
        *,
        what: str,
        error: type[PlacedError],
        seconds: float,
        most: int,
        ca_file: str | None = None,
    ) -> None:
        try:
            parts = urlsplit(url)
            self._endpoint: Endpoint = Endpoint.parse(f"{parts.scheme}://{parts.netloc}")
        except ValueError as wrong:
            raise error(f"{what}: {wrong}") from None
        self.what = what
        self.error = error
        self._policy = Policy(
            timeouts=Timeouts(request=seconds, target=3 * seconds),
            limits=Limits(body=most),
            retry=Retry(attempts=1, retry_after_max=seconds),
            tls=Tls(ca_file=ca_file),
        )

    @property
    def protected(self) -> bool:
        """Whether nobody in between could read a secret."""
        return self._endpoint.tls or _is_here(self._endpoint.host)

    def ask(
        self,
        path: str,
        *,
        headers: Mapping[str, str | Secret] | None = None,
        method: str = "GET",
        body: object = None,
    ) -> Reply:
        """The reply, of any status. `path` is origin-form with its query; `body` is sent as JSON, bytes as
        they are. Raises `error` where there is no reply."""
        request = self._request(method, path, headers or {}, body)
        try:
            return anyio.run(self._send, request)
        except RequestFailed as failed:
            raise self.error(
                f"{self.what}: {failed.message} ({failed.kind})", hint=failed.kind.hint
            ) from None
        except TimeoutError:
            seconds = self._policy.timeouts.target
            raise self.error(f"{self.what}: no answer within {seconds:g} s") from None

    def _request(self, method: str, path: str, headers: Mapping[str, str | Secret], body: object) -> Request:
        given = {"Accept": "application/json", **headers}
        secrets = frozenset(name.lower() for name, value in given.items() if isinstance(value, Secret))
        if secrets and not self.protected:
            raise self.error(
                f"{self.what}: a secret is not sent over plain HTTP",
                hint="write https:// and, if need be, ca_file",
            )
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not body:
            given["Content-Type"] = "application/json"
        revealed = tuple(
            (name, value.reveal() if isinstance(value, Secret) else value) for name, value in given.items()
        )
        return Request(method, path, revealed, data, sensitive=secrets)

    async def _send(self, request: Request) -> Reply:
        policy = self._policy
        exchange = Exchange(
            self._endpoint,
            self._dialer,
            target=str(self._endpoint),
            policy=policy,
            pace=Pace.of(policy, _deaf),
            tell=_deaf,
        )
        try:
            with anyio.fail_after(policy.timeouts.target):
                return await exchange.send(request)
        finally:
            exchange.close()

    def json(self, reply: Reply) -> Any:
        """The JSON of a reply. Raises `error`."""
        try:
            return orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            kind = ascii((reply.header("content-type") or "of no type")[:60])
            raise self.error(f"{self.what}: the answer is not JSON ({reply.status}, {kind})") from None

    @cached_property
    def _dialer(self) -> Dialer:
        """Made outside of any event loop: the trust store is read."""
        policy = self._policy
        try:
            return Dialer(
                tls=policy.tls,
                contexts=TlsContexts(),
                resolver=Resolver(),
                timeouts=policy.timeouts,
                limits=policy.limits,
                plain=not self._endpoint.tls,
                direct=True,
            )
        except ConfigError as wrong:
            raise self.error(f"{self.what}: {wrong.message}") from None


def _is_here(host: str) -> bool:
    """Whether a host is this machine by its own name: `localhost`, or an address of the loopback."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _deaf(_event: object) -> None:
    """Nobody counts these requests: they are not the scan's."""
