"""Structured logs: set up for one scan, touching no logger of the host application."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, Protocol, TextIO, cast

from fleet.observe.redact import Redactor
from fleet.observe.text import safe

MAX_TEXT = 512  # characters of one value
MAX_TRACEBACK = 16_384


class Stream(Protocol):
    """Where log lines go: a text file, or a `Progress`, which puts them above its bar."""

    def write(self, text: str, /) -> int: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class Logger(Protocol):
    """What the parts that log call: an event name, `noun.verb_past`, and fields."""

    def debug(self, event: str, **fields: Any) -> Any: ...
    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...
    def is_enabled_for(self, level: int) -> bool: ...


def configure_logging(
    *,
    stream: Stream,
    level: str | None = None,
    form: Literal["console", "json"] | None = None,
    redactor: Redactor | None = None,
    colors: bool | None = None,
) -> Logger:
    """A logger that writes to `stream`, one line per record.

    Without `form` it is `console` where the stream is a terminal and `json` otherwise; without `level`,
    `warning` on the console (the progress bar tells the rest) and `info` as JSON. Without `colors` they are
    those of a terminal that has them, unless NO_COLOR is set.
    """
    terminal = stream.isatty()
    form = form or ("console" if terminal else "json")
    level = level or ("warning" if form == "console" else "info")
    guard = redactor or Redactor()
    colored = terminal and not _colorless() if colors is None else colors
    render = _Console(colored) if form == "console" else _render_json
    least = logging.getLevelNamesMapping()[level.upper()]
    make = partial(_structured, stream, least, guard, render)
    return make() if least < logging.WARNING else _AtFirstRecord(least, make)


def _structured(stream: Stream, least: int, guard: Redactor, render: Callable[..., str]) -> Logger:
    with _as_if_absent("rich"):
        import structlog  # noqa: PLC0415  (only when there is something to write)

    logger: Logger = structlog.wrap_logger(
        structlog.PrintLogger(cast("TextIO", stream)),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _logger, _method, fields: guard.fields(fields),
            _tame,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return logger


@contextmanager
def _as_if_absent(package: str) -> Iterator[None]:
    """Imports inside do without an optional package. structlog would have rich show tracebacks in colours,
    which no line of ours has: a tenth of a start."""
    held = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]  # what makes an import of it fail
    try:
        yield
    finally:
        del sys.modules[package]
        if held is not None:
            sys.modules[package] = held


class _AtFirstRecord:
    """A logger for warnings, made when there is one: most scans on a terminal need no structlog."""

    def __init__(self, least: int, make: Callable[[], Logger]) -> None:
        self._least = least
        self._make = make
        self._made: Logger | None = None

    def is_enabled_for(self, level: int) -> bool:
        """Whether a record of this level is written."""
        return level >= self._least

    def debug(self, event: str, **fields: Any) -> None:
        if self._least <= logging.DEBUG:
            self._logger().debug(event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        if self._least <= logging.INFO:
            self._logger().info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        if self._least <= logging.WARNING:
            self._logger().warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        if self._least <= logging.ERROR:
            self._logger().error(event, **fields)

    def _logger(self) -> Logger:
        if self._made is None:
            self._made = self._make()
        return self._made


def _colorless() -> bool:
    """Whether whoever reads the terminal asked for no colours, or it has none."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "") in ("dumb", "unknown", "")


def _tame(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make every value one bounded, printable line; a traceback keeps its lines and its own bound."""
    for name, value in fields.items():
        if name == "traceback":
            fields[name] = str(value)[-MAX_TRACEBACK:]
        elif value is None or isinstance(value, bool | int | float):
            continue
        else:
            fields[name] = safe(value, MAX_TEXT)
    return fields


def _render_json(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> str:
    first = {"timestamp": fields.pop("timestamp"), "level": fields.pop("level"), "event": fields.pop("event")}
    return json.dumps({**first, **fields}, ensure_ascii=True, default=str)


class _Console:
    """`12:04:11 warning  breaker.opened  scope=credential key=lab`, then a traceback on lines of its own."""

    _COLORS: Mapping[str, str] = {"debug": "2", "info": "32", "warning": "33", "error": "31"}

    def __init__(self, colors: bool) -> None:
        self._colored = colors

    def __call__(self, _logger: Any, _method: str, fields: MutableMapping[str, Any]) -> str:
        when = str(fields.pop("timestamp"))[11:19]
        level, event = str(fields.pop("level")), str(fields.pop("event"))
        trace = fields.pop("traceback", None)
        shown = f"{level:<8}"
        if self._colored:
            shown = f"\x1b[{self._COLORS.get(level, '0')}m{shown}\x1b[0m"
        pairs = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
        line = f"{when} {shown} {event}" + (f"  {pairs}" if pairs else "")
        if trace:
            line += "".join(f"\n    | {safe(part, 300)}" for part in str(trace).splitlines())
        return line


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text
