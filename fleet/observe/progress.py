"""How far a scan is: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, TextIO

from fleet.event import (
    BreakerClosed,
    BreakerOpened,
    CanaryJudged,
    ConcurrencyChanged,
    Event,
    RequestFinished,
    RequestRetried,
    ScanFinished,
    ScanStarted,
    ScanStopping,
    TargetFinished,
    TargetRecalled,
    TargetStarted,
)
from fleet.observe.logs import Logger
from fleet.observe.standing import Standing, canary_text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.live import Live

LINE_SECONDS = 10.0  # seconds between two lines where there is no terminal
REDRAWS_PER_SECOND = 4
WINDOW_SECONDS = 30.0  # seconds that the rate, and the ETA with it, look back


class Progress:
    """A listener that draws while it is entered.

    `total` is learned from the scan; while the inventory still streams it is unknown and there is no ETA.
    With `silent` nothing is drawn, but a stop is still announced; with `quiet` it is not either. `note`,
    `show` and `write` always write. `clock` is monotonic seconds. After `log_to` the sparse lines are log
    records. `hint` stands at the end of the counts once a target failed.
    """

    deaf_to: ClassVar[frozenset[type[Event]]] = frozenset({RequestFinished, RequestRetried})

    def __init__(
        self,
        *,
        stream: TextIO,
        silent: bool = False,
        quiet: bool = False,
        every: float = LINE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        hint: str = "",
    ) -> None:
        self._stream = stream
        self._console: Console | None = None
        self._silent = silent or quiet
        self._quiet = quiet
        self._every = every
        self._clock = clock
        self._hint = hint
        self._began = clock()
        self._total: int | None = None
        self._concurrency: int | None = None
        self._logger: Logger | None = None
        self._started = 0
        self._counts = {"ok": 0, "partial": 0, "failed": 0, "skipped": 0}
        self._earlier = 0  # of the counts: stored before this session
        self._pacing = Lock()  # the bar, its ticker and whoever asks are threads of their own
        self._marks: deque[tuple[float, int]] = deque(maxlen=int(WINDOW_SECONDS) * REDRAWS_PER_SECOND)
        self._paused: dict[tuple[str, str], str] = {}
        self._state = "scanning"
        self._live: Live | None = None
        self._ticker: Thread | None = None
        self._over = Flag()

    @property
    def done(self) -> int:
        """Targets with an outcome."""
        return sum(self._counts.values())

    @property
    def in_flight(self) -> int:
        """Targets started and not done; what only waits to be stored is not counted."""
        waiting = max(self._started - (self.done - self._earlier), 0)
        return waiting if self._concurrency is None else min(waiting, self._concurrency)

    def log_to(self, logger: Logger) -> None:
        """Where lines are read by a machine: say how far the scan is as `scan.progressed`."""
        self._logger = logger

    def __call__(self, event: Event) -> None:
        match event:
            case TargetFinished():
                self._counts[event.outcome.status] += 1
            case TargetRecalled():
                self._counts[event.outcome["status"]] += 1
                self._earlier += 1
            case TargetStarted():
                self._started += 1
            case ScanStarted():
                self._total, self._concurrency = event.total, event.concurrency
            case ConcurrencyChanged():
                if event.scope == "targets":
                    self._concurrency = event.limit
            case CanaryJudged():
                self._announce(canary_text(event))
            case BreakerOpened():
                self._paused[event.scope, event.key] = event.why
            case BreakerClosed():
                self._paused.pop((event.scope, event.key), None)
            case ScanStopping():
                self._stopping(event)
            case ScanFinished():
                self._state = "done" if event.complete else "stopped"
            case _:
                pass

    def __enter__(self) -> Progress:
        self._began = self._clock()
        if self._silent:
            return self
        if self._draws():
            from rich.live import Live  # noqa: PLC0415  (20 ms, and most scans have no terminal)

            self._live = Live(
                self,
                console=self._screen(),
                refresh_per_second=REDRAWS_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
                transient=True,
            )
            self._live.start()
        else:
            self._ticker = Thread(target=self._tick, name="fleet-progress", daemon=True)
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._ticker is not None:
            self._ticker.join(timeout=1)

    def note(self, text: str) -> None:
        """One line for a person, above the bar where there is one."""
        if self._live is not None:
            from rich.text import Text  # noqa: PLC0415

            self._live.console.print(Text.from_ansi(text), soft_wrap=True)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def write(self, text: str) -> int:
        """What makes this a stream for a logger: lines go above the bar."""
        if line := text.rstrip("\n"):
            self.note(line)
        return len(text)

    def flush(self) -> None:
        """Every line is written at once."""

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return self._stream.isatty()

    def show(self, shown: RenderableType, *, echoed: int = 0) -> None:
        """Something for a person, above the bar. `echoed` counts the lines that the terminal itself wrote
        below the bar, as keys were pressed: they are taken back."""
        if self._live is not None and echoed:
            self._stream.write(f"\x1b[{echoed}A\x1b[J")
            self._stream.flush()
        self._screen().print(shown)

    def standing(self) -> Standing:
        """How far the scan is."""
        rate, left = self._pace()
        return Standing(
            state=self._state,
            total=self._total,
            statuses=dict(self._counts),
            earlier=self._earlier,
            in_flight=self.in_flight,
            per_second=rate,
            elapsed=self._elapsed,
            left=left,
            paused=dict(self._paused),
        )

    def line(self) -> str:
        """One plain line: what is written where there is no terminal."""
        return self.standing().line()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from fleet.observe.bar import bar  # noqa: PLC0415

        yield bar(self.standing(), width=options.max_width, hint=self._hint)

    def _draws(self) -> bool:
        """Whether there is a terminal on which lines can be drawn again."""
        return self.isatty() and self._screen().is_terminal and not self._screen().is_dumb_terminal

    def _screen(self) -> Console:
        if self._console is None:
            from rich.console import Console  # noqa: PLC0415

            self._console = Console(file=self._stream, markup=False, highlight=False, emoji=False)
        return self._console

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._began

    def _pace(self) -> tuple[float, float | None]:
        """Targets per second over the window, and the seconds left; None while that is unknown."""
        with self._pacing:
            now, done = self._clock(), self.done - self._earlier
            while len(self._marks) > 1 and now - self._marks[0][0] > WINDOW_SECONDS:
                self._marks.popleft()
            then, before = self._marks[0] if self._marks else (self._began, 0)
            self._marks.append((now, done))
        rate = (done - before) / (now - then) if now > then else 0.0
        if self._total is None or rate <= 0 or self._state != "scanning":
            return rate, None
        return rate, max(self._total - self._earlier - done, 0) / rate

    def _stopping(self, event: ScanStopping) -> None:
        if event.cancelled:
            self._state = "cancelling"
            self._announce(f"cancelling {self.in_flight} in hand; sessions are logged out")
        else:
            self._state = "finishing"
            if event.reason == "canary":  # its verdict was told
                return
            again = " (again to cancel them)" if event.reason.startswith("SIG") else ""
            self._announce(f"finishing {self.in_flight} in hand{again}")

    def _announce(self, text: str) -> None:
        if not self._quiet:
            self.note(text)

    def _tick(self) -> None:
        while not self._over.wait(self._every):
            if self._logger is None:
                self.note(self.line())
            else:
                self._log(self._logger)

    def _log(self, logger: Logger) -> None:
        standing = self.standing()
        logger.info(
            "scan.progressed",
            done=standing.done,
            total=standing.total,
            **standing.statuses,
            in_flight=standing.in_flight,
            per_second=round(standing.per_second, 1),
            seconds=round(standing.elapsed, 1),
            seconds_left=None if standing.left is None else round(standing.left, 1),
        )
