"""Everything that a service holds while it runs, in one place: what HTTP and signals act on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio

from fleet.errors import UsageError
from fleet.observe import Logger
from fleet.service.config.load import load_config
from fleet.service.config.model import ServiceConfig
from fleet.service.jobs.access import TargetAccess
from fleet.service.jobs.events import Hub
from fleet.service.jobs.notify import Notifier
from fleet.service.jobs.probing import Prober
from fleet.service.jobs.ready import Ready, make_ready
from fleet.service.jobs.rounds import Rounds
from fleet.service.jobs.runs import Runs
from fleet.service.store.history import History
from fleet.service.store.intake import TakenIn

FIXED = ("listen", "state", "sessions", "grace", "clients")  # what a reload cannot change


@dataclass(slots=True)
class Reloads:
    """How reading the configuration anew went."""

    succeeded_at: float
    successful: bool = True
    error: str = ""
    count: int = 0


class Desk:
    """One running service. `ready` is the configuration in force; `wall` is the clock for all that it does:
    the time of day in seconds since the epoch."""

    def __init__(
        self,
        ready: Ready,
        history: History,
        log: Logger,
        notifier: Notifier | None,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        config = ready.config
        self.ready: Ready = ready
        self.history = history
        self.log = log
        self.hub: Hub = Hub()
        self.access: TargetAccess = TargetAccess(config, log)
        self.wall: Callable[[], float] = wall
        self.runs: Runs = Runs(
            history, self.access, self.hub, grace=config.grace, taken=self._taken, wall=wall
        )
        self.rounds: Rounds = Rounds(history, self.runs, self.hub, log, wall=wall)
        self.prober: Prober = Prober(history, self.access, wall=wall)
        self.notifier = notifier
        self.reloads: Reloads = Reloads(succeeded_at=wall())
        self.started: float = wall()
        self.stopping = False
        self.learn: Callable[..., None] = lambda *_secrets: None
        self.before_reload: Callable[[], None] = lambda: None
        self.after_reload: Callable[[], None] = lambda: None
        self._one = anyio.Lock()
        self._divide(config)

    @property
    def config(self) -> ServiceConfig:
        """What is in force."""
        return self.ready.config

    def not_ready(self) -> str | None:
        """Why nobody should rely on this service now; None where it is ready."""
        if self.stopping:
            return "the service is stopping"
        return self.history.trouble

    async def reload(self) -> None:
        """Read the configuration anew. One that cannot be used changes nothing. Raises UsageError."""
        async with self._one:
            self.before_reload()
            try:
                config = await anyio.to_thread.run_sync(load_config, self.ready.config.path)
                self._refuse_fixed(config)
                ready = await anyio.to_thread.run_sync(make_ready, config, self.ready)
                notifier = await anyio.to_thread.run_sync(self._notifier, ready)
            except (
                Exception
            ) as error:  # whatever a file makes of the code that reads it: others go on by the old
                self.reloads.successful, self.reloads.error = False, str(error)
                self.log.error("config.refused", why=str(error))
                self.hub.tell("reload", {"successful": False, "error": str(error)})
                if isinstance(error, UsageError):
                    raise
                raise UsageError(str(error)) from error
            finally:
                self.after_reload()
            await self._adopt(ready, notifier)

    async def _adopt(self, ready: Ready, notifier: Notifier | None) -> None:
        self.teach(ready, notifier)
        before, self.ready = self.ready, ready
        self._change_notifier(notifier)
        self._divide(ready.config)
        await self.rounds.adopt(ready)
        self.reloads.successful, self.reloads.error = True, ""
        self.reloads.succeeded_at = self.wall()
        self.reloads.count += 1
        for note in ready.notes:
            self.log.warning("config.noted", note=note)
        self._tell_of_targets(before, ready)
        self.log.info("config.reloaded", jobs=len(ready.jobs))
        self.hub.tell("reload", {"successful": True, "error": ""})
        known = {target.id for job in ready.jobs.values() for target in job.members}
        await self.access.sessions.leave_others(known.__contains__)

    def teach(self, ready: Ready, notifier: Notifier | None) -> None:
        """Tell `learn` every secret of a configuration, those that are read later included."""
        ready.teach(self.learn)
        if notifier is not None:
            self.learn(*notifier.secrets)

    def _notifier(self, ready: Ready) -> Notifier | None:
        """The present notifier where nothing about it has changed, else another one. Blocks."""
        if ready.config.notify is None:
            return None
        made = Notifier(ready.config, self.log)
        return self.notifier if self.notifier is not None and self.notifier.same_as(made) else made

    def _change_notifier(self, notifier: Notifier | None) -> None:
        """Another notifier takes over what is still to be told; where there is none, a log line says that
        nobody will tell it."""
        before, self.notifier = self.notifier, notifier
        if before is None or before is notifier:
            return
        if notifier is not None:
            before.hand_over(notifier)
        elif before.waiting:
            self.log.warning("notify.left", events=before.waiting)

    def _refuse_fixed(self, config: ServiceConfig) -> None:
        for name in FIXED:
            if getattr(config, name) != getattr(self.ready.config, name):
                raise UsageError(f"{config.path}: `{name}` has changed: that takes a restart")

    def _divide(self, config: ServiceConfig) -> None:
        self.access.budget.divide(config)
        if self.access.budget.note is not None:
            self.log.warning("concurrency.capped", message=self.access.budget.note)

    def _tell_of_targets(self, before: Ready, after: Ready) -> None:
        """Say how many targets came and went."""
        for name, job in after.jobs.items():
            known = before.jobs.get(name)
            if known is None or known is job:
                continue
            added = sum(target.id not in known.members for target in job.members)
            removed = sum(target.id not in job.members for target in known.members)
            if added or removed:
                self.log.info("inventory.changed", job=name, added=added, removed=removed)
                self.hub.tell("inventory", {"job": name, "added": added, "removed": removed})

    def _taken(self, taken: TakenIn) -> None:
        if self.notifier is not None:
            self.notifier.tell(taken.changes)
