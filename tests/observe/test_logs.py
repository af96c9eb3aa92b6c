"""Log lines: one record each, no secret, nothing that acts, and no more than a person reads."""

from __future__ import annotations

import base64
import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from fleet.event import (
    BreakerOpened,
    LoginFailed,
    ProbeCrashed,
    RequestFinished,
    ScanFinished,
    ScanStarted,
    SessionClosed,
    TargetFinished,
    TargetStarted,
    WarningRaised,
)
from fleet.observe import LogListener, Redactor, configure_logging
from fleet.outcome import FailureKind
from fleet.secret import Secret

CANARY = "hunter2/Straße!"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_where_there_is_no_terminal_and_a_quiet_console_where_there_is() -> None:
    plain, screen = io.StringIO(), Terminal()
    for stream in (plain, screen):
        log = configure_logging(stream=stream, colors=False)
        log.info("scan.started", run="r1")
        log.warning("breaker.opened", key="lab key")
    assert [record["event"] for record in records(plain)] == ["scan.started", "breaker.opened"]
    assert records(plain)[0]["level"] == "info"
    assert screen.getvalue()[8:] == ' warning  breaker.opened  key="lab key"\n'


@pytest.mark.parametrize("form", ["json", "console"])
def test_one_record_is_one_line_and_nothing_in_it_acts(form: Any) -> None:
    stream = io.StringIO()
    log = configure_logging(stream=stream, form=form, level="info", colors=False)
    log.info("target.failed", message="a\nlevel=error \x1b[2J\u202e" + "x" * 9000, pair=("a\n", 1))
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert len(stream.getvalue()) < 1500


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_form_of_a_known_secret_is_logged(form: Any) -> None:
    stream, guard = io.StringIO(), Redactor()
    guard.learn(Secret(CANARY))
    log = configure_logging(stream=stream, form=form, level="debug", redactor=guard)
    basic = base64.b64encode(f"root:{CANARY}".encode()).decode()
    log.error(f"bad.{CANARY}", password="a", X_Auth_Token="b", cookie="c", url="/?q=hunter2%2FStra%C3%9Fe%21")
    log.error(
        "login.failed", header=f"Basic {basic}", nested={"deep": [CANARY], "secret": 1}, text=repr(CANARY)
    )
    log.error("probe.crashed", traceback=f"File x\nKeyError: {CANARY!r}")
    shown = stream.getvalue()
    for form_of_it in (CANARY, basic, "hunter2", base64.b64encode(CANARY.encode()).decode()):
        assert form_of_it not in shown
    assert shown.count("***") >= 7


@pytest.mark.parametrize("user", ["", "a", "ab", "root", "admin"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_a_secret_is_found_wherever_it_lies_in_base64(user: str, after: str) -> None:
    encoded = base64.b64encode(f"{user}:correct horse{after}".encode()).decode()
    masked = Redactor([Secret("correct horse")]).text(f"Basic {encoded}")
    assert "***" in masked
    rest = masked.removeprefix("Basic ").replace("***", "")
    assert len(rest) <= len(encoded) - 13


def test_short_values_are_not_masked_as_that_would_tell_them() -> None:
    assert Redactor([Secret("a")]).text("banana") == "banana"


def test_no_logger_of_the_host_application_is_touched() -> None:
    before = (logging.root.level, list(logging.root.handlers), set(logging.root.manager.loggerDict))
    log = configure_logging(stream=io.StringIO())
    log.error("scan.started")
    assert (logging.root.level, list(logging.root.handlers), set(logging.root.manager.loggerDict)) == before


def test_a_log_needs_no_rich_and_leaves_it_to_others() -> None:
    program = """
import io, sys
from fleet.observe import configure_logging
stream = io.StringIO()
configure_logging(stream=stream, form="json").info("scan.started")
print(sorted({"rich", "rich.console", "pygments"} & set(sys.modules)), "scan.started" in stream.getvalue())
import rich.console, structlog.dev
print(rich.console.Console(file=io.StringIO()).print("x"), structlog.dev.rich)
"""
    told = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert told.splitlines() == ["[] True", "None None"]


def test_structlog_is_not_imported_before_there_is_a_warning() -> None:
    program = """
import io, sys
from fleet.observe import configure_logging
stream = io.StringIO()
log = configure_logging(stream=stream, form="console")  # warnings, unless it is told otherwise
log.info("target.finished")
print("structlog" in sys.modules, bool(stream.getvalue()))
log.warning("target.failed")
print("structlog" in sys.modules, "target.failed" in stream.getvalue())
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False", "True", "True"]


def test_a_fleet_that_fails_is_ten_lines_and_a_count(make_outcome) -> None:
    stream = io.StringIO()
    listen = LogListener(configure_logging(stream=stream))
    listen(ScanStarted("r1", "probe", 1000, 8))
    for number in range(1000):
        listen(TargetStarted(f"h{number}"))
        listen(TargetFinished(make_outcome(f"h{number}", kind=FailureKind.CONNECT_REFUSED)))
        listen(SessionClosed(f"h{number}", leaked=True))
        listen(LoginFailed(f"h{number}", "lab", FailureKind.AUTH_REJECTED))
        listen(RequestFinished(f"h{number}", "GET", "r", "/", 200, 0.1, 1))
    listen(ScanFinished("r1", 2.0, True))
    events = [record["event"] for record in records(stream)]
    for name in ("target.failed", "session.leaked", "login.failed"):
        assert events.count(name) == 10
        assert f"{name}_counted" in events
    assert events[0] == "scan.started"
    assert events[-1] == "scan.finished"
    assert len(events) == 35


def test_debug_tells_everything(make_outcome) -> None:
    stream = io.StringIO()
    listen = LogListener(configure_logging(stream=stream, level="debug"))
    listen(TargetStarted("h1"))
    listen(RequestFinished("h1", "GET", "r", "/x", None, 0.1, 0, FailureKind.CONNECT_RESET, "dc9a"))
    listen(TargetFinished(make_outcome("h1")))
    told = records(stream)
    assert [record["event"] for record in told] == ["target.started", "request.finished", "target.finished"]
    assert (told[1]["kind"], told[1]["proxy"]) == ("connect.reset", "dc9a")


def test_warnings_are_said_once_and_their_fields_cannot_replace_ours() -> None:
    stream = io.StringIO()
    listen = LogListener(configure_logging(stream=stream))
    for _ in range(3):
        fields = (("path", "a.yaml"), ("event", "forged"), ("level", "debug"))
        listen(WarningRaised("reference.missing", "5 files", fields))
    listen(BreakerOpened("credential", "lab", "5 in a row"))
    first, second = records(stream)
    assert (first["event"], first["level"], first["path"]) == ("reference.missing", "warning", "a.yaml")
    assert second["why"] == "5 in a row"


def test_a_crash_shows_its_traceback_line_by_line_on_the_console() -> None:
    stream = Terminal()
    listen = LogListener(configure_logging(stream=stream, colors=False))
    listen(ProbeCrashed("h1", "Traceback:\n  File x\nValueError: \x1b[2J"))
    lines = stream.getvalue().splitlines()
    assert "probe.crashed" in lines[0]
    assert lines[1:] == ["    | Traceback:", "    |   File x", r"    | ValueError: \x1b[2J"]


def test_as_many_secrets_as_targets_are_known_and_the_longest_unseen_give_way() -> None:
    guard = Redactor(most=400)
    often = Secret("the one of everybody")
    for number in range(1000):
        guard.learn(Secret(f"password-{number:04}-own"), often)
    assert guard.text("password-0999-own and the one of everybody") == "*** and ***"
    assert guard.text("password-0000-own") == "password-0000-own"
    kept = sum(guard.text(f"password-{number:04}-own") == "***" for number in range(1000))
    assert 300 <= kept <= 400


def test_secrets_that_overlap_in_a_text_are_both_masked() -> None:
    guard = Redactor([Secret("abcdefg"), Secret("efghijklm"), Secret("abcd")])
    assert guard.text("-abcdefghijklm-abcd-") == "-***-***-"
