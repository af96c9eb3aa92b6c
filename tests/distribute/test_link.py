"""Messages between processes: in order, whole, whatever their size; and the fork server."""

from __future__ import annotations

import pickle
import signal
import socket
import subprocess
import sys
from typing import Any

import anyio
import pytest

from fleet.distribute.forkserver import how_it_ended
from fleet.distribute.link import Link
from fleet.distribute.messages import Done, Take
from fleet.outcome import CheckResult, Failure, FailureKind, Outcome, Sample, Skipped, StepRows, Violation
from fleet.target import Target

pytestmark = pytest.mark.anyio
OUTCOME = Outcome(
    run="r",
    id="https://a",
    target="https://a",
    status="partial",
    started="2026-01-01T00:00:00.000Z",
    seconds=0.5,
    labels={"site": "a"},
    failure=Failure(FailureKind.TIMEOUT_TARGET, "late", attempts=2),
    steps={"root": StepRows(complete=True, rows=({"@uri": "/", "n": [1, None, {"x": 2.5}]},))},
    errors=(Failure(FailureKind.HTTP_STATUS, "500", step="root", uri="/", status=500),),
    skipped=(Skipped("root", "404"),),
    checks=(CheckResult("c", "pass", "info", "root", 0),),
    violations=(Violation("/a", "type", "/"),),
    samples=(Sample("n", {"a": "b"}, 1.0),),
    tls={"sha256": "00"},
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def pair(hear: Any, lost: Any, **more: Any) -> tuple[Link, Link]:
    ours, theirs = socket.socketpair()
    speaking = await Link.over(ours, lambda: Link(lambda _word: None, lambda: None, **more))
    return speaking, await Link.over(theirs, lambda: Link(hear, lost))


async def test_words_arrive_whole_and_in_order() -> None:
    heard: list[Any] = []
    over = anyio.Event()
    speaking, _ = await pair(heard.append, over.set, linger=0.001)
    words = [Take(1, Target("a", "https://a", {"x": "y"})), Done(2, OUTCOME), "x" * 3_000_000, *range(500)]
    for number, word in enumerate(words):
        speaking.say(word, linger=bool(number % 2))
    speaking.close()
    await over.wait()
    assert heard == words


async def test_a_word_that_does_not_pickle_is_said_otherwise() -> None:
    heard: list[Any] = []
    over = anyio.Event()
    speaking, _ = await pair(heard.append, over.set, mend=lambda word, _error: f"not {word!r:.4}")
    for word in ("a", lambda: None, "b"):
        speaking.say(word)
    speaking.close()
    await over.wait()
    assert heard == ["a", "not <fun", "b"]


async def test_what_is_said_to_nobody_hurts_nobody() -> None:
    heard: list[Any] = []
    lost = anyio.Event()
    speaking, hearing = await pair(heard.append, lost.set)
    hearing.close()
    await lost.wait()
    for _ in range(3):
        speaking.say("x" * 100_000)
        await anyio.sleep(0)
    speaking.close()
    assert heard == []


def test_an_outcome_is_the_same_at_the_other_end() -> None:
    assert pickle.loads(pickle.dumps(OUTCOME)) == OUTCOME


def test_how_a_process_ended_in_words() -> None:
    assert how_it_ended(signal.SIGKILL) == "killed by SIGKILL"
    assert how_it_ended(3 << 8) == "exit status 3"


FORK_SERVER = """
import os, signal, sys, threading
from fleet.distribute.forkserver import ForkServer

def work(end, seat):
    if seat == 1:
        raise RuntimeError("a bug in a worker")
    end.sendall(b"%d %d" % (os.getppid(), seat))
    end.recv(1)

forkserver = ForkServer(work, lambda: None)
threading.Thread(target=threading.Event().wait, daemon=True).start()
_, first = forkserver.fork(7, lambda status: None)
said = first.recv(50).split()
assert said == [b"%d" % forkserver.pid, b"7"], said
_, broken = forkserver.fork(1, lambda status: None)
assert broken.recv(50) == b""
os.kill(forkserver.pid, signal.SIGINT)
_, another = forkserver.fork(2, lambda status: None)
assert another.recv(50).endswith(b" 2")
first.close(), another.close()
forkserver.close()
try:
    ForkServer(work, lambda: None)
except Exception as error:
    print(type(error).__name__, error)
"""


REFUSED = """
import errno, os
from fleet.distribute.forkserver import ForkServer

def fork():  # as the kernel answers at the limit of processes, which does not hold for root
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

os.fork = fork
try:
    ForkServer(print, lambda: None)
except Exception as error:
    print(type(error).__name__, error)
"""


UNHEARD = """
import select
from fleet.distribute.forkserver import ForkServer

server = ForkServer(lambda end, seat: None, lambda: None)
_, end = server.fork(0, lambda status: None)
select.select([server._control], [], [])  # it says how the worker ended, and nobody listens
end.close()
server.close()
"""


def test_a_scan_that_goes_without_hearing_all_is_no_bug_of_the_fork_server() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNHEARD], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_limit_of_processes_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", REFUSED], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("TryAgain cannot start worker processes: Resource temporarily unavailable")
    assert "--workers 1" in done.stdout


def test_a_fork_server_forks_for_a_process_that_has_threads() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK_SERVER],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "RuntimeError: a bug in a worker" in done.stderr
    assert done.stdout.startswith("UsageError a process that has threads cannot fork")
