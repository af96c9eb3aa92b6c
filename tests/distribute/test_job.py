"""Jobs through real executors: pickled, run, killed, run again."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fleet.assembly import ScanOptions
from fleet.distribute import Job, JobResult, run_jobs, shard_jobs
from fleet.errors import TryAgain, UsageError
from fleet.policy import Policy, Rate

pytestmark = pytest.mark.long

HOSTS = [f"127.0.3.{number}" for number in range(1, 13)]
API = """
openapi: 3.1.0
info: {title: Lamps, version: "2"}
paths:
  /lamp: {get: {operationId: getLamp, responses: {"200": {description: fine}}}}
"""
SPEC = """
fleet: "1"
info: {title: Lamps, version: "1"}
api: api.yaml
steps: {lamp: {operation: getLamp, outputs: {on: on}}}
pipelines: {all: {default: true, steps: [lamp]}}
"""


class Lamp(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"on": true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def options(tmp_path: Path) -> Iterator[ScanOptions]:
    """A scan of twelve hosts that answer."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), Lamp)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    lines = "".join(f"http://{host}:{server.server_address[1]}\n" for host in HOSTS)
    (tmp_path / "hosts.txt").write_text(lines)
    (tmp_path / "api.yaml").write_text(API)
    (tmp_path / "spec.yaml").write_text(SPEC)
    try:
        yield ScanOptions(sources=(str(tmp_path / "hosts.txt"),), spec=str(tmp_path / "spec.yaml"))
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def processes(method: str) -> Callable[[], Executor]:
    return partial(ProcessPoolExecutor, 2, mp_context=multiprocessing.get_context(method))


def asked(results: list[JobResult]) -> list[str]:
    """The hosts that have an outcome that is ok, each as often as it has one."""
    lines = [line for result in results for line in _journal(result).read_text().splitlines()]
    outcomes = [json.loads(line) for line in lines]
    assert {outcome["status"] for outcome in outcomes} == {"ok"}
    return sorted(outcome["target"].split("/")[2].split(":")[0] for outcome in outcomes)


def _journal(result: JobResult) -> Path:
    return Path(result.run_directory) / "outcomes.jsonl"


@pytest.mark.parametrize("executors", [ThreadPoolExecutor, processes("spawn"), processes("forkserver")])
def test_every_executor_scans_every_target_once(
    options: ScanOptions, tmp_path: Path, executors: Callable[[], Executor]
) -> None:
    jobs = shard_jobs(options, 3, tmp_path / "runs")
    done = list(run_jobs(executors, jobs))
    assert sorted(result.shard for result in done) == ["0/3", "1/3", "2/3"]
    assert all(result.complete for result in done)
    assert sum(sum(result.statuses.values()) for result in done) == len(HOSTS)
    assert asked(done) == sorted(HOSTS)


def test_a_job_may_have_worker_processes(options: ScanOptions, tmp_path: Path) -> None:
    many = options.tuned(Policy(rate=Rate(workers=2)), {"rate.workers"})
    (job,) = shard_jobs(many, 1, tmp_path / "runs")
    with processes("spawn")() as pool:
        result = pool.submit(job).result()
    assert result.complete
    assert asked([result]) == sorted(HOSTS)
    with pytest.raises(UsageError, match="has threads"):  # the server's, here
        shard_jobs(many, 1, tmp_path / "others")[0]()


@dataclass(frozen=True)
class Dying:
    """A job whose worker is killed the first time."""

    job: Job
    mark: Path

    def __call__(self) -> JobResult:
        try:
            self.mark.touch(exist_ok=False)
        except FileExistsError:
            return self.job()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed")


def test_no_job_is_lost_with_a_killed_worker(options: ScanOptions, tmp_path: Path) -> None:
    first, *others = shard_jobs(options, 4, tmp_path / "runs")
    results = list(run_jobs(processes("spawn"), [Dying(first, tmp_path / "mark"), *others]))
    assert sorted(result.shard for result in results) == ["0/4", "1/4", "2/4", "3/4"]
    assert asked(results) == sorted(HOSTS)


@dataclass(frozen=True)
class Deadly:
    def __call__(self) -> JobResult:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed")


def test_pools_that_break_for_ever_are_given_up() -> None:
    with pytest.raises(TryAgain, match="1 of 1 jobs lost their process 2 times"):
        list(run_jobs(processes("spawn"), [Deadly()], rounds=2))


def test_a_job_that_ran_is_not_run_again(options: ScanOptions, tmp_path: Path) -> None:
    job = shard_jobs(options, 1, tmp_path / "runs")[0]
    before = job()
    size = _journal(before).stat().st_size
    again = pickle.loads(pickle.dumps(job))()
    assert again == before
    assert _journal(again).stat().st_size == size


def test_a_directory_of_another_shard_is_refused(options: ScanOptions, tmp_path: Path) -> None:
    first, second = shard_jobs(options, 2, tmp_path / "runs")
    first()
    second_here = Job(ScanOptions(**{**_fields(second.options), "run_dir": first.options.run_dir}))
    with pytest.raises(UsageError, match="another shard"):
        second_here()


def _fields(options: ScanOptions) -> dict[str, object]:
    return {name: getattr(options, name) for name in ScanOptions.__dataclass_fields__}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ScanOptions(user="root", run_dir="r"), "cannot ask for the password"),
        (ScanOptions(sources=("-",), run_dir="r"), "cannot read standard input"),
        (ScanOptions(), "needs a run directory"),
    ],
)
def test_what_needs_a_person_is_refused_at_once(options: ScanOptions, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Job(options)


def test_shards_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 to"):
        shard_jobs(ScanOptions(), 0, tmp_path)


class Fragile(ThreadPoolExecutor):
    """Breaks when it is given its second job."""

    given = 0

    def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
        self.given += 1
        if self.given == 2:
            raise BrokenExecutor("a worker was killed")
        return super().submit(*arguments, **named)


def test_a_pool_that_breaks_while_it_is_given_jobs_loses_none(options: ScanOptions, tmp_path: Path) -> None:
    pools = iter([Fragile(1), ThreadPoolExecutor(1)])
    results = list(run_jobs(lambda: next(pools), shard_jobs(options, 3, tmp_path / "runs")))
    assert sorted(result.shard for result in results) == ["0/3", "1/3", "2/3"]
    assert asked(results) == sorted(HOSTS)
