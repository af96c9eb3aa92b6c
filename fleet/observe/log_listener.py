"""Events as log lines: the rare ones each, the many ones counted."""

from __future__ import annotations

import logging
from collections import Counter

from fleet.event import (
    BreakerClosed,
    BreakerOpened,
    CanaryJudged,
    ConcurrencyChanged,
    Event,
    LoginFailed,
    ProbeCrashed,
    RequestFinished,
    RequestRetried,
    ScanFinished,
    ScanStarted,
    ScanStopping,
    SessionClosed,
    SessionOpened,
    TargetFinished,
    TargetStarted,
    WarningRaised,
)
from fleet.observe.logs import Logger
from fleet.outcome import Outcome

MAX_SPELLED_OUT = 10  # records of one sort before the rest goes to debug and into a count at the end
_OF_EVERY_TARGET = frozenset({RequestFinished, TargetStarted, RequestRetried, SessionOpened})
_RESERVED = frozenset({"event", "message", "level", "timestamp", "self"})


class LogListener:
    """Writes what happened to a logger.

    A fleet fails by the thousand: the first ten targets of a failure kind are logged at `info`, the rest at
    `debug`, and the end of the scan logs one count per kind. Leaked sessions, refused logins and crashes
    are spelled out ten times likewise.
    """

    def __init__(self, logger: Logger) -> None:
        self._log = logger
        self._debug = logger.is_enabled_for(logging.DEBUG)
        self.deaf_to: frozenset[type[Event]] = frozenset() if self._debug else _OF_EVERY_TARGET
        self._told: Counter[tuple[str, str]] = Counter()
        self._warned: set[tuple[str, str]] = set()

    def __call__(self, event: Event) -> None:
        log = self._log
        match event:
            case TargetFinished():
                self._finished(event.outcome)
            case RequestFinished() | TargetStarted() | RequestRetried() | SessionOpened():
                self._one_of_many(event)
            case SessionClosed(leaked=True):
                self._counted(logging.WARNING, "session.leaked", "", target=event.target)
            case SessionClosed():
                log.debug("session.closed", target=event.target)
            case LoginFailed():
                self._counted(
                    logging.WARNING,
                    "login.failed",
                    event.credential,
                    target=event.target,
                    auth=event.credential,
                    kind=str(event.kind),
                )
            case BreakerOpened():
                log.warning("breaker.opened", scope=event.scope, key=event.key, why=event.why)
            case BreakerClosed():
                log.info("breaker.closed", scope=event.scope, key=event.key)
            case CanaryJudged():
                log.info("canary.judged", **event._asdict())
            case WarningRaised():
                self._warning(event)
            case ProbeCrashed():
                self._counted(
                    logging.ERROR, "probe.crashed", "", target=event.target, traceback=event.traceback
                )
            case ScanStarted():
                log.info(
                    "scan.started",
                    run=event.run,
                    pipeline=event.pipeline,
                    total=event.total,
                    concurrency=event.concurrency,
                )
            case ConcurrencyChanged():
                log.debug(
                    "concurrency.changed",
                    scope=event.scope,
                    key=event.key,
                    limit=event.limit,
                    stood=event.stood,
                )
            case ScanStopping():
                log.info("scan.stopping", reason=event.reason, cancelled=event.cancelled)
            case ScanFinished():
                self._scan_finished(event)

    def _one_of_many(self, event: RequestFinished | TargetStarted | RequestRetried | SessionOpened) -> None:
        """What happens at every target: for whoever asked for all of it."""
        log = self._log
        match event:
            case RequestFinished():
                log.debug(
                    "request.finished",
                    target=event.target,
                    method=event.method,
                    route=event.route,
                    uri=event.uri,
                    status=event.status,
                    seconds=round(event.seconds, 4),
                    received=event.received,
                    **({"kind": str(event.failure)} if event.failure else {}),
                    **({"proxy": event.proxy} if event.proxy else {}),
                )
            case TargetStarted():
                log.debug("target.started", target=event.target)
            case RequestRetried():
                log.debug(
                    "request.retried",
                    target=event.target,
                    route=event.route,
                    reason=event.reason,
                    wait=round(event.wait, 3),
                )
            case SessionOpened():
                log.debug("session.opened", target=event.target)

    def _finished(self, outcome: Outcome) -> None:
        if outcome.failure is not None and outcome.status == "failed":
            failure = outcome.failure
            self._counted(
                logging.INFO,
                "target.failed",
                failure.kind.value,
                target=outcome.id,
                kind=failure.kind.value,
                step=failure.step,
                message=failure.message,
                attempts=failure.attempts,
            )
        elif self._debug:
            self._log.debug(
                "target.finished",
                target=outcome.id,
                status=outcome.status,
                requests=outcome.requests,
                errors=len(outcome.errors),
                seconds=round(outcome.seconds, 3),
            )

    def _warning(self, event: WarningRaised) -> None:
        key = (event.name, event.message)
        if key not in self._warned and len(self._warned) < 1000:
            self._warned.add(key)
            fields = {name: value for name, value in event.fields if name not in _RESERVED}
            self._log.warning(event.name, message=event.message, **fields)

    def _counted(self, level: int, name: str, sort: str, **fields: object) -> None:
        """Log at `level` for the first records of a (name, sort), at debug after."""
        key = (name, sort)
        self._told[key] += 1
        if self._told[key] <= MAX_SPELLED_OUT:
            write = {logging.INFO: self._log.info, logging.WARNING: self._log.warning}.get(
                level, self._log.error
            )
            write(name, **fields)
        elif self._debug:
            self._log.debug(name, **fields)

    def _scan_finished(self, event: ScanFinished) -> None:
        for (name, sort), count in self._told.items():
            if count > MAX_SPELLED_OUT:
                self._log.info(f"{name}_counted", sort=sort, count=count)
        self._log.info(
            "scan.finished", run=event.run, seconds=round(event.seconds, 3), complete=event.complete
        )
