"""A forked command is, as its user and the kernel see it, one that was started."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from forked import FLEET, Forked, run

Start = Callable[..., subprocess.Popen[str]]
WAYS = pytest.mark.parametrize("start", [subprocess.Popen, Forked], ids=["started", "forked"])


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A pipe that a command opens as its inventory: it runs until there is something in it."""
    path = tmp_path / "hosts"
    os.mkfifo(path)
    return path


@contextmanager
def waiting(start: Start, fifo: Path, **how: Any) -> Iterator[subprocess.Popen[str]]:
    """A command that has read its inventory so far, and waits for the rest."""
    words = [FLEET, "inventory", "count", fifo]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(words, text=True, **pipes | how) as process, open(fifo, "w", encoding="utf-8"):
        yield process
        process.kill()


def seen(process: int) -> dict[str, object]:
    """What the kernel tells of a process."""
    proc = Path("/proc") / str(process)
    status = dict(re.findall(r"^(\w+):\s*(.*)$", (proc / "status").read_text(), re.MULTILINE))
    session = (proc / "stat").read_text().rpartition(")")[2].split()[2:4]
    descriptors = {link.name: os.readlink(link) for link in (proc / "fd").iterdir()}
    kept = ("PPid", "Umask", "SigPnd", "SigBlk", "SigIgn", "SigCgt")
    return {
        **{name: status[name] for name in kept},
        "leads": [int(number) == process for number in session],
        "folder": os.readlink(proc / "cwd"),
        "descriptors": {number: where.partition("[")[0] for number, where in descriptors.items()},
        "limits": (proc / "limits").read_text(),
    }


@pytest.mark.parametrize(
    "how",
    [{}, {"umask": 0o77}, {"start_new_session": True}, {"process_group": 0}],
    ids=["plain", "umask", "session", "group"],
)
def test_the_kernel_sees_the_same(tmp_path: Path, how: dict[str, Any]) -> None:
    """Of a command that says when all of it is there, and then waits."""
    found = []
    starts: tuple[Start, ...] = (subprocess.Popen, Forked)
    for start in starts:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process: subprocess.Popen[str]
        with start([str(FLEET), "sim", "--hosts", "1"], cwd=tmp_path, text=True, **pipes, **how) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready ")
            found.append(seen(process.pid))
            process.terminate()
    assert found[0] == found[1]


def test_what_this_process_ignores_by_then_is_ignored(tmp_path: Path) -> None:
    """As a start inherits it, whatever was ignored when the process that forks began."""
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        test_the_kernel_sees_the_same(tmp_path, {})
    finally:
        signal.signal(signal.SIGUSR2, before)


@WAYS
def test_a_forked_command_is_a_child_and_ends_by_its_signal(fifo: Path, start: Start) -> None:
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)):
        with waiting(start, fifo) as process:
            assert process.poll() is None
            process.send_signal(number)
            assert process.wait(60) == status


@WAYS
def test_words_streams_and_environment_arrive(tmp_path: Path, start: Start) -> None:
    environment = {"LANG": "C.UTF-8", "XDG_STATE_HOME": str(tmp_path / "state"), "NO_COLOR": "1"}
    for words, given, status, told in (
        (
            ("inventory", "expand", "-"),
            "bmc-[1-2] site=ü\n",
            0,
            "https://bmc-1 site='ü'\nhttps://bmc-2 site='ü'\n",
        ),
        (("inventory", "expand", "absent.txt"), "", 2, ""),
    ):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with start([FLEET, *words], cwd=tmp_path, env=environment, text=True, **pipes) as process:
            out, err = process.communicate(given, 60)
            assert (process.returncode, out) == (status, told)
            assert ("absent.txt" in err) == bool(status)


def test_what_finds_no_room_at_the_end_is_told_alike() -> None:
    told = []
    starts: tuple[Start, ...] = (subprocess.Popen, Forked)
    for start in starts:
        with (
            open("/dev/full", "w") as full,
            start(
                [FLEET, "version"], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE
            ) as process,
        ):
            told.append((process.communicate(timeout=60), process.returncode))
    assert told[0] == told[1]
    assert told[0][1] != 0


def test_what_it_cost_is_counted_as_ours() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run([FLEET, "version"]).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_minflt > before.ru_minflt


def test_what_cannot_start_is_told_as_popen_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        run([FLEET, "version"], cwd=tmp_path / "absent")


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ([sys.executable, "-c", ""], {}),
        ([FLEET, "version"], {"env": {"PYTHONUTF8": "0"}}),
        ([FLEET, "version"], {"env": {"LC_ALL": "C"}}),
        ([FLEET, "version"], {"shell": True}),
        ([FLEET, "version"], {"pass_fds": [3]}),
    ],
    ids=["program", "interpreter", "locale", "shell", "descriptors"],
)
def test_what_only_a_real_start_does_is_refused(words: list[str], how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="to be started for real"):
        run(words, **how)
