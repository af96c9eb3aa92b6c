"""One document over HTTP, for `WebLoader`: blocking, bounded, never off its origin."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin

import httpx

from fleet.client.calls.options import Verify, tls_policy
from fleet.client.calls.session import running_loop
from fleet.client.description.loaders import MAX_BYTES, origin
from fleet.client.wire.dial import Dialer
from fleet.client.wire.resolve import Resolver
from fleet.client.wire.tls import TlsContexts
from fleet.client.wire.transport import WireTransport
from fleet.errors import RequestFailed, SpecError
from fleet.outcome import FailureKind
from fleet.policy import Limits, Timeouts, Tls

_REDIRECTS = 5


def download(url: str, *, timeout: float, verify: Verify, headers: Mapping[str, str]) -> bytes:
    """The body of a 2xx answer, in `timeout` seconds at most, redirects included.

    Raises `SpecError` with the status of any other answer, for HTML pages, and where there is none. Blocks,
    also in a thread whose event loop runs.
    """
    dialer = _dialer(timeout, verify)  # outside of any loop: the trust store is read

    def fetched() -> bytes:
        return asyncio.run(_fetched(url, timeout, dialer, headers))

    if running_loop() is None:
        return fetched()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(fetched).result()


def _dialer(timeout: float, verify: Verify) -> Dialer:
    contexts, tls = TlsContexts(), Tls()
    if isinstance(verify, ssl.SSLContext):
        contexts.use(tls, verify)
    else:
        tls = tls_policy(verify)
    return Dialer(
        tls=tls,
        contexts=contexts,
        resolver=Resolver(),
        timeouts=Timeouts(connect=timeout, tls=timeout, request=timeout),
        limits=Limits(body=MAX_BYTES),
    )


async def _fetched(url: str, timeout: float, dialer: Dialer, headers: Mapping[str, str]) -> bytes:
    given = {"Accept-Encoding": "gzip, deflate", **headers}
    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(
                transport=WireTransport(dialer), trust_env=False, timeout=timeout, headers=given
            ) as client,
        ):
            return _body(await _answer(client, url), url)
    except TimeoutError:
        raise SpecError("not received in time", file=url) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failed = error.__cause__
        if isinstance(failed, RequestFailed) and failed.kind is FailureKind.BODY_TOO_LARGE:
            raise SpecError(f"larger than {MAX_BYTES >> 20} MiB", file=url) from None
        raise SpecError(f"cannot be fetched: {error or type(error).__name__}", file=url) from None


async def _answer(client: httpx.AsyncClient, url: str) -> httpx.Response:
    here = url
    for _ in range(_REDIRECTS + 1):
        response = await client.get(here)
        if not response.has_redirect_location:  # 304 and 300 are redirects by number alone
            return response
        here = urljoin(here, response.headers["location"])
        if origin(here) != origin(url):
            raise SpecError(f"redirects to another origin ({response.status_code}), not followed", file=url)
    raise SpecError(f"redirects more than {_REDIRECTS} times", file=url)


def _body(response: httpx.Response, url: str) -> bytes:
    if response.status_code >= 300:
        raise SpecError(f"the server answered {response.status_code}", file=url)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"}:
        raise SpecError(
            f"the server answered {response.status_code} with an HTML page",
            file=url,
            hint="what it shows is a file of its own, often /openapi.json, /swagger.json or /v3/api-docs",
        )
    return response.content
