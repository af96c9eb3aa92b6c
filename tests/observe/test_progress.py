"""Progress: what a bar and a line say, and when nothing is said."""

from __future__ import annotations

import io
import json
from queue import Queue

import pytest
from rich.console import Console

from fleet.event import (
    BreakerClosed,
    BreakerOpened,
    ConcurrencyChanged,
    ScanFinished,
    ScanStarted,
    ScanStopping,
    TargetFinished,
    TargetStarted,
)
from fleet.observe import Progress, configure_logging
from fleet.outcome import FailureKind


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def drawn(progress: Progress, width: int) -> list[str]:
    screen = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False
    )
    with screen.capture() as shown:
        screen.print(progress)
    return shown.get().splitlines()


@pytest.fixture
def halfway(make_outcome) -> tuple[Progress, Clock, io.StringIO]:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(stream=stream, clock=clock)
    progress(ScanStarted("r1", "probe", 100, 16))
    for number in range(50):
        progress(TargetStarted(f"h{number}"))
    for number in range(40):
        kind = FailureKind.CONNECT_REFUSED if number < 3 else None
        progress(TargetFinished(make_outcome(f"h{number}", kind=kind)))
    clock.now += 10
    return progress, clock, stream


def test_a_line_says_where_it_stands(halfway) -> None:
    progress, _, _ = halfway
    counts = "40/100 (40%) | ok 37, partial 0, failed 3, skipped 0 | 10 in flight"
    assert progress.line() == f"scanning: {counts} | 4.0/s | 00:10 | ETA 00:15"


def test_the_rate_is_that_of_the_last_half_minute(halfway, make_outcome) -> None:
    progress, clock, _ = halfway
    progress.line()
    clock.now += 31
    progress.line()
    clock.now += 10
    for number in range(40, 50):
        progress(TargetFinished(make_outcome(f"h{number}")))
    assert "| 1.0/s |" in progress.line()


def test_without_a_total_there_is_no_eta() -> None:
    progress = Progress(stream=io.StringIO(), clock=Clock())
    progress(ScanStarted("r1", "probe", None, 8))
    assert progress.line().startswith("scanning: 0 done | ")
    assert "ETA" not in progress.line()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_bar_fits_its_terminal(halfway, width: int) -> None:
    progress, _, _ = halfway
    progress(BreakerOpened("proxy", "dc9a", "dead \x1b[31m" + "x" * 300))
    lines = drawn(progress, width)
    assert len(lines) == 3
    assert all(len(line) <= width for line in lines)
    assert "40/100  40%" in lines[0]
    assert "ETA 00:15" in lines[0]
    assert "failed 3" in lines[1]
    assert "in flight 10" in lines[1]
    assert r"dead \x1b[31m" in lines[2] or lines[2].endswith("…")
    progress(BreakerClosed("proxy", "dc9a"))
    assert len(drawn(progress, width)) == 2


def test_a_stop_is_announced_with_what_is_in_hand(halfway) -> None:
    progress, _, stream = halfway
    progress(ScanStopping("SIGINT", cancelled=False))
    progress(ScanStopping("SIGINT", cancelled=True))
    assert stream.getvalue().splitlines() == [
        "finishing 10 in hand (again to cancel them)",
        "cancelling 10 in hand; sessions are logged out",
    ]
    progress(ScanFinished("r1", 1.0, False))
    assert progress.line().startswith("stopped: ")


def test_quiet_is_silent_and_no_progress_still_announces_a_stop() -> None:
    for options, expected in (({"quiet": True}, ""), ({"silent": True}, "finishing 0 in hand\n")):
        stream = io.StringIO()
        with Progress(stream=stream, every=0.001, **options) as progress:
            progress(ScanStopping("sink", cancelled=False))
        assert stream.getvalue() == expected


def test_where_there_is_no_terminal_a_line_comes_every_so_often() -> None:
    class Awaited(io.StringIO):
        """Lets the test wait for lines instead of sleeping."""

        def __init__(self) -> None:
            super().__init__()
            from threading import Semaphore

            self.lines = Semaphore(0)

        def flush(self) -> None:
            self.lines.release()

    stream = Awaited()
    with Progress(stream=stream, every=0.01):
        assert stream.lines.acquire(timeout=60)
        assert stream.lines.acquire(timeout=60)
    lines = stream.getvalue().splitlines()
    assert all(line.startswith("scanning: 0 done") for line in lines)
    assert "\x1b" not in stream.getvalue()


def test_what_waits_to_be_stored_is_not_in_flight(halfway) -> None:
    progress, _, _ = halfway
    progress(ScanStarted("r1", "probe", 100, 8))
    assert progress.in_flight == 8
    progress(ConcurrencyChanged("targets", "", 9, 8))
    progress(ConcurrencyChanged("proxy", "p", 1, 1))
    assert progress.in_flight == 9


def test_where_logs_are_for_machines_the_lines_are_records() -> None:
    records = Queue()
    stream = io.StringIO()
    logger = configure_logging(stream=Told(records), form="json")
    with Progress(stream=stream, every=0.01) as progress:
        progress(ScanStarted("r1", "probe", 100, 8))
        progress.log_to(logger)
        record = json.loads(records.get(timeout=60))
    assert record["event"] == "scan.progressed"
    assert (record["done"], record["total"], record["ok"], record["in_flight"]) == (0, 100, 0, 0)
    assert stream.getvalue() == ""


class Told(io.StringIO):
    """Passes lines on as they are written, so that a test waits for one instead of sleeping."""

    def __init__(self, lines) -> None:
        super().__init__()
        self._lines = lines

    def write(self, text: str) -> int:
        if text.strip():
            self._lines.put(text)
        return len(text)


def test_log_lines_go_through_it() -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream)
    assert progress.write("one\n") == 4
    progress.flush()
    assert stream.getvalue() == "one\n"
    assert progress.isatty() is False
