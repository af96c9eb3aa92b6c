"""A history that is empty, cut, foreign, from tomorrow, read-only, on a full disk: nothing is lost unsaid."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from served import CONFIG, Served, Workshop, until

from fleet.errors import SinkError
from fleet.service.store.database import KEPT_ASIDE
from fleet.service.store.history import History
from fleet.sim import Fault

pytestmark = pytest.mark.long
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _whole: b"",
    "a part of its first page": lambda whole: whole[:100],
    "cut": lambda whole: whole[: len(whole) // 3],
    "its last page is gone": lambda whole: whole[:-4096],
    "text": lambda _whole: b"this is no database\n" * 1000,
    "zeros in the middle": lambda whole: whole[:4096] + bytes(8192) + whole[12288:],
    "zeros": lambda whole: bytes(len(whole)),
}


def beside(workshop: Workshop) -> list[str]:
    return sorted(path.name for path in (workshop.folder / "state").glob("history*"))


async def known(served: Served) -> dict[str, Any]:
    """What a history knows that its runs tell as well."""
    targets = (await served.get("/api/v1/targets"))["targets"]
    runs = (await served.get("/api/v1/runs"))["runs"]
    changes = (await served.get("/api/v1/changes"))["changes"]
    own = ("run", "state", "total", "statuses", "failing", "recovered", "requests")
    return {
        "targets": targets,
        "runs": [{name: run[name] for name in own} for run in runs],
        "changes": [{**change, "number": 0} for change in changes],
    }


@pytest.mark.parametrize("damage", DAMAGE)
async def test_what_is_damaged_is_set_aside_and_made_anew_from_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setenv("BMC_PASSWORD", "calvin")
    async with Workshop.opened(tmp_path, Fault("refuse", match="127.1.0.1"), hosts=4) as workshop:
        async with workshop.serving() as served:
            for _ in range(3):
                await served.round()
            before = await known(served)
        path = tmp_path / "state" / "history.db"
        bad = DAMAGE[damage](path.read_bytes())
        path.write_bytes(bad)
        async with workshop.serving() as served:
            assert await known(served) == before
            (said,) = served.said("history.restored")
            assert said["runs"] == 3
            damaged = served.said("history.damaged")
            assert await served.metric("fleet_service_history_damaged") == len(damaged) == bool(bad)
            if damaged:
                aside = Path(damaged[0]["set_aside"])
                assert aside.read_bytes() == bad and aside.name.startswith("history.damaged-")
            again = await served.round()
            assert again["statuses"]["failed"] == 1 and again["failing"] == 0
        async with workshop.serving() as served:
            assert served.said("history.restored") == served.said("history.damaged") == []
            assert len((await served.get("/api/v1/runs"))["runs"]) == 4


async def test_runs_that_a_history_lacks_are_taken_in(workshop: Workshop) -> None:
    """An older copy was put back, and somebody else's directory lies among the runs."""
    state = workshop.folder / "state"
    async with workshop.serving() as served:
        await served.round()
    shutil.copy(state / "history.db", workshop.folder / "copy.db")
    async with workshop.serving() as served:
        await served.round()
        before = await known(served)
    shutil.copy(workshop.folder / "copy.db", state / "history.db")
    (state / "runs" / "health" / "mine").mkdir()
    async with workshop.serving() as served:
        assert await known(served) == before
        (said,) = served.said("history.unreadable_run")
        assert said["path"].endswith("/mine")


async def test_a_run_that_was_on_its_way_goes_on_though_the_history_is_gone(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        run = await served.round()
    folder = workshop.folder / "state" / "runs" / "health" / run["run"]
    (folder / "_SUCCESS").unlink()
    lines = (folder / "outcomes.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "outcomes.jsonl").write_bytes(b"".join(lines[:1]) + lines[1][:50])
    for path in (workshop.folder / "state").glob("history*"):
        path.unlink()
    async with workshop.serving() as served:

        async def done() -> Any:
            found = await served.get(f"/api/v1/runs/{run['run']}")
            return found if found["state"] == "complete" else None

        assert (await until(done))["statuses"]["ok"] == len(workshop.hosts)
        assert (await served.get("/api/v1/targets", params={"status": "ok"}))["total"] == len(workshop.hosts)


def test_a_disk_that_damages_one_after_the_other_is_said(tmp_path: Path) -> None:
    for number in range(KEPT_ASIDE):
        (tmp_path / f"history.damaged-2026112{number}T000000Z.db").write_bytes(b"old")
    (tmp_path / "history.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(SinkError, match="look at the disk"):
        History(tmp_path)
    assert (tmp_path / "history.db").read_bytes().startswith(b"this is no")


@pytest.mark.parametrize(
    ("statement", "word"),
    [("PRAGMA user_version = 99", "another version"), ("CREATE TABLE notes (x)", "another program's")],
)
def test_what_is_whole_but_not_ours_is_left_alone(tmp_path: Path, statement: str, word: str) -> None:
    with sqlite3.connect(tmp_path / "history.db") as database:
        database.execute(statement)
    database.close()
    whole = (tmp_path / "history.db").read_bytes()
    with pytest.raises(SinkError, match=word) as caught:
        History(tmp_path)
    assert "move it away" in str(caught.value) and (tmp_path / "history.db").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir() if "damaged" in path.name] == []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes; skips where none can be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here: no disk was filled")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(place: Path) -> Path:
    """Until nothing more can be written."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return filler


def test_a_disk_that_may_only_be_read_is_said(small: Path) -> None:
    History(small / "state").close()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(SinkError, match="Read-only file system") as caught:
        History(small / "state")
    assert "`state:`" in str(caught.value)


def test_a_full_disk_is_known_until_it_can_be_written(small: Path) -> None:
    history = History(small / "state")
    filler = fill(small)
    for count in (1, 2):
        with pytest.raises(SinkError, match="full"):
            history.try_to_write()
        assert history.trouble is not None and history.troubles == count
    history.forget_runs([])  # changes nothing, and tells nothing
    assert history.trouble is not None
    filler.unlink()
    history.try_to_write()
    assert history.trouble is None and history.troubles == 2
    history.close()


def test_a_history_that_is_taken_away_is_known_until_it_is_back(tmp_path: Path) -> None:
    history = History(tmp_path / "state")
    (tmp_path / "state").rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(SinkError, match="removed, moved or replaced"):
            history.try_to_write()
        assert history.trouble is not None
        (tmp_path / "state").mkdir(exist_ok=True)
        (tmp_path / "state" / "history.db").touch()  # another one in its place
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "elsewhere").rename(tmp_path / "state")
    history.try_to_write()
    assert history.trouble is None
    history.close()


def test_a_service_does_not_begin_on_a_full_disk(small: Path) -> None:
    (small / "state").mkdir()
    fill(small)
    with pytest.raises(SinkError, match=r"full|No space"):
        History(small / "state")
    assert [path.name for path in (small / "state").iterdir() if "damaged" in path.name] == []


async def test_rounds_of_a_full_disk_are_missed_and_said(workshop: Workshop, small: Path) -> None:
    config = CONFIG.replace("state: state", f"state: {small}/state")
    async with workshop.serving(config) as served:
        await served.round()
        filler = await anyio.to_thread.run_sync(fill, small)
        assert (await served.ask("/api/v1/jobs/health/run")).status_code == 202

        async def missed() -> bool:
            job = await served.get("/api/v1/jobs/health")
            return job["busy"] is None and job["missed"] == 1

        await until(missed)
        assert (await served.client.get("/-/ready")).status_code == 503
        assert await served.metric("fleet_service_store_errors_total") >= 1
        page = await served.client.get("/probe", params={"target": workshop.hosts[0]})
        assert page.status_code == 200 and "probe_success 1.0" in page.text
        filler.unlink()
        assert (await served.round())["state"] == "complete"
        assert (await served.client.get("/-/ready")).status_code == 200


async def test_a_disk_that_fills_during_a_run_costs_what_could_not_be_stored(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run fails and is told to have, as soon as that can be written; no target is made up."""
    monkeypatch.setenv("BMC_PASSWORD", "calvin")
    config = CONFIG.replace("state: state", f"state: {small}/state")
    async with Workshop.opened(tmp_path, Fault("hang", match="127.1.0.1"), hosts=4) as workshop:
        slow = config + "    timeouts: {request: 4s, target: 4s}\n    retries: 0\n"
        async with workshop.serving(slow) as served:
            assert (await served.ask("/api/v1/jobs/health/run")).status_code == 202

            async def stored() -> Any:
                runs = (await served.get("/api/v1/runs"))["runs"]
                found = (await served.get("/api/v1/targets", params={"status": "ok"}))["total"]
                return runs[0] if runs and found == 3 else None

            run = (await until(stored))["run"]
            filler = await anyio.to_thread.run_sync(fill, small)

            async def idle() -> bool:
                return (await served.get("/api/v1/jobs/health"))["busy"] is None

            await until(idle)
            assert (await served.client.get("/-/ready")).status_code == 503
            filler.unlink()
            again = await served.round()
            assert again["state"] == "complete" and again["failing"] == 1
            first = await served.get(f"/api/v1/runs/{run}")
            assert (first["state"], first["statuses"]["ok"]) == ("failed", 3) and first["why"]
            (made,) = served.said("store.made_up")
            assert (made["run"], made["state"]) == (run, "failed")
            assert (await served.client.get("/-/ready")).status_code == 200
