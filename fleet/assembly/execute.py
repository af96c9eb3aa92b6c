"""Running a prepared scan: the run directory, the sinks, the probe and the loop, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import orjson

from fleet.assembly.bindings import Prompt
from fleet.assembly.canary import CANARY, Canary
from fleet.assembly.connect import Connector
from fleet.assembly.manifest import WHOLE, changes_since, manifest_of, options_of
from fleet.assembly.prepare import PreparedScan, prepare
from fleet.engine import (
    SUCCESS,
    DoneTargets,
    Probe,
    RunDirectory,
    ScanTotals,
    Stop,
    capped_concurrency,
    done_ids,
    read_last_outcomes,
    scan,
    signals,
    stands,
    write_success,
)
from fleet.errors import InventoryError, SinkError
from fleet.event import Listener, TargetRecalled, WarningRaised, tell
from fleet.frozen import frozen
from fleet.observe import Tally
from fleet.outcome import FailureKind, Outcome
from fleet.pace import Governor
from fleet.pipeline import Memory, PipelineProbe
from fleet.policy import Policy, Rate
from fleet.sinks import Sink, sink_for
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import KeptConnections

NOTHING_THERE = frozenset(
    {
        FailureKind.CONNECT_REFUSED,
        FailureKind.CONNECT_UNREACHABLE,
        FailureKind.TIMEOUT_CONNECT,
        FailureKind.DNS_NOT_FOUND,
    }
)


# Gives the probe of a run while it is entered: made from the run's id, who is told, and who ends the scan.
Probing: TypeAlias = Callable[[str, Listener, Stop], AbstractAsyncContextManager[Probe]]


@frozen
class Resumed:
    """A run to go on with: its directory, locked, and the targets that are done."""

    directory: RunDirectory
    done: DoneTargets
    kinds: frozenset[str] = frozenset()
    where: Callable[[dict[str, Any]], bool] | None = None


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


def prepare_resume(
    run: str,
    *,
    kinds: frozenset[str] = frozenset(),
    policy: Policy | None = None,
    given: frozenset[str] = frozenset(),
    where: Callable[[dict[str, Any]], bool] | None = None,
    pace: str | None = None,
    past_canary: bool = False,
    prompt: Prompt,
) -> tuple[PreparedScan, Resumed]:
    """The scan of a run directory, made ready to go on with the options it was started with.

    Targets whose last outcome failed with one of `kinds`, or `local.*`, are scanned again; where
    `where` is given it must hold too, and alone it is enough. The numbers of
    `policy` that `given` names (`rate.concurrency`) replace those of the run, and so do those of a `pace`.
    `past_canary` goes on whatever became of the canaries. Raises UsageError, and TryAgain
    while another scan holds the directory.
    """
    directory = RunDirectory.open(Path(run))
    try:
        manifest = directory.manifest
        options = options_of(manifest).tuned(policy or Policy(), given, pace=pace)
        if past_canary:
            options = replace(options, canary=None)
        prepared = prepare(options, prompt=prompt)
        done = done_ids(directory.journal, retry_kinds=kinds, where=where)
        stored = (f"{len(done):,} {'target is' if len(done) == 1 else 'targets are'} done already",)
        notes = (*prepared.notes, *changes_since(manifest), *(stored if len(done) else ()))
        return replace(prepared, notes=notes), Resumed(directory, done, kinds, where)
    except BaseException:
        directory.close()
        raise


async def execute(
    prepared: PreparedScan,
    *,
    listeners: Sequence[Listener],
    stop: Stop,
    tally: Tally,
    resume: Resumed | None = None,
    kept: KeptConnections | None = None,
    probing: Probing | None = None,
    processes: int = 1,
    obeys_signals: bool = True,
    governor: Governor | None = None,
) -> ScanResult:
    """Scan every target, journal each outcome, write the summary and the files that feed back in.

    `tally` is one of those that are told; it is stored as `summary.json`. SIGINT and SIGTERM ask `stop`,
    where the scan `obeys_signals`; whoever runs several scans in one loop asks `stop` itself.
    `kept` is for who runs several scans in one process: connections that they leave open for each other.
    `probing` makes the probe; without it, targets are scanned in this process. With it they are in hand of so
    many `processes`, each with a limit of file descriptors of its own.
    `governor` finds how many targets to have in flight, where the policy does not say, in place of one that
    is made here: for who runs the same scan again. Whoever gives one has it steer the pace of the probe.
    Raises SinkError when the journal or a sink cannot be written, and TryAgain when another scan holds
    the run directory.
    """
    governor = governor or _governor(prepared.policy.rate, processes)
    hearing: list[Listener] = [tally, *listeners]
    if governor is not None:
        hearing.insert(1, governor)
    listener = tell(hearing)
    canary = _canary(prepared, resume, stop, listener)
    if canary is not None:
        listener = tell([*hearing, canary])
    outputs = [sink_for(output) for output in prepared.options.outputs]
    directory = resume.directory if resume is not None else await _create(prepared)
    try:
        if resume is not None:
            await anyio.to_thread.run_sync(_take_up, listener, resume)
        probes = probing or _here(prepared, kept, governor)
        async with (
            signals(stop) if obeys_signals else nullcontext(),
            probes(directory.id, listener, stop) as probe,
        ):
            totals = await scan(
                _targets(prepared, canary, _teller(listener)),
                probe,
                _sinks(directory, outputs),
                run=directory.id,
                pipeline=prepared.plan.pipeline,
                concurrency=governor or _fixed(prepared.policy.rate, listener, processes),
                stop=stop,
                listener=listener,
                total=prepared.survey.total,
                done=resume.done if resume is not None else None,
            )
        _tell_of_description(prepared, listener)
    except BaseException:
        with suppress(SinkError):  # the same full disk again: what ended the scan is what to speak of
            await (_abandon(directory) if resume is None and not tally.started else _close(directory, tally))
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


def _sinks(directory: RunDirectory, outputs: Sequence[Sink]) -> list[Sink]:
    return [sink_for(directory.journal), *outputs]


async def _close(directory: RunDirectory, tally: Tally, *, complete: str | None = None) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(_sum_up, directory, tally, complete)


async def _abandon(directory: RunDirectory) -> None:
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


def _take_up(listener: Listener, resume: Resumed) -> None:
    """Tell what earlier sessions have stored and this one leaves alone. Until it ends, none is complete."""
    resume.directory.discard(SUCCESS)
    for record in read_last_outcomes(resume.directory.journal):
        if stands(record, resume.kinds, resume.where):
            listener(TargetRecalled(record))


def _governor(rate: Rate, processes: int) -> Governor | None:
    """What finds out how many targets to have in flight, where nobody said."""
    if rate.concurrency is not None:
        return None
    allowed, _ = capped_concurrency(-(-rate.auto_most // processes), per_target=rate.per_target)
    return Governor(rate, ceiling=allowed * processes)


def _fixed(rate: Rate, listener: Listener, processes: int) -> int:
    asked = rate.concurrency or rate.auto_start
    allowed, note = capped_concurrency(-(-asked // processes), per_target=rate.per_target)
    if note is not None:
        listener(WarningRaised("concurrency.capped", note))
    return min(asked, allowed * processes)


def _here(prepared: PreparedScan, kept: KeptConnections | None, governor: Governor | None) -> Probing:
    """The probe that scans in this process."""

    @asynccontextmanager
    async def probing(run: str, listener: Listener, _stop: Stop) -> AsyncIterator[Probe]:
        connector = await anyio.to_thread.run_sync(Connector.of, prepared, listener, kept)
        if governor is not None:
            governor.steers(connector.pace)
        yield probe_of(prepared, connector, run, listener)

    return probing


def probe_of(
    prepared: PreparedScan,
    connector: Connector,
    run: str,
    listener: Listener,
    *,
    memory: Callable[[Target], Memory] | None = None,
) -> Probe:
    """The probe of a run: its plan over one target, through the connector. `memory` gives what earlier walks
    of a target remember of its links."""
    probe = PipelineProbe(
        prepared.plan,
        connector,
        run=run,
        policy=prepared.policy,
        listener=listener,
        deadline=prepared.policy.timeouts.target,
        memory=memory,
    )
    return discovering(probe) if prepared.options.discover else probe


def discovering(probe: Callable[[Target], Awaitable[Outcome]]) -> Probe:
    """The probe of an address range: an address where nothing listens is skipped, not a failure."""

    async def probed(target: Target) -> Outcome:
        outcome = await probe(target)
        if outcome.failure is None or outcome.failure.kind not in NOTHING_THERE:
            return outcome
        empty = replace(outcome.failure, kind=FailureKind.SKIPPED_EMPTY)
        return replace(outcome, status="skipped", failure=empty, errors=())

    return probed


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
