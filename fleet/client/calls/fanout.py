"""The bounded loop over clones, as one call."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from fleet.errors import ConfigError
from fleet.frozen import frozen
from fleet.policy import Timeouts

if TYPE_CHECKING:
    import yarl

    from fleet.client.api import OpenAPI

T = TypeVar("T")


@frozen
class Scanned(Generic[T]):
    """What came of one URL: `value` is what `run` returned, or `error` is what was raised instead."""

    url: str
    value: T | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """Whether `run` returned."""
        return self.error is None


async def scan(
    api: OpenAPI,
    urls: Iterable[str | yarl.URL] | AsyncIterable[str | yarl.URL],
    run: Callable[[OpenAPI], Awaitable[T]],
    limit: int = 32,
) -> list[Scanned[T]]:
    """Awaits `run(api.clone(url))` for every URL, at most `limit` at once; the results in the URLs' order.

    URLs are taken when there is room for them, so they may come from a generator. Each clone's session is
    closed when its `run` ends. An exception of one URL, a bad URL included, is its result's `error` and
    touches no other; cancellation ends all of them. Raises `ConfigError` for a limit below 1 and for one
    text in place of URLs, and what the URLs' own iterator raises, after the runs that had begun were
    cancelled.
    """
    if limit < 1:
        raise ConfigError("limit is at least 1")
    if isinstance(urls, str | bytes):
        raise ConfigError("urls is a list of base URLs, or an iterator of them: one URL is [url]")
    numbered = _numbered(urls)
    turn = anyio.Lock()  # an async generator is asked by one at a time
    found: dict[int, Scanned[T]] = {}

    async def work() -> None:
        while True:
            async with turn:
                try:
                    number, url = await anext(numbered)
                except StopAsyncIteration:
                    return
            found[number] = await _one(api, url, run)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(limit):
                group.start_soon(work)
    except BaseExceptionGroup as errors:
        if len(errors.exceptions) == 1:
            raise errors.exceptions[0] from None  # of the URLs' iterator: runs keep theirs
        raise
    return [found[number] for number in sorted(found)]


async def _one(api: OpenAPI, url: str | yarl.URL, run: Callable[[OpenAPI], Awaitable[T]]) -> Scanned[T]:
    try:
        clone = api.clone(url)
        try:
            return Scanned(str(url), await run(clone))
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(Timeouts().logout):
                await clone.aclose()
    except Exception as error:  # one URL's failure is that URL's result
        return Scanned(str(url), error=error)


async def _numbered(
    urls: Iterable[str | yarl.URL] | AsyncIterable[str | yarl.URL],
) -> AsyncIterator[tuple[int, str | yarl.URL]]:
    number = 0
    if isinstance(urls, AsyncIterable):
        async for url in urls:
            yield number, url
            number += 1
    else:
        for url in urls:
            yield number, url
            number += 1
