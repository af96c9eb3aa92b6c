"""A running service: put together, watched, stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

from fleet.errors import FleetError, UsageError
from fleet.observe import Logger
from fleet.service.config.load import load_config
from fleet.service.http.app import application
from fleet.service.http.guard import Guard
from fleet.service.http.metrics import ServiceMetrics
from fleet.service.http.server import Deadlines, Server, bind
from fleet.service.http.web_config import AccessRules
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.notify import Notifier
from fleet.service.jobs.ready import Ready, Stamp, look, make_ready
from fleet.service.jobs.undelivered import keep_undelivered, take_undelivered
from fleet.service.sd import Manager, inherited_sockets
from fleet.service.store.history import History
from fleet.service.store.restore import restore

EXPIRE_SECONDS = 30.0  # seconds between two looks at sessions that were not used
TELLING_SECONDS = 5.0  # seconds that the webhook has for what is still to be told
SWEEP_SECONDS = 3600.0  # seconds between two looks at what is kept of runs
SETTLE_SECONDS = 0.1  # seconds in which a file that is being written changes again
MAX_SETTLES = 50  # times that this is waited for
LEAVING_SECONDS = 20.0  # seconds that logging out everywhere may take


def check(path: Path) -> Ready:
    """Read a configuration and resolve all that it names; nothing is served, nothing connected. Blocks.
    Raises UsageError."""
    config = load_config(path)
    ready = make_ready(config)
    AccessRules(config.beside(config.web_config) if config.web_config is not None else None)
    if config.notify is not None:
        Notifier(config, None)
    return ready


class Service:
    """Made of a configuration (blocks; raises UsageError, SinkError, TryAgain); `run` serves until it is told
    to stop."""

    def __init__(
        self,
        ready: Ready,
        log: Logger,
        deadlines: Deadlines | None = None,
        learn: Callable[..., None] | None = None,
    ) -> None:
        """`learn` is told every secret that is read, so that no log shows it."""
        config = ready.config
        self._log = log
        self._manager = Manager()
        self._web_path = config.beside(config.web_config) if config.web_config is not None else None
        web = AccessRules(self._web_path)
        self._web_stamp: Stamp = look(web.files)
        notifier = Notifier(config, log) if config.notify is not None else None
        sockets = inherited_sockets() or bind(config.listen)
        self._history = self._open_history(config.state_folder)
        if notifier is not None:
            notifier.go_on(take_undelivered(self._history.folder))
        self.desk: Desk = Desk(ready, self._history, log, notifier)
        if learn is not None:
            self.desk.learn = learn
            self.desk.teach(ready, notifier)
        self.desk.before_reload = self._manager.reloading
        self.desk.after_reload = self._manager.ready
        metrics = ServiceMetrics(self.desk)
        self._guard = Guard(application(self.desk, metrics), web, config.hosts)
        metrics.refused = self._guard.refused
        self._server = Server(
            self._guard, sockets, clients=config.clients, deadlines=deadlines or Deadlines()
        )
        self._ended = anyio.Event()

    def _open_history(self, folder: Path) -> History:
        """The history, with all runs that are there; what it lacked is said."""
        history = History(folder)
        if history.aside is not None:
            place, why = history.aside
            self._log.error("history.damaged", why=why, set_aside=str(place))
        try:
            restored = restore(history)
        except BaseException:
            history.close()
            raise
        if restored.runs:
            self._log.warning("history.restored", runs=len(restored.runs), first=restored.runs[0])
        for path, why in restored.broken.items():
            self._log.warning("history.unreadable_run", path=path, why=why)
        return history

    @property
    def addresses(self) -> list[str]:
        """Where it is served, as URLs."""
        scheme = "https" if self._guard.web.context is not None else "http"
        return [f"{scheme}://{address}" for address in self._server.addresses]

    def stop(self) -> None:
        """End: begin nothing, let what runs end within the grace period, log out, close."""
        self._ended.set()

    async def run(self, announce: Any = None) -> None:
        """Serve. SIGTERM and SIGINT stop, SIGHUP reads the configuration anew."""
        desk = self.desk
        try:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._obey, signals)
                    for work in (
                        self._server.keep_time,
                        desk.prober.serve,
                        self._watch,
                        self._ask_again,
                        self._keep_alive,
                        self._expire,
                        self._sweep,
                        self._notify,
                    ):
                        group.start_soon(work)
                    async with anyio.create_task_group() as rounds:
                        await desk.rounds.adopt(desk.ready)
                        group.start_soon(desk.rounds.sweep)
                        await rounds.start(desk.rounds.serve)
                        await self._server.listen(self._guard.web)
                        self._log.info("service.started", addresses=", ".join(self.addresses))
                        self._manager.ready()
                        if announce is not None:
                            announce(self)
                        await self._ended.wait()
                        self._begin_end()
                    await self._close()
                    group.cancel_scope.cancel()
        finally:
            self._server.drop()
            desk.access.connections.close()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._history.close)

    def _begin_end(self) -> None:
        desk = self.desk
        desk.stopping = True
        self._manager.stopping()
        self._log.info("service.stopping", runs=len(desk.runs.live))
        desk.rounds.stop()
        desk.runs.stop("the service stops")

    async def _close(self) -> None:
        desk = self.desk
        desk.hub.close()
        if desk.notifier is not None:
            await self._tell_the_rest(desk.notifier)
        await self._server.close(grace=2.0)
        with anyio.move_on_after(LEAVING_SECONDS) as scope:
            await desk.access.close()
        if scope.cancelled_caught:
            self._log.warning("sessions.left", sessions=len(desk.access.sessions))
        self._log.info("service.stopped")

    async def _tell_the_rest(self, notifier: Notifier) -> None:
        with anyio.move_on_after(TELLING_SECONDS):
            await notifier.told()
        left = notifier.left()
        try:
            await anyio.to_thread.run_sync(keep_undelivered, self._history.folder, left)
        except FleetError as error:
            self._log.error("notify.lost", events=len(left), why=str(error))
        else:
            if left:
                self._log.warning("notify.kept", events=len(left))

    async def _obey(self, signals: Any) -> None:
        async for number in signals:
            if number == signal.SIGHUP:
                try:
                    await self.desk.reload()
                except UsageError:
                    continue  # it was logged, and is in the metrics
            elif self._ended.is_set():
                self.desk.runs.stop(number.name)  # insisted upon: what is in hand is cancelled
            else:
                self._log.info("service.asked_to_stop", signal=number.name)
                self.stop()

    async def _watch(self) -> None:
        """Take up files that have changed."""
        refused: Stamp | None = None
        while True:
            await anyio.sleep(self.desk.ready.config.watch)
            await self._look_at_web()
            changed = await anyio.to_thread.run_sync(self.desk.ready.changed)
            if not changed or self.desk.stopping:
                refused = None
                continue
            seen = await anyio.to_thread.run_sync(look, map(Path, changed))
            if seen == refused:
                continue  # nothing but what was refused already
            await _settled(map(Path, changed))
            self._log.info("files.changed", files=", ".join(changed)[:500])
            refused = None
            try:
                await self.desk.reload()
            except UsageError:
                refused = seen

    async def _ask_again(self) -> None:
        """Take up what NetBox, Ansible and the like say by now."""
        while True:
            await anyio.sleep(self.desk.ready.config.refresh)
            ready = self.desk.ready
            for job, error in await anyio.to_thread.run_sync(ready.ask_again):
                self._log.warning("inventory.stale", job=job, why=str(error))
            if not self.desk.stopping and any(job.outdated for job in ready.jobs.values()):
                with suppress(UsageError):  # said already; what was before is in force
                    await self.desk.reload()

    async def _look_at_web(self) -> None:
        """Certificates and users, read anew where their files have changed."""
        before = self._guard.web
        stamp = await anyio.to_thread.run_sync(look, before.files)
        if stamp == self._web_stamp:
            return
        self._web_stamp = await _settled(before.files)
        try:
            web = await anyio.to_thread.run_sync(AccessRules, self._web_path)
            web.refuse_to_open(before)
        except FleetError as error:
            self._log.error("web_config.refused", why=str(error))
            return
        self._web_stamp = await anyio.to_thread.run_sync(look, web.files)
        self._guard.web = web
        await self._server.listen(web)
        self.desk.hub.close()  # whoever may still listen comes again
        self._log.info("web_config.reloaded")

    async def _keep_alive(self) -> None:
        if self._manager.watchdog is None:
            return
        while True:
            self._manager.alive()
            await anyio.sleep(self._manager.watchdog)

    async def _expire(self) -> None:
        while True:
            await anyio.sleep(EXPIRE_SECONDS)
            await self.desk.access.sessions.expire()

    async def _sweep(self) -> None:
        while True:
            await anyio.sleep(SWEEP_SECONDS)
            await self.desk.rounds.sweep()

    async def _notify(self) -> None:
        """Have the webhook told, by whoever is there to tell it: a reload may bring another one."""
        while True:
            notifier = self.desk.notifier
            if notifier is None:
                await anyio.sleep(1.0)
                continue
            async with anyio.create_task_group() as group:
                group.start_soon(notifier.serve)
                while self.desk.notifier is notifier:  # noqa: ASYNC110 (looked at by whoever comes by)
                    await anyio.sleep(1.0)
                group.cancel_scope.cancel()


async def _settled(files: Iterable[Path]) -> Stamp:
    """How files look once they change no more: one that is being written may be empty, or a part that can be
    used and means something else."""
    files = list(files)
    seen = await anyio.to_thread.run_sync(look, files)
    for _ in range(MAX_SETTLES):
        await anyio.sleep(SETTLE_SECONDS)
        before, seen = seen, await anyio.to_thread.run_sync(look, files)
        if seen == before:
            break
    return seen
