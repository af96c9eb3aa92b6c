"""Rounds of jobs: sessions that last, rounds that are missed, reloads, runs that go on after a restart."""

from __future__ import annotations

import io
import time
from typing import NoReturn

import anyio
import pytest
from served import ASKING, CONFIG, Workshop, until

from fleet.observe import configure_logging
from fleet.service import check
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.ready import ReadyJob
from fleet.service.jobs.rounds import Rounds
from fleet.service.jobs.runs import Runs
from fleet.service.store.history import History
from fleet.sim import Fault

pytestmark = pytest.mark.long


async def test_a_round_scans_every_target_and_the_history_says_so(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        run = await served.round()
        assert run["state"] == "complete" and run["statuses"]["ok"] == len(workshop.hosts)
        targets = await served.get("/api/v1/targets")
        assert {target["id"] for target in targets["targets"]} == set(workshop.hosts)
        assert {target["status"] for target in targets["targets"]} == {"ok"}
        outcomes = await served.get(f"/api/v1/runs/{run['run']}/outcomes")
        assert len(outcomes["outcomes"]) == len(workshop.hosts) and outcomes["next"] is None
        assert {outcome["run"] for outcome in outcomes["outcomes"]} == {run["run"]}


async def test_rounds_log_in_once_and_a_service_that_stops_logs_out(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for _ in range(3):
            await served.round()
        assert workshop.total("logins") == len(workshop.hosts)
        assert workshop.total("sessions") == len(workshop.hosts)
        assert await served.metric("fleet_kept_sessions_reused_total") == 2 * len(workshop.hosts)
    assert workshop.total("sessions") == 0


async def test_a_session_that_the_host_forgot_is_opened_anew(workshop: Workshop) -> None:
    async with Workshop.opened(workshop.folder, Fault("token-dies", requests=30), hosts=4) as forgetful:
        async with forgetful.serving() as served:
            for _ in range(6):
                assert (await served.round())["statuses"]["ok"] == 4
            assert 4 < forgetful.total("logins") < 6 * 4
            assert forgetful.total("failed_logins") == 0
        assert forgetful.total("sessions") == 0


async def test_sessions_are_not_kept_where_that_is_not_wanted(workshop: Workshop) -> None:
    async with workshop.serving(CONFIG + "sessions: {keep: false}\n") as served:
        await served.round()
        assert workshop.total("sessions") == 0


async def test_a_password_that_was_refused_is_not_sent_again_by_the_next_round(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMC_PASSWORD", "wrong")
    async with workshop.serving() as served:
        first = await served.round()
        refused = workshop.total("failed_logins")
        assert first["statuses"]["failed"] >= 1 and refused >= 1
        await served.round()
        assert workshop.total("failed_logins") == refused


async def test_a_busy_job_is_not_begun_again(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("slow", seconds=0.5), hosts=2) as slow,
        slow.serving() as served,
    ):
        assert (await served.ask("/api/v1/jobs/health/run")).status_code == 202
        again = await served.ask("/api/v1/jobs/health/run")
        assert again.status_code == 409 and "busy" in again.json()["error"]


async def test_a_round_that_is_due_while_the_last_one_runs_is_missed_and_counted(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("slow", seconds=1), hosts=2) as slow,
        slow.serving(slow.config + "    every: 500ms\n") as served,
    ):
        job = await until(lambda: _missed(served))
        assert job["missed"] >= 1
        assert await served.metric('fleet_job_missed_rounds_total{fleet_job="health"}') >= 1
        assert len(job["running"]) <= 1


async def test_a_schedule_begins_rounds_by_itself(workshop: Workshop) -> None:
    async with workshop.serving(workshop.config + "    every: 1s\n") as served:

        async def twice() -> bool:
            runs = (await served.get("/api/v1/runs"))["runs"]
            return sum(run["state"] == "complete" for run in runs) >= 2

        await until(twice)
        assert {run["cause"] for run in (await served.get("/api/v1/runs"))["runs"]} == {"schedule"}


async def test_targets_that_leave_the_inventory_are_forgotten(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        await served.round()
        kept = workshop.sim.entries[:1]
        workshop.write("hosts.txt", "".join(f"{entry.line}\n" for entry in kept))
        await until(lambda: _as_many(served, 1))
        gone = await served.client.get("/probe", params={"target": workshop.hosts[3]})
        assert gone.status_code == 403
        assert (await served.round())["gone"] == 3
        assert served.said("inventory.changed")[0]["removed"] == 3


async def test_a_config_that_cannot_be_used_leaves_the_old_one_in_force(workshop: Workshop) -> None:
    async with workshop.serving(CONFIG.replace("100ms", "1h")) as served:
        workshop.write("serve.yaml", CONFIG.replace("inventory", "inventroy"))
        refused = await served.client.post("/-/reload")
        assert refused.status_code == 500
        assert "did you mean 'inventory'?" in refused.text and "serve.yaml:9" in refused.text
        assert await served.metric("fleet_service_config_last_reload_successful") == 0
        assert (await served.round())["state"] == "complete"

        workshop.write("serve.yaml", CONFIG.replace("100ms", "1h").replace("health:", "other:", 1))
        assert (await served.client.post("/-/reload")).status_code == 200
        assert await served.metric("fleet_service_config_last_reload_successful") == 1
        assert [job["job"] for job in (await served.get("/api/v1/jobs"))["jobs"]] == ["other"]


@pytest.mark.parametrize("place", ["~no such user/hosts.txt", "x" * 300, '"a\\0b"'])
async def test_a_path_of_no_use_in_a_config_ends_no_service(workshop: Workshop, place: str) -> None:
    config = workshop.config.replace("100ms", "1h")
    async with workshop.serving(config) as served:
        workshop.write("serve.yaml", config.replace("hosts.txt", place))
        assert (await served.client.post("/-/reload")).status_code == 500
        assert served.said("config.refused")[-1]["why"]
        assert (await served.round())["state"] == "complete"


async def test_a_changed_file_is_taken_up_and_a_bad_one_is_said_once(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        workshop.write("serve.yaml", "jobs: 3")
        await until(lambda: _said(served, "config.refused"))
        workshop.write("serve.yaml", workshop.config.replace("health:", "renamed:", 1))
        await until(lambda: _said(served, "config.reloaded"))
        assert len(served.said("config.refused")) == 1
        assert [job["job"] for job in (await served.get("/api/v1/jobs"))["jobs"]] == ["renamed"]


async def test_what_takes_a_restart_says_so(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        workshop.write("serve.yaml", workshop.config.replace("state: state", "state: elsewhere"))
        refused = await served.client.post("/-/reload")
        assert refused.status_code == 500 and "takes a restart" in refused.text


async def test_a_stopped_run_goes_on_after_a_restart_and_meets_every_target_once(workshop: Workshop) -> None:
    slow = Fault("slow", seconds=0.1)
    async with Workshop.opened(workshop.folder, slow, hosts=8) as fleet:
        config = fleet.config.replace("state: state", "state: again") + "    concurrency: 2\n"
        async with fleet.serving(config.replace("grace: 5s", "grace: 100ms")) as served:
            await served.ask("/api/v1/jobs/health/run")
            await until(lambda: _some_done(served))
        async with fleet.serving(config) as served:
            run = await until(lambda: _complete(served))
            assert run["statuses"] == {"ok": 8, "partial": 0, "failed": 0, "skipped": 0}
            runs = (await served.get("/api/v1/runs"))["runs"]
            assert len(runs) == 1
            outcomes = await served.get(f"/api/v1/runs/{run['run']}/outcomes?status=ok")
            ids = [outcome["id"] for outcome in outcomes["outcomes"]]
            assert len(ids) == 8 and set(ids) == set(fleet.hosts)


@pytest.mark.parametrize("left", [None, ".manifest.json.1.new"])
async def test_a_run_that_was_killed_before_it_began_begins_after_a_restart(
    workshop: Workshop, left: str | None
) -> None:
    async with workshop.serving(workshop.config):
        pass

    def killed() -> None:
        state = workshop.folder / "state"
        run = state / "runs" / "health" / "20261129-1621-q85"
        history = History(state)
        history.begin_run(run.name, "health", "health", run, "request", time.time())
        history.close()
        if left is not None:
            run.mkdir(parents=True)
            (run / left).touch()

    await anyio.to_thread.run_sync(killed)
    async with workshop.serving(workshop.config) as served:
        run = await until(lambda: _complete(served))
        assert run["run"] == "20261129-1621-q85"
        assert run["statuses"]["ok"] == len(workshop.hosts)


async def test_rounds_that_were_due_while_the_service_was_down_are_counted_once(workshop: Workshop) -> None:
    config = workshop.config + "    cron: '* * * * *'\n"
    async with workshop.serving(config):
        pass

    def an_hour_ago() -> None:
        history = History(workshop.folder / "state")
        history.note_slot("health", time.time() - 3600, 0)
        history.close()

    await anyio.to_thread.run_sync(an_hour_ago)
    async with workshop.serving(config) as served:
        missed = (await served.get("/api/v1/jobs/health"))["missed"]
        assert 59 <= missed <= 61
        workshop.write("serve.yaml", config.replace("'* * * * *'", "'*/2 * * * *'"))
        assert (await served.client.post("/-/reload")).status_code == 200
        assert (await served.get("/api/v1/jobs/health"))["missed"] <= missed + 1


async def test_a_round_that_is_asked_for_at_once_is_not_taken_for_one_that_was_left(
    workshop: Workshop,
) -> None:
    async with Workshop.opened(workshop.folder, Fault("slow", seconds=0.3), hosts=2) as slow:
        for _ in range(3):
            async with slow.serving() as served:
                assert (await served.ask("/api/v1/jobs/health/run")).status_code in (202, 409)
                assert len((await served.get("/api/v1/jobs/health"))["running"]) <= 1
        assert served.said("run.failed") == []


async def test_old_runs_are_deleted_with_their_directories(workshop: Workshop) -> None:
    async with workshop.serving(workshop.config + "    retention: {runs: 2}\n") as served:
        names = [(await served.round())["run"] for _ in range(4)]
        kept = [run["run"] for run in (await served.get("/api/v1/runs"))["runs"]]
        assert kept == names[:1:-1]
        found = await anyio.to_thread.run_sync(
            lambda: list((workshop.folder / "state/runs/health").iterdir())
        )
        assert {path.name for path in found} == set(kept)


async def test_runs_of_a_job_that_is_no_longer_configured_are_deleted_too(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for _ in range(2):
            assert (await served.round())["state"] == "complete"
    config = workshop.config.replace("  health:", "  other:") + "retention: {runs: 1}\n"
    async with workshop.serving(config) as served:

        async def left() -> list[str] | None:
            runs = (await served.get("/api/v1/runs"))["runs"]
            return [run["job"] for run in runs] if len(runs) < 2 else None

        assert await until(left) == ["health"]
    async with workshop.serving(config.replace("runs: 1", "age: 1ms")) as served:

        async def forgotten() -> bool:
            return not (await served.get("/api/v1/runs"))["runs"]

        await until(forgotten)
        home = workshop.folder / "state/runs"
        history = served.service.desk.history
        await until(lambda: anyio.to_thread.run_sync(lambda: not list(home.iterdir())))
        assert await anyio.to_thread.run_sync(history.jobs) == []


async def test_a_run_that_outlasts_its_deadline_is_given_up(workshop: Workshop) -> None:
    async with Workshop.opened(workshop.folder, Fault("slow", seconds=5), hosts=2) as slow:
        config = slow.config.replace("grace: 5s", "grace: 100ms") + "    deadline: 100ms\n"
        async with slow.serving(config) as served:
            run = await served.round()
            assert run["state"] == "abandoned" and "deadline" in run["why"]


async def test_a_clock_that_is_set_back_does_not_stop_the_rounds(workshop: Workshop) -> None:
    day = 86400.0
    path = workshop.write("serve.yaml", workshop.config + "    every: 1m\n")
    ready = await anyio.to_thread.run_sync(check, path)
    history = await anyio.to_thread.run_sync(History, workshop.folder / "state")
    clock, steady = [1_800_000_000.0], [100.0]
    log = configure_logging(stream=io.StringIO(), form="json")
    desk = Desk(ready, history, log, None)
    rounds = Rounds(history, desk.runs, desk.hub, log, wall=lambda: clock[0], steady=lambda: steady[0])
    await rounds.adopt(ready)
    clock[0], steady[0] = clock[0] + 30, steady[0] + 30
    rounds.look_at_clock()
    assert rounds.due["health"] == 1_800_000_000.0  # at once
    clock[0], steady[0] = clock[0] - day, steady[0] + 1
    rounds.look_at_clock()
    assert clock[0] < rounds.due["health"] <= clock[0] + 60
    await anyio.to_thread.run_sync(history.close)


class Buggy(Runs):
    """Runs that a bug ends."""

    async def begin(self, job: ReadyJob, pipeline: str, cause: str) -> NoReturn:
        raise ZeroDivisionError("a bug")


async def test_a_bug_ends_its_round_and_neither_the_service_nor_other_rounds(workshop: Workshop) -> None:
    path = workshop.write("serve.yaml", workshop.config + "    every: 1h\n")
    ready = await anyio.to_thread.run_sync(check, path)
    history = await anyio.to_thread.run_sync(History, workshop.folder / "state")
    said = io.StringIO()
    log = configure_logging(stream=said, form="json")
    desk = Desk(ready, history, log, None)
    runs = Buggy(history, desk.access, desk.hub, grace=1.0, taken=lambda *_: None)
    rounds = Rounds(history, runs, desk.hub, log)
    await rounds.adopt(ready)
    async with anyio.create_task_group() as group:
        await group.start(rounds.serve)

        async def rests(missed: int) -> bool:
            return rounds.missed["health"] == missed and not rounds.busy

        await until(lambda: rests(1))
        assert rounds.ask(ready.jobs["health"])
        await until(lambda: rests(2))
        rounds.stop()
    assert said.getvalue().count('"round.crashed"') == 2 and "ZeroDivisionError: a bug" in said.getvalue()
    await anyio.to_thread.run_sync(history.close)


async def test_another_site_cannot_begin_a_round(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for headers in (
            {},
            {**ASKING, "Origin": "https://evil.example"},
            {**ASKING, "Origin": "null"},
            {**ASKING, "Sec-Fetch-Site": "cross-site"},
        ):
            reply = await served.client.post("/api/v1/jobs/health/run", headers=headers)
            assert reply.status_code == 403
        reload = await served.client.post("/-/reload", headers={"Origin": "https://evil.example"})
        assert reload.status_code == 403
        own = str(served.client.base_url).rstrip("/")
        reply = await served.client.post("/api/v1/jobs/health/run", headers={"Origin": own})
        assert reply.status_code == 202


async def _missed(served: object) -> object:
    job = await served.get("/api/v1/jobs/health")  # type: ignore[attr-defined]
    return job if job["missed"] else None


async def _as_many(served: object, count: int) -> bool:
    return (await served.get("/api/v1/status"))["targets"] == count  # type: ignore[attr-defined]


async def _said(served: object, event: str) -> object:
    return served.said(event)  # type: ignore[attr-defined]


async def _some_done(served: object) -> bool:
    runs = (await served.get("/api/v1/runs"))["runs"]  # type: ignore[attr-defined]
    return bool(runs) and 0 < sum(runs[0]["statuses"].values()) < 8


async def _complete(served: object) -> object:
    runs = (await served.get("/api/v1/runs"))["runs"]  # type: ignore[attr-defined]
    return runs[0] if runs and runs[0]["state"] == "complete" else None
