"""NetBox, read: pages of objects over its REST API, through fleet's own client. Nothing here writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio

from fleet.client import CallFailed, HTTPStatusError, OpenAPI
from fleet.errors import ConfigError, RequestFailed, UsageError
from fleet.frozen import frozen
from fleet.policy import Limits, Retry
from fleet.secret import Secret

PAGE_OBJECTS = 500  # objects asked for at once; NetBox gives fewer where its own limit is lower
MAX_PAGES = 4000  # of one list
ITEMS_OF = 50  # devices whose items are asked for at once: their numbers stand in one URL
MAX_READS = 3  # of a list that changes while it is read
RETRY = Retry(attempts=3, backoff=1.0, retry_after_max=60.0)

_AGAIN = {429, 502, 503, 504}
_LINES = {
    401: "the token was refused",
    403: "the token was refused, or may not view this: it needs 'view' on dcim and extras",
    404: "there is no such list: is this the URL of NetBox 4, without /api?",
}

Asked = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


@frozen(kw_only=True)
class NetBoxAccess:
    """How NetBox is reached. `verify` and `proxy` are those of `fleet.client`; `timeout` is for one request,
    in seconds. The token goes over http:// only where `plaintext` says so."""

    url: str
    token: Secret
    verify: bool | str = True
    proxy: str | None = None
    timeout: float = 30.0
    plaintext: bool = False


class NetBox:
    """One NetBox: its lists, whole."""

    def __init__(self, ask: Asked, url: str, retry: Retry = RETRY) -> None:
        self._ask = ask
        self._retry = retry
        self.url = url

    async def version(self) -> str:
        """Its version. Raises UsageError where it is none of those that are known."""
        found = str((await self._answer("status", {})).get("netbox-version") or "")
        if not found.startswith("4."):
            raise UsageError(f"{self.url}: NetBox 4 is wanted, this is {found[:40] or 'something else'!r}")
        return found

    async def every(self, operation: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """All objects of one list, by number.

        Pages are counted and not followed: no URL of an answer is asked. Where the list changed while it was
        read, it is read again. Raises UsageError.
        """
        for _ in range(MAX_READS):
            found = await self._read(operation, parameters)
            if found is not None:
                return found
        raise UsageError(f"{self.url}: {operation} change too often to be read: try again later")

    async def _read(self, operation: str, parameters: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
        """The list; None where it did not hold still."""
        found: dict[int, Mapping[str, Any]] = {}
        count: int | None = None
        asked = {"limit": PAGE_OBJECTS, "ordering": "id", **parameters}
        for _ in range(MAX_PAGES):
            page = await self._answer(operation, {**asked, "offset": len(found)})
            results, total = page["results"], page["count"]
            before = len(found)
            found.update((one["id"], one) for one in results)
            if (count is not None and total != count) or len(found) != before + len(results):
                return None
            count = total
            if len(found) >= total:
                return [found[number] for number in sorted(found)]
            if not results:
                return None
        raise UsageError(
            f"{self.url}: {operation} has more than {MAX_PAGES * PAGE_OBJECTS:,} objects, or pages of few"
        )

    async def _answer(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        for tried in range(self._retry.attempts + 1):
            try:
                return await self._ask(operation, parameters)
            except RequestFailed as failed:
                wait = self._wait(failed, tried)
                if wait is None:
                    raise _complaint(self.url, failed) from None
            await anyio.sleep(wait)
        raise AssertionError("the last try answers or raises")

    def _wait(self, failed: RequestFailed, tried: int) -> float | None:
        """Seconds until it is asked again; None where that is no use."""
        asked: float = failed.retry_after or 0.0
        again = failed.status in _AGAIN if failed.status is not None else failed.kind.retryable
        if not again or tried >= self._retry.attempts or asked > self._retry.retry_after_max:
            return None
        backoff: float = self._retry.backoff * 2**tried
        return max(asked, min(backoff, self._retry.backoff_max))


@asynccontextmanager
async def netbox_at(access: NetBoxAccess, api: Path, *, retry: Retry = RETRY) -> AsyncIterator[NetBox]:
    """A NetBox, by its description (the file `api`), until the end of the block. Raises ConfigError."""
    url = _base(access)
    handle = await anyio.to_thread.run_sync(lambda: _handle(access, url, api))
    try:
        yield NetBox(_asking(handle), url, retry)
    finally:
        await handle.aclose()


def _handle(access: NetBoxAccess, url: str, api: Path) -> OpenAPI:
    handle = OpenAPI.load_file(
        url, api, verify=access.verify, proxy=access.proxy, timeout=access.timeout, limits=Limits(),
        cookies="declared", validate="fail",
    )  # fmt: skip
    token = access.token.reveal()
    word = "Bearer" if token.startswith("nbt_") else "Token"  # the second since 4.5
    handle.authenticate(token=Secret(f"{word} {token}"))
    handle.create_request("status")  # imports what calls need: not in the event loop
    return handle


def _asking(handle: OpenAPI) -> Asked:
    async def ask(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        _, _, response = await getattr(handle._, operation).request(dict(parameters))
        found: Mapping[str, Any] = response.json()
        return found

    return ask


def _base(access: NetBoxAccess) -> str:
    url = access.url if "://" in access.url else f"https://{access.url}"
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError("--url is the URL of NetBox: https://netbox.example.org")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("--url holds no user and no password: --token-from names the token")
    if parts.scheme == "http" and not access.plaintext:
        raise ConfigError(
            "the token would be sent unencrypted: use https://, or --allow-plaintext-credentials"
        )
    return url.rstrip("/").removesuffix("/api")


def _complaint(url: str, failed: RequestFailed) -> UsageError:
    """What went wrong, with what to do; no word of the answer's body."""
    place = f" {failed.path.partition('?')[0]}" if isinstance(failed, CallFailed) else ""
    if isinstance(failed, HTTPStatusError):
        said = _LINES.get(failed.status or 0, failed.kind.hint)
        return UsageError(f"{url}:{place}: HTTP status {failed.status}\n  {said}")
    return UsageError(f"{url}:{place}: {failed.kind}: {failed.message}\n  {failed.kind.hint}")


def text_in(one: Mapping[str, Any] | None, *names: str) -> str:
    """A text in an object of NetBox, empty where there is none: `text_in(device, "site", "slug")`."""
    found: Any = one
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


def by_fold(objects: Sequence[Mapping[str, Any]], *names: str) -> dict[str, Mapping[str, Any]]:
    """Objects by some of their texts, whatever their case; the first one counts."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in objects:
        for name in names:
            if text := text_in(one, name):
                found.setdefault(text.casefold(), one)
    return found
