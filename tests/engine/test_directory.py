"""Run directories: private, locked, and telling what to do when something is wrong."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import shlex
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.engine import (
    RunDirectory,
    atomic_write,
    capped_concurrency,
    done_ids,
    read_last_outcomes,
    read_manifest,
    read_outcomes,
    run_entry,
    run_id,
    runs_folder,
)
from fleet.engine.directory import fresh_place
from fleet.errors import SinkError, TryAgain, UsageError
from fleet.outcome import FailureKind


def record(target: str, kind: str | None = None, **more: Any) -> bytes:
    shown: dict[str, Any] = {"v": 1, "id": target, "target": f"https://{target}", "status": "ok", **more}
    if kind:
        shown |= {"status": "failed", "failure": {"kind": kind, "message": "m", "attempts": 1}}
    return orjson.dumps(shown) + b"\n"


def test_a_new_run_is_private_and_described(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    with RunDirectory.create(place, manifest={"seed": 7}) as run:
        assert re.fullmatch(r"\d{8}-\d{4}-[a-z0-9]{3}", run.id)
        assert run.manifest == {"v": 1, "run": run.id, "journal": "outcomes.jsonl", "seed": 7}
        written = run.atomic_write("summary.json", b"{}")
        assert [path.stat().st_mode & 0o777 for path in (place, written, place / "manifest.json")] == [
            0o700,
            0o600,
            0o600,
        ]
        with pytest.raises(ValueError, match="plain file name"):
            run.atomic_write("../x", b"")
    assert sorted(path.name for path in place.iterdir()) == ["lock", "manifest.json", "summary.json"]


def test_a_run_is_opened_again_and_never_replaced(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "r", manifest={}, compress=True).close()
    with RunDirectory.open(tmp_path / "r") as run:
        assert run.journal == tmp_path / "r" / "outcomes.jsonl.zst"
    with pytest.raises(UsageError, match="fleet resume"):
        RunDirectory.create(tmp_path / "r", manifest={})
    with pytest.raises(UsageError, match="there is no run"):
        RunDirectory.open(tmp_path / "none")
    (tmp_path / "r" / "manifest.json").write_bytes(b'{"v": 99}')
    with pytest.raises(UsageError, match="version"):
        read_manifest(tmp_path / "r")


def test_two_scans_do_not_share_a_run(tmp_path: Path) -> None:
    with (
        RunDirectory.create(tmp_path / "r", manifest={}),
        pytest.raises(TryAgain, match=f"process {os.getpid()}"),
    ):
        RunDirectory.open(tmp_path / "r")
    RunDirectory.open(tmp_path / "r").close()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "r", manifest={}).close()
    (tmp_path / "r" / "lock").unlink()
    (tmp_path / "r" / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(SinkError, match="lock"):
        RunDirectory.open(tmp_path / "r")
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    RunDirectory.create(tmp_path / "r", manifest={}).close()

    def flock(_descriptor: int, _operation: int) -> None:  # as the kernel answers on some network mounts
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(SinkError, match=r"cannot lock .*\n.*no locks .*--run-dir"):
        RunDirectory.create(tmp_path / "new", manifest={})
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    with pytest.raises(SinkError, match="cannot lock"):
        RunDirectory.open(tmp_path / "r")
    assert run_entry(tmp_path / "r").state == "stopped"


def test_a_file_that_is_refused_or_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SinkError, match="cannot write"):
        atomic_write(Path("/proc/self/summary.json"), b"{}")  # where not even unlink is allowed

    def fsync(_descriptor: int) -> None:  # a signal may come at any time
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "summary.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with RunDirectory.create(manifest={}) as run:
        assert run.path == tmp_path / "runs" / run.id
    assert (tmp_path / "runs" / "latest").resolve() == run.path
    monkeypatch.chdir("/proc")  # nothing can be written there, not even by root
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert runs_folder() == tmp_path / "xdg" / "fleet" / "runs"
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path / 'state'}:/other")
    assert runs_folder() == tmp_path / "state" / "runs"


def test_a_run_in_which_nothing_was_done_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    latest = tmp_path / "runs" / "latest"
    alone = RunDirectory.create(manifest={})
    alone.abandon()
    assert list((tmp_path / "runs").iterdir()) == []
    RunDirectory.create(manifest={}).close()
    before = latest.readlink()
    new = RunDirectory.create(manifest={})
    new.journal.write_bytes(b"")
    new.abandon()
    assert not new.path.exists()
    assert latest.readlink() == before


def test_what_a_run_holds_is_not_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = RunDirectory.create(manifest={})
    held.journal.write_bytes(record("h1"))
    held.abandon()
    assert read_manifest(held.path)["run"] == held.id
    assert (tmp_path / "runs" / "latest").resolve() == held.path
    (tmp_path / "mine").mkdir()  # made by somebody else, as a mount is
    RunDirectory.create(tmp_path / "mine", manifest={}).abandon()
    assert list((tmp_path / "mine").iterdir()) == []


def test_where_nothing_can_be_written() -> None:
    with pytest.raises(SinkError, match="--run-dir"):
        RunDirectory.create(Path("/proc/none/run"), manifest={})


def test_run_ids_differ() -> None:
    assert len({run_id() for _ in range(20)}) > 15


def test_scans_that_begin_together_get_places_of_their_own(tmp_path: Path) -> None:
    names = ["a", "a", "b"]
    assert [fresh_place(tmp_path, names[at:]).name for at in range(2)] == ["a", "b"]


def test_failed_targets_feed_back_in(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "r", manifest={}) as run:
        run.journal.write_bytes(
            record("a", "timeout.connect")
            + record("b", "timeout.connect", labels={"row": "row 7 #2", "q": "it's"}, auth="lab", proxy="dc1")
            + record("c", "proxy.auth")
            + record("a")
            + record("d", "../../evil")
            + b'{"v":1,"id":"torn"'
        )
        paths = run.write_failed()
        assert [path.name for path in paths] == ["failed-proxy.auth.txt", "failed-timeout.connect.txt"]
        assert paths[0].read_text() == "https://c id=c\n"
        words = shlex.split(paths[1].read_text(), comments=True)
        assert words == ["https://b", "id=b", "auth=lab", "proxy=dc1", "row=row 7 #2", "q=it's"]
        run.journal.write_bytes(record("a"))
        assert run.write_failed() == []
        assert not list(run.path.glob("failed-*"))


def test_what_a_resumed_scan_leaves_alone(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    lines = [
        record("ok"),
        record("cancelled", "local.cancelled"),
        record("timeout", "timeout.connect"),
        record("again", "local.cancelled"),
        record("again"),
        record("worse"),
        record("worse", "local.cancelled"),
        b"\x00\x00garbage\n",
        b"[1]\n",
    ]
    path.write_bytes(b"".join(lines))
    done = done_ids(path)
    assert [name for name in ("ok", "cancelled", "timeout", "again", "worse", "new") if name in done] == [
        "ok",
        "timeout",
        "again",
    ]
    assert len(done) == 3
    assert "timeout" not in done_ids(path, retry_kinds={"timeout"})
    assert "timeout" not in done_ids(path, retry_kinds={"timeout.connect"})
    assert "timeout" in done_ids(path, retry_kinds={"time", "timeout.request"})
    assert len(done_ids(tmp_path / "none.jsonl")) == 0
    last = {shown["id"]: shown["status"] for shown in read_last_outcomes(path)}
    assert last == {"ok": "ok", "cancelled": "failed", "timeout": "failed", "again": "ok", "worse": "failed"}
    assert list(read_last_outcomes(tmp_path / "none.jsonl")) == []


@pytest.mark.parametrize("kind", [kind.value for kind in FailureKind if kind.group == "local"])
def test_what_this_machine_lacked_is_scanned_again(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "o.jsonl"
    errors = [{"step": "a", "kind": "http.unavailable"}, {"step": "b", "kind": kind}]
    path.write_bytes(
        record("host", kind)
        + record("mended", kind)
        + record("mended")
        + record("gaps", status="partial", errors=errors)
        + record("theirs", status="partial", errors=errors[:1])
        + record("refused", "connect.refused", errors=errors)
    )
    done = done_ids(path)
    assert [name for name in ("host", "mended", "gaps", "theirs", "refused") if name in done] == [
        "mended",
        "theirs",
        "refused",  # what ended it was the host
    ]
    assert "theirs" not in done_ids(path, retry_kinds={"http"})
    assert "theirs" in done_ids(path, retry_kinds={"timeout"})
    assert "refused" in done_ids(path, retry_kinds={"http"})


def test_the_resume_set_is_small(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_bytes(b"".join(record(f"h{number}") for number in range(20_000)))
    done = done_ids(path)
    assert len(done) == 20_000
    assert done.nbytes <= 32 * 20_000


def test_a_missing_file_is_an_error_to_a_reader(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="No such file"):
        list(read_outcomes(tmp_path / "none.jsonl"))


def test_concurrency_is_capped_by_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert capped_concurrency(50, per_target=2) == (50, None)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256
        assert capped_concurrency(200, per_target=2) == (200, None)  # the soft limit was raised
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
        allowed, note = capped_concurrency(10**9, per_target=2, reserve=64)
        assert 1 <= allowed < 10**9
        assert note is not None
        assert f"from {10**9} to {allowed}" in note
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
