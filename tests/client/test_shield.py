"""Work that a cancellation must not tear in two."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from fleet.client.target.shield import finish


async def test_work_that_has_begun_is_finished_and_the_cancellation_follows() -> None:
    done: list[str] = []

    async def work() -> str:
        scope.cancel()
        await anyio.lowlevel.checkpoint()
        done.append("work")
        return "result"

    with anyio.CancelScope() as scope:
        await finish(work, grace=5)
        done.append("result")
    assert scope.cancelled_caught
    assert done == ["work"]


async def test_work_of_somebody_who_is_cancelled_already_is_not_begun() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    with anyio.CancelScope() as scope:
        scope.cancel()
        await finish(work, grace=5)
    assert scope.cancelled_caught
    assert begun == []


async def test_work_that_outlasts_the_grace_is_cancelled() -> None:
    async def work() -> None:
        scope.cancel()
        await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        await finish(work, grace=0.01)
    assert scope.cancelled_caught


async def test_errors_are_raised_as_they_are() -> None:
    async def work() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        await finish(work, grace=5)
