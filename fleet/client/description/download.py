"""One document over HTTP, for `WebLoader`: blocking, bounded, never off its origin."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urljoin

import httpx

from fleet.client.description.loaders import MAX_BYTES, origin
from fleet.errors import SpecError

_REDIRECTS = 5


def download(url: str, *, timeout: float, verify: bool | str, headers: Mapping[str, str]) -> bytes:
    """The body of a 2xx answer. Raises `SpecError` with the status of any other, and for HTML pages."""
    deadline = time.monotonic() + timeout
    here = url
    with httpx.Client(trust_env=False, verify=verify, timeout=timeout, headers=dict(headers)) as client:
        for _ in range(_REDIRECTS + 1):
            try:
                with client.stream("GET", here) as response:
                    if not response.has_redirect_location:  # 304 and 300 are redirects by number alone
                        return _body(response, url, deadline)
                    target = urljoin(here, response.headers["location"])
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise SpecError(f"cannot be fetched: {error or type(error).__name__}", file=url) from None
            if origin(target) != origin(url):
                raise SpecError(
                    f"redirects to another origin ({response.status_code}), not followed", file=url
                )
            here = target
    raise SpecError(f"redirects more than {_REDIRECTS} times", file=url)


def _body(response: httpx.Response, url: str, deadline: float) -> bytes:
    if response.status_code >= 300:
        raise SpecError(f"the server answered {response.status_code}", file=url)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"}:
        raise SpecError(f"the server answered {response.status_code} with an HTML page", file=url)
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MAX_BYTES:
            raise SpecError(f"larger than {MAX_BYTES >> 20} MiB", file=url)
        if time.monotonic() > deadline:
            raise SpecError("not received in time", file=url)
        chunks.append(chunk)
    return b"".join(chunks)
