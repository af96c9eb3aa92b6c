"""A seat and the worker in it, played by the test at the other end of the socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest

from fleet.distribute.forkserver import ForkServer
from fleet.distribute.link import Link
from fleet.distribute.messages import Begin, Done, Drop, End, Take
from fleet.distribute.scan_limits import SharedLimits
from fleet.distribute.seat import Seat
from fleet.distribute.workers import Workers
from fleet.engine import Stop
from fleet.outcome import Outcome
from fleet.policy import Policy
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.assembly import PreparedScan

pytestmark = pytest.mark.anyio
TARGET = Target("a", "http://a")
OUTCOME = Outcome(
    run="r", id="a", target="http://a", status="ok", started="2026-01-01T00:00:00.000Z", seconds=0.1
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Forks:
    """Gives a seat sockets whose other end the test has."""

    alive = True

    def __init__(self) -> None:
        self.ended: Callable[[int], None] = lambda _status: None
        self.begun = 0
        self.killed = 0

    def watch(self) -> Callable[[], None]:
        return lambda: None

    def fork(self, _seat: int, ended: Callable[[int], None]) -> tuple[int, socket.socket]:
        self.begun += 1
        ours, self.theirs = socket.socketpair()
        self.ended = ended
        return 1, ours

    def kill(self, _number: int) -> None:
        self.killed += 1


@dataclass
class Seated:
    seat: Seat
    forks: Forks
    worker: Link
    heard: list[Any]
    changes: list[bool] = field(default_factory=list)  # whether the seat was taken, at each change
    ends: list[str] = field(default_factory=list)


@asynccontextmanager
async def seated(*, logout: float = 5.0, over: bool = False) -> AsyncIterator[Seated]:
    """A seat with a worker in it; `over`: the end came while that one was begun."""
    forks, changes, heard = Forks(), [], []
    limits = SharedLimits(Policy(), lambda _event: None)
    seat = Seat(
        0,
        cast("ForkServer", forks),
        limits,
        lambda _event: None,
        logout=logout,
        changed=lambda: changes.append(seat.taken),
        warned=lambda _warnings: None,
    )
    ends: list[str] = []

    async def live() -> None:
        ends.append(await seat.seat(Begin("r", "p", 1)))

    async with anyio.create_task_group() as group:
        group.start_soon(live)
        if over:
            await until(lambda: forks.begun == 1)
            assert not seat.taken
            seat.end()
        while not seat.taken:
            await anyio.lowlevel.checkpoint()
        worker = await Link.over(forks.theirs, lambda: Link(heard.append, lambda: None))
        yield Seated(seat, forks, worker, heard, changes, ends)
        worker.close()
        forks.ended(0)


async def until(what: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not what():
            await anyio.lowlevel.checkpoint()


async def test_whoever_waits_for_the_end_hears_of_it() -> None:
    async with seated() as found:
        found.seat.end()
        await until(lambda: End() in found.heard)
        found.worker.close()
        found.forks.ended(9)
        await until(lambda: found.ends == ["killed by SIGKILL"])
        assert found.changes[-1] is False


async def test_a_worker_that_is_only_about_to_sit_there_is_let_go_too() -> None:
    async with seated(over=True) as found:
        await until(lambda: End() in found.heard)


async def test_no_worker_is_begun_for_a_scan_that_is_over() -> None:
    forks, died = Forks(), anyio.Event()
    prepared = SimpleNamespace(policy=Policy(), plan=SimpleNamespace(pipeline="p"), notes=())
    workers = Workers(cast("PreparedScan", prepared), cast("ForkServer", forks), 1)
    with anyio.fail_after(20):
        async with workers.enter("r", lambda _event: died.set(), Stop()):
            await until(lambda: forks.begun == 1)
            forks.theirs.close()
            forks.ended(9)
            await died.wait()  # the next one is begun after a pause
    assert forks.begun == 1


async def test_an_outcome_or_none_where_the_worker_died() -> None:
    async with seated() as found, anyio.create_task_group() as group:
        got: list[Outcome | None] = []

        async def scan() -> None:
            got.append(await found.seat.scan(TARGET))

        group.start_soon(scan)
        await until(lambda: any(isinstance(word, Take) for word in found.heard))
        assert found.seat.load == 1
        found.worker.say(Done(found.heard[-1].number, OUTCOME))
        await until(lambda: got == [OUTCOME])
        group.start_soon(scan)
        await until(lambda: len(found.heard) == 3)
        found.worker.close()
        await until(lambda: got == [OUTCOME, None])
        assert await found.seat.scan(TARGET) is None, "nobody sits there"


async def test_what_is_cancelled_is_waited_for() -> None:
    async with seated() as found, anyio.create_task_group() as group:
        got: list[Outcome | None] = []
        scope = anyio.CancelScope()

        async def scan() -> None:
            with scope:
                got.append(await found.seat.scan(TARGET))

        group.start_soon(scan)
        await until(lambda: any(isinstance(word, Take) for word in found.heard))
        scope.cancel()
        await until(lambda: any(isinstance(word, Drop) for word in found.heard))
        found.worker.say(Done(found.heard[-1].number, OUTCOME))
        await until(lambda: got == [OUTCOME])
        assert found.forks.killed == 0


async def test_a_worker_that_does_not_let_go_is_killed() -> None:
    async with seated(logout=-5.0) as found:  # no patience at all
        with anyio.move_on_after(0.0):
            await found.seat.scan(TARGET)
        assert found.forks.killed == 1
        await until(lambda: not found.seat.taken)
