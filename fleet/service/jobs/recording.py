"""What runs store, told to the history; and told to it later where it cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from fleet.engine import journal_of
from fleet.errors import FleetError
from fleet.observe import Logger, Tally
from fleet.service.jobs.events import Hub
from fleet.service.store.history import History
from fleet.service.store.intake import TakenIn
from fleet.service.store.rows import RunState
from fleet.service.store.state import StateChange, TargetState

MAX_TOLD = 500  # targets in one message

Taken = Callable[[TakenIn], None]


class Ending(NamedTuple):
    """How a run ended, and when."""

    run: str
    path: Path
    state: RunState
    why: str
    at: float
    total: int | None
    tally: Tally


class Recorder:
    """Takes what runs have stored into the history, and tells listeners and `taken` what that changed. A
    history that cannot be written costs no run: the journals are there, and what it missed it is told
    later."""

    def __init__(self, history: History, hub: Hub, log: Logger, taken: Taken) -> None:
        self._history = history
        self._hub = hub
        self._log = log
        self._taken = taken
        self._owed: dict[str, Ending] = {}
        self._one = anyio.Lock()  # what is owed is read once
        self._said: str | None = None  # of the trouble that there is

    async def take_in(self, run: str, path: Path) -> bool:
        """Whether the history has all that a run has stored so far; why not is logged, once."""
        try:
            await self._take_in(run, path)
        except FleetError as error:
            self._say(run, str(error))
            return False
        self._said = None
        return True

    async def end(self, ending: Ending) -> None:
        """Note how a run ended, now or as soon as that can be written."""
        taken = await self.take_in(ending.run, ending.path)
        try:
            await self._note(ending)
        except FleetError as error:
            self._say(ending.run, str(error))
            taken = False
        if not taken:
            self._owed[ending.run] = ending

    async def make_up(self) -> None:
        """Tell the history all that it could not be told. Raises SinkError where it cannot be written."""
        async with self._one:
            for run, ending in list(self._owed.items()):
                if not await self.take_in(run, ending.path) and self._history.trouble is not None:
                    break
                await self._note(ending)  # whether or not its journal can be read
                del self._owed[run]
                self._log.info("store.made_up", run=run, state=ending.state)
            if self._history.trouble is not None:
                await anyio.to_thread.run_sync(self._history.try_to_write)

    def _say(self, run: str, why: str) -> None:
        if why != self._said:
            self._log.error("store.failed", run=run, why=why)
        self._said = why

    async def _take_in(self, run: str, path: Path) -> None:
        while (taken := await anyio.to_thread.run_sync(self._more_of, run, path)).states:
            self._tell(taken)

    def _more_of(self, run: str, path: Path) -> TakenIn:
        row = self._history.run(run)
        if row is None or not (path / "manifest.json").exists():
            return TakenIn((), ())
        return self._history.take_in(row, journal_of(path))

    def _tell(self, taken: TakenIn) -> None:
        self._taken(taken)
        for at in range(0, len(taken.states), MAX_TOLD):
            some = taken.states[at : at + MAX_TOLD]
            self._hub.tell("targets", {"targets": [brief(state) for state in some]})
        for change in taken.changes:
            self._hub.tell("change", change_json(None, change))

    async def _note(self, ending: Ending) -> None:
        statuses = dict(ending.tally.statuses) if ending.state in ("complete", "stopped") else None

        def note() -> None:
            self._history.end_run(
                ending.run,
                ending.state,
                ended=ending.at,
                why=ending.why,
                total=ending.total,
                statuses=statuses,
                size=_size(ending.path),
            )

        await anyio.to_thread.run_sync(note)


def _size(path: Path) -> int:
    """The bytes of the files in a directory; files that vanish meanwhile count for nothing."""
    total = 0
    with suppress(OSError):
        for file in path.iterdir():
            with suppress(FileNotFoundError):
                total += file.stat().st_size
    return total


def brief(state: TargetState) -> list[Any]:
    """A target's state in a row: job, pipeline, id, status, kind, seconds, when."""
    return [
        state.job,
        state.pipeline,
        state.id,
        state.status,
        state.kind,
        round(state.seconds, 3),
        round(state.at, 3),
    ]


def change_json(number: int | None, change: StateChange) -> dict[str, Any]:
    """A change as JSON."""
    return {**({"number": number} if number is not None else {}), **change._asdict()}
