"""The outbox: lines in order, and a reader that sleeps costs lines and no time."""

from __future__ import annotations

import io
import threading

from fleet.observe import Outbox, configure_logging


class Asleep(io.StringIO):
    """A reader that takes nothing until it is woken."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = threading.Event()
        self.reached = threading.Event()
        self.flushed = ""

    def write(self, text: str) -> int:
        self.reached.set()
        self.woken.wait(30)
        return super().write(text)

    def flush(self) -> None:
        self.flushed = self.getvalue()


def test_lines_come_out_whole_and_in_order() -> None:
    stream = io.StringIO()
    with Outbox(stream) as outbox:
        log = configure_logging(stream=outbox, form="console", level="info", colors=False)
        for number in range(500):
            log.info("line.written", number=number)
    numbers = [line.rsplit("=", 1)[1] for line in stream.getvalue().splitlines()]
    assert numbers == [str(number) for number in range(500)]


def test_a_reader_that_sleeps_costs_lines_and_no_time() -> None:
    stream = Asleep()
    with Outbox(stream, lines=5) as outbox:
        outbox.write("first\n")
        assert stream.reached.wait(30)
        for number in range(20):
            outbox.write(f"{number}\n")
        assert outbox.dropped == 15
        stream.woken.set()
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["first", "0"]
    assert lines[-1] == "15 log lines were dropped: nobody read them in time"
    assert len(lines) == 7
    assert stream.flushed == stream.getvalue()


def test_a_stream_that_is_gone_ends_it_quietly() -> None:
    stream = io.StringIO()
    stream.close()
    with Outbox(stream) as outbox:
        assert outbox.write("x") == 1
