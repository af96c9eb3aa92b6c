"""One shard of a scan as a value: it pickles, and whoever is shaped like an Executor can run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import anyio

from fleet.assembly import ScanOptions, execute, prepare, prepare_resume, shard_of
from fleet.distribute.workers import worker_processes
from fleet.engine import Stop, read_manifest, read_success
from fleet.errors import TryAgain, UsageError
from fleet.frozen import frozen
from fleet.inventory import Shard
from fleet.observe import Tally

MAX_ROUNDS = 3  # how often a job is begun whose process was killed


@frozen
class JobResult:
    """What came of a job: its run directory, its targets by status, and whether none of them is missing."""

    run_directory: str
    shard: str
    statuses: Mapping[str, int]
    complete: bool


@frozen
class Job:
    """A scan into a run directory of its own. Calling it runs it to its end, in an event loop of its own.

    The options name secrets (env:, file:) and hold none: whoever runs the job reads them, and nobody can be
    asked. It scans in its own process unless `rate.workers` asks for more: whoever runs jobs knows the cores.
    It may be called again after its process was killed, or when it is not known whether it was: a
    run that is there goes on, a complete one is left alone. Raises UsageError for options that name no
    run directory, or that need a person or a standard input.
    """

    options: ScanOptions

    def __post_init__(self) -> None:
        if self.options.run_dir is None:
            raise UsageError("a job needs a run directory: whoever repeats it must find it")
        if self.options.user is not None:
            raise UsageError("a job cannot ask for the password of --user: name it in an --auths file")
        if "-" in self.options.sources:
            raise UsageError("a job cannot read standard input: name a file")

    def __call__(self) -> JobResult:
        """Raises UsageError, SinkError, and TryAgain while another process holds the run directory."""
        folder = Path(self.options.run_dir or "")
        shard = str(self.options.shard or Shard(0, 1))
        begun = (folder / "manifest.json").exists()
        if begun and (found := shard_of(read_manifest(folder))) != (self.options.shard or Shard(0, 1)):
            raise UsageError(f"{folder} is the run of another shard: {found}, not {shard}")
        if (done := read_success(folder)) is not None:
            return JobResult(str(folder), shard, done["statuses"], complete=True)
        tally, stop, resume = Tally(), Stop(), None
        if begun:
            prepared, resume = prepare_resume(str(folder), prompt=_nobody)
        else:
            prepared = prepare(self.options, prompt=_nobody)
        count = 1 if prepared.policy.rate.workers is None else prepared.processes
        with worker_processes(prepared, count, resume=resume) as probing:
            scanning = partial(execute, prepared, listeners=(), stop=stop, tally=tally, resume=resume)
            result = anyio.run(partial(scanning, probing=probing))
        return JobResult(str(folder), shard, dict(tally.statuses), complete=result.complete)


def shard_jobs(options: ScanOptions, count: int, folder: Path) -> tuple[Job, ...]:
    """A job for each of `count` shards of a scan; their runs are below `folder`, named for their index.
    Raises UsageError."""
    if not 1 <= count <= Shard.MOST:
        raise UsageError(f"a scan has 1 to {Shard.MOST:,} shards, not {count:,}")
    width = len(str(count - 1))
    return tuple(
        Job(replace(options, shard=Shard(index, count), run_dir=str(folder / f"shard-{index:0{width}}")))
        for index in range(count)
    )


def run_jobs(
    executor: Callable[[], Executor], jobs: Sequence[Job], *, rounds: int = MAX_ROUNDS
) -> Iterator[JobResult]:
    """The results, as they come, of all jobs run by what `executor` makes.

    A pool that lost a process fails every job that it had: those are begun again by a new one, at most
    `rounds` times each. Raises TryAgain when jobs are left after that, and what a job raised.
    """
    waiting = list(jobs)
    for _ in range(rounds):
        with executor() as pool:
            begun: dict[Future[JobResult], Job] = {}
            with suppress(BrokenExecutor):  # a pool may break before it was given everything
                while waiting:
                    future = pool.submit(waiting[0])
                    begun[future] = waiting.pop(0)
            for future in as_completed(begun):
                try:
                    yield future.result()
                except BrokenExecutor:
                    waiting.append(begun[future])
        if not waiting:
            return
    raise TryAgain(f"{len(waiting)} of {len(jobs)} jobs lost their process {rounds} times; run them again")


def _nobody(prompt: str) -> NoReturn:
    raise UsageError(f"a job cannot ask {prompt!r}: name the secret as env:NAME or file:PATH")
