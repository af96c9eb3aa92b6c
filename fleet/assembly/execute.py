"""Running a prepared scan: the run directory, the sinks, the probe and the loop, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

import anyio
import orjson

from fleet.assembly.canary import CANARY, Canary
from fleet.assembly.manifest import WHOLE, manifest_of
from fleet.assembly.prepare import PreparedScan
from fleet.assembly.probing import Probing, probing_here
from fleet.assembly.resume import Resumed
from fleet.engine import RunDirectory, ScanLoop, ScanTotals, Stop, signals, write_success
from fleet.errors import InventoryError, SinkError
from fleet.event import Listener, WarningRaised, tell_all
from fleet.frozen import frozen
from fleet.observe import Tally
from fleet.sinks import sink_for
from fleet.target import Target


@frozen
class ScanResult:
    """How a scan ended. `complete`: every target of the inventory has its outcome. `forced` names the signal
    that insisted on an end."""

    run_directory: Path
    totals: ScanTotals

    @property
    def complete(self) -> bool:
        return self.totals.complete

    @property
    def canary(self) -> bool:
        """Whether it ended because those that were scanned first were not well."""
        return self.totals.reason == CANARY

    @property
    def forced(self) -> str | None:
        return self.totals.forced


async def execute(
    prepared: PreparedScan,
    *,
    listeners: Sequence[Listener],
    stop: Stop,
    tally: Tally,
    resume: Resumed | None = None,
    probing: Probing | None = None,
    obeys_signals: bool = True,
) -> ScanResult:
    """Scan every target, journal each outcome, write the summary and the files that feed back in.

    `tally` hears of everything first, and what it has counted is stored as `summary.json`. SIGINT and SIGTERM
    ask `stop`, where the scan `obeys_signals`; whoever runs several scans in one loop asks `stop` itself.
    `resume` is the run to go on with. `probing` is how targets are probed: by default in this process.
    Raises SinkError when the journal or a sink cannot be written, and TryAgain when another scan holds
    the run directory.
    """
    probing = probing or probing_here(prepared)
    steering = [probing.governor] if probing.governor is not None else []
    hearing: list[Listener] = [tally, *steering, *listeners]
    listener = tell_all(hearing)
    canary = _canary(prepared, resume, stop, listener)
    if canary is not None:
        listener = tell_all([*hearing, canary])
    outputs = [sink_for(output) for output in prepared.options.outputs]
    directory = resume.directory if resume is not None else await _create(prepared)
    async with signals(stop) if obeys_signals else nullcontext():  # until the last file is written
        try:
            if resume is not None:
                await anyio.to_thread.run_sync(resume.recall, listener)
            async with probing.enter(directory.id, listener, stop) as probe:
                loop = ScanLoop(
                    probe,
                    [sink_for(directory.journal), *outputs],
                    run=directory.id,
                    pipeline=prepared.plan.pipeline,
                    concurrency=probing.concurrency(prepared.policy.rate, listener),
                    stop=stop,
                    listener=listener,
                )
                totals = await loop.run(
                    _targets(prepared, canary, _teller(listener)),
                    total=prepared.survey.total,
                    done=resume.done if resume is not None else None,
                )
            _tell_of_description(prepared, listener)
        except BaseException:
            with suppress(SinkError):  # the disk may still be full: what ended the scan is the error to raise
                await _end(directory, tally, fresh=resume is None)
            raise
        finally:
            if canary is not None:
                canary.close()
        shard = str(prepared.options.shard or WHOLE)
        await _close(directory, tally, complete=shard if totals.complete else None)
    return ScanResult(directory.path, totals)


def _canary(prepared: PreparedScan, resume: Resumed | None, stop: Stop, listener: Listener) -> Canary | None:
    options = prepared.options
    if options.canary is None:
        return None
    return Canary(
        options.canary,
        options.canary_fail_on,
        ids=prepared.survey.canaries if prepared.survey.total is not None else None,
        done=resume.done if resume is not None else None,
        stop=stop,
        listener=listener,
    )


def _targets(
    prepared: PreparedScan, canary: Canary | None, report: Callable[[InventoryError], None]
) -> Iterator[Target]:
    if canary is None:
        return prepared.targets(report)
    return canary.gate(prepared.targets(report), prepared.targets(lambda _told_already: None))


async def _create(prepared: PreparedScan) -> RunDirectory:
    wanted = Path(prepared.options.run_dir) if prepared.options.run_dir is not None else None
    return await anyio.to_thread.run_sync(lambda: RunDirectory.create(wanted, manifest=manifest_of(prepared)))


async def _close(directory: RunDirectory, tally: Tally, *, complete: str | None = None) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(_sum_up, directory, tally, complete)


async def _end(directory: RunDirectory, tally: Tally, *, fresh: bool) -> None:
    """What is done of a scan that an error ended is summed up; a fresh run of which nothing is done goes."""
    if tally.started or not fresh:
        await _close(directory, tally)
    else:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(directory.abandon)


def _sum_up(directory: RunDirectory, tally: Tally, complete: str | None) -> None:
    """`complete` names the shard of which nothing is missing."""
    try:
        summary = orjson.dumps(tally.to_json(), option=orjson.OPT_INDENT_2)
        directory.atomic_write("summary.json", summary + b"\n")
        directory.write_failed()
        if complete is not None:
            write_success(directory, shard=complete, statuses=tally.statuses)
    finally:
        directory.close()


def _tell_of_description(prepared: PreparedScan, listener: Listener) -> None:
    """What the scan found wrong with its description: most of it is read when an operation is first used."""
    for warning in prepared.plan.document.warnings:
        if warning not in prepared.notes:
            listener(WarningRaised("description.incomplete", warning))


def _teller(listener: Listener) -> Callable[[InventoryError], None]:
    """Bad lines of a streamed inventory, told as warnings (those of a file were said before the scan)."""

    def report(error: InventoryError) -> None:
        listener(WarningRaised("inventory.line_rejected", str(error)))

    return report
