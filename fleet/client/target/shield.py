"""Work that must not be torn in two by a cancellation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel

T = TypeVar("T")


async def finish(work: Callable[[], Awaitable[T]], *, grace: float) -> T:
    """The result of `work`, which a cancellation does not interrupt for `grace` more seconds.

    The cancellation itself is delivered afterwards: a login that was on its way is then known, and can be
    logged out. Nothing is begun for a caller that is cancelled already.
    """
    await anyio.lowlevel.checkpoint_if_cancelled()
    scope = anyio.CancelScope(shield=True)
    done = anyio.Event()
    results: list[T] = []
    errors: list[Exception] = []

    async def run() -> None:
        with scope:
            try:
                results.append(await work())
            except Exception as error:
                errors.append(error)
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        try:
            await done.wait()
        except anyio.get_cancelled_exc_class():
            scope.deadline = anyio.current_time() + grace
            raise
    if errors:
        raise errors[0]
    return results[0]
