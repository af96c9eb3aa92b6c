"""Shards of a scan, as processes and as jobs, and their runs made one again."""

from __future__ import annotations

import json
import os
import pickle
import re
import resource
import subprocess
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import forked
import pytest

from fleet.assembly import ScanOptions
from fleet.distribute import Job, JobResult, merge, run_jobs, shard_jobs
from fleet.engine import SUCCESS, read_success
from fleet.errors import SinkError, TryAgain, UsageError
from fleet.inventory import Shard
from fleet.policy import Policy, Tls

pytestmark = pytest.mark.long

HOSTS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the inventory of a simulated fleet that runs meanwhile."""
    folder = tmp_path_factory.mktemp("shards")
    (folder / "auths.yaml").write_text("auths: {lab: {username: root, password: env:LAB}}\n")
    files = ["--write-hosts", "hosts.txt", "--write-ca", "ca.pem"]
    command = [forked.FLEET, "sim", "--tls", "--hosts", str(HOSTS), "--auth", "root:calvin", *files]
    with forked.Forked(command, cwd=folder, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        assert re.search("control=", simulator.stdout.readline())
        hosts = (folder / "hosts.txt").read_text().splitlines()  # named: each is in the same shard every time
        (folder / "hosts.txt").write_text("".join(f"{line} id=h{n}\n" for n, line in enumerate(hosts)))
        yield folder
        simulator.terminate()


@pytest.fixture
def options(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ScanOptions:
    monkeypatch.setenv("LAB", "calvin")
    return ScanOptions(
        sources=(str(folder / "hosts.txt"),),
        pipeline="probe",
        auths_file=str(folder / "auths.yaml"),
        policy=Policy(tls=Tls(ca_file=str(folder / "ca.pem"))),
    )


def scan(folder: Path, run: Path, *flags: str, **variables: str) -> int:
    command = [forked.FLEET, "scan", "hosts.txt", "--auths", "auths.yaml", "--cacert", "ca.pem", "--quiet"]
    command += ["--pipeline", "probe", "--run-dir", str(run), *flags]
    environment = {**os.environ, "LAB": "calvin", **variables}
    return forked.run(command, cwd=folder, env=environment).returncode


def told(run: Path) -> list[tuple[Any, ...]]:
    """What a run says of its targets, without times."""
    lines = (run / "outcomes.jsonl").read_text().splitlines()
    return sorted(
        (record["id"], record["status"], json.dumps(record["steps"])) for record in map(json.loads, lines)
    )


def test_pods_of_an_indexed_job_make_the_run_that_one_scan_makes(folder: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"part-{index}" for index in range(4)]
    for index, part in enumerate(parts):
        assert scan(folder, part, "--shard", "/4", JOB_COMPLETION_INDEX=str(index)) == 0
    assert scan(folder, tmp_path / "single") == 0
    merged = merge(parts, tmp_path / "whole")
    assert merged.complete
    assert (merged.targets, merged.missing, merged.outranked) == (HOSTS, 0, 0)
    assert told(tmp_path / "whole") == told(tmp_path / "single")
    assert len(told(tmp_path / "whole")) == HOSTS
    said = read_success(tmp_path / "whole")
    assert said is not None
    assert said["targets"] == HOSTS
    summary = json.loads((tmp_path / "whole" / "summary.json").read_text())
    assert summary["statuses"]["ok"] == HOSTS


def test_what_is_missing_is_said_and_is_a_finding(folder: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"part-{index}" for index in range(3)]
    for index, part in enumerate(parts):
        scan(folder, part, "--shard", f"{index}/3")
    (parts[1] / SUCCESS).unlink()
    command = [forked.FLEET, "merge", str(parts[1]), str(parts[2]), "--run-dir", str(tmp_path / "whole")]
    done = forked.run(command)
    assert done.returncode == 1
    assert "no run of shard 0 of 3" in done.stderr
    assert f"not finished: {parts[1]}" in done.stderr
    assert f"{len(told(parts[0]))} targets of the inventory" in done.stderr
    assert not (tmp_path / "whole" / SUCCESS).exists()


def test_a_run_cut_off_is_completed_and_counts_once(
    folder: Path, tmp_path: Path, options: ScanOptions
) -> None:
    jobs = shard_jobs(options, 2, tmp_path)
    assert all(job().complete for job in jobs)
    journal = tmp_path / "shard-1" / "outcomes.jsonl"
    whole = told(tmp_path / "shard-1")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:50])  # as kill -9 leaves it
    assert read_success(tmp_path / "shard-1") is None
    assert not merge([tmp_path / "shard-0", tmp_path / "shard-1"], tmp_path / "early").complete
    assert jobs[1]().complete
    assert told(tmp_path / "shard-1") == whole
    assert merge([tmp_path / "shard-0", tmp_path / "shard-1"], tmp_path / "late").complete


def test_the_outcome_that_stands_counts(folder: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        scan(folder, tmp_path / name)
    journal = tmp_path / "new" / "outcomes.jsonl"
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    cut, later = records[0], records[1]
    cut.update(status="failed", failure={"kind": "local.cancelled", "message": "stopped"})
    later["labels"] = {"which": "later"}
    journal.write_text("".join(f"{json.dumps(record, separators=(',', ':'))}\n" for record in records))
    stamps = {"old": "2026-01-01T00:00:00Z", "new": "2026-01-02T00:00:00Z"}
    for name, started in stamps.items():
        manifest = tmp_path / name / "manifest.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "started": started}))
    merged = merge([tmp_path / "new", tmp_path / "old"], tmp_path / "whole")
    lines = (tmp_path / "whole" / "outcomes.jsonl").read_text().splitlines()
    outcomes = {record["id"]: record for record in map(json.loads, lines)}
    assert outcomes[cut["id"]]["status"] == "ok"
    assert outcomes[later["id"]]["labels"] == {"which": "later"}
    assert (len(lines), merged.outranked, merged.complete) == (HOSTS, HOSTS, True)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--shard", "0/3"), "one of 3 shards"),
        (("--shard", "0/2", "--limit", "5"), "--limit differs"),
        (("--shard", "0/2", "--pipeline", "health"), "pipeline differs"),
        (("--shard", "0/2", "127.9.9.9"), "inventory differs"),
    ],
)
def test_runs_that_are_not_parts_of_one_scan_are_refused(
    folder: Path, tmp_path: Path, flags: tuple[str, ...], said: str
) -> None:
    scan(folder, tmp_path / "a", "--shard", "1/2")
    scan(folder, tmp_path / "b", *flags)
    with pytest.raises(UsageError, match=said):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "whole")
    assert not (tmp_path / "whole").exists()


def test_a_merge_that_cannot_be_written_leaves_no_half_run(folder: Path, tmp_path: Path) -> None:
    part, whole = tmp_path / "part", tmp_path / "whole"
    assert scan(folder, part) == 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, ((part / "outcomes.jsonl").stat().st_size - 1, before[1]))
        with pytest.raises(SinkError, match="larger than the limit"):
            merge([part], whole)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not whole.exists()
    assert merge([part], whole).targets == HOSTS


@pytest.mark.parametrize("kind", ["spawn", "threads"])
def test_jobs_run_on_any_executor(tmp_path: Path, options: ScanOptions, kind: str) -> None:
    def pool() -> Executor:
        if kind == "threads":
            return ThreadPoolExecutor(2)
        return ProcessPoolExecutor(2, mp_context=get_context("spawn"))

    results = list(run_jobs(pool, shard_jobs(options, 2, tmp_path)))
    assert sorted(result.shard for result in results) == ["0/2", "1/2"]
    assert all(result.complete for result in results)
    assert sum(sum(result.statuses.values()) for result in results) == HOSTS
    assert merge([Path(result.run_directory) for result in results], tmp_path / "whole").complete


def test_a_job_is_a_value_without_secrets(options: ScanOptions, tmp_path: Path) -> None:
    job = shard_jobs(options, 4, tmp_path)[3]
    assert pickle.loads(pickle.dumps(job)) == job
    assert b"calvin" not in pickle.dumps(job)
    assert job.options.shard == Shard(3, 4)
    with pytest.raises(UsageError, match="run directory"):
        Job(options)


class Dying(Executor):
    """A pool whose first process dies with every job that it has."""

    made = 0

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if type(self).made < 2:
            future.set_exception(BrokenProcessPool("killed"))
        else:
            future.set_result(JobResult("", str(work.options.shard), {}, complete=True))
        return future

    def __init__(self) -> None:
        type(self).made += 1


def test_what_a_broken_pool_lost_is_begun_again(options: ScanOptions, tmp_path: Path) -> None:
    Dying.made = 0
    results = list(run_jobs(Dying, shard_jobs(options, 3, tmp_path)))
    assert (len(results), Dying.made) == (3, 2)
    Dying.made = -10
    with pytest.raises(TryAgain, match="3 of 3 jobs"):
        list(run_jobs(Dying, shard_jobs(options, 3, tmp_path), rounds=2))
