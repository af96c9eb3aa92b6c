"""One probe of one target, so that exactly one outcome comes of it."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias

import anyio

from fleet.event import Listener, ProbeCrashed
from fleet.outcome import Failure, FailureKind, Outcome
from fleet.target import Target

Probe: TypeAlias = Callable[[Target], Awaitable[Outcome]]

MAX_TRACEBACK = 20_000  # characters kept of a crash: a recursion's is endless


class Attempt:
    """Makes the outcomes of one run: the probe's own, or one that stands in for it where there is none."""

    def __init__(self, probe: Probe, *, run: str, pipeline: str, listener: Listener) -> None:
        self._probe = probe
        self._run = run
        self._pipeline = pipeline
        self._listener = listener

    async def __call__(self, target: Target, scope: anyio.CancelScope) -> Outcome:
        """Run the probe. `scope` is the innermost one around the call: when it is cancelled, the outcome says
        so, and whoever called leaves the scope next. Raises only the cancellation of something around it."""
        began = time.monotonic()
        try:
            return _checked(await self._probe(target), target)
        except asyncio.CancelledError as error:
            if scope.cancel_called:
                return self._failed(target, FailureKind.LOCAL_CANCELLED, "the scan was stopped", began)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return self.crashed(target, error, began)  # raised by the probe itself: nobody cancelled
        except GeneratorExit:
            raise
        except BaseException as error:  # SystemExit and the like cost one target, too
            return self.crashed(target, error, began)

    def crashed(self, target: Target, error: BaseException, began: float) -> Outcome:
        """The outcome of a bug, or of no memory; the traceback is told, not stored. `began` is monotonic."""
        text = "".join(traceback.format_exception(error, limit=-50))
        self._listener(ProbeCrashed(target.id, text[-MAX_TRACEBACK:]))
        return self._failed(target, FailureKind.of_crash(error), type(error).__name__, began)

    def _failed(self, target: Target, kind: FailureKind, message: str, began: float) -> Outcome:
        failure = Failure(kind, message)
        return failed_outcome(target, failure, run=self._run, pipeline=self._pipeline, began=began)


def failed_outcome(target: Target, failure: Failure, *, run: str, pipeline: str, began: float) -> Outcome:
    """The outcome of a target of which nothing is known but this failure. `began` is monotonic."""
    seconds = time.monotonic() - began
    started = datetime.fromtimestamp(time.time() - seconds, UTC)
    return Outcome(
        run=run,
        id=target.id,
        target=target.url,
        status="failed",
        started=started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        seconds=seconds,
        labels=target.labels,
        pipeline=pipeline,
        failure=failure,
        auth=target.auth,
        proxy=target.proxy,
    )


def _checked(outcome: object, target: Target) -> Outcome:
    if not isinstance(outcome, Outcome) or outcome.id != target.id:
        raise TypeError(f"the probe gave no outcome of {target.id!r}: {outcome!r:.200}")
    return outcome
