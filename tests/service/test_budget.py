"""The budget: what rounds and probes ask at once, each from a part of its own."""

from __future__ import annotations

import anyio
import pytest
from served import CONFIG, Served, Workshop, until

from fleet.sim import Fault

pytestmark = pytest.mark.long

OTHER = """
  other:
    pipelines: [thermal_power]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
"""


async def used(served: Served, what: str, part: str = "rounds") -> float:
    return await served.metric(f'fleet_service_budget{what}{{part="{part}"}}')


async def test_two_jobs_share_the_part_of_the_rounds_and_leave_probes_theirs(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("slow", seconds=0.3), hosts=5) as slow,
        slow.serving(CONFIG + OTHER + "concurrency: 3\nprobe: {concurrency: 1}\n") as served,
    ):
        for job in ("health", "other"):
            await served.ask(f"/api/v1/jobs/{job}/run")

        async def crowded() -> bool:
            assert await used(served, "_used") <= 2
            return await used(served, "_waiting") > 0

        await until(crowded)
        probed = await served.client.get("/probe", params={"target": slow.hosts[-1], "job": "other"})
        assert probed.status_code == 200 and "\nprobe_success 1.0" in probed.text

        async def idle() -> bool:
            assert await used(served, "_used") <= 2
            return all(job["busy"] is None for job in (await served.get("/api/v1/jobs"))["jobs"])

        await until(idle)
        assert await used(served, "_used") == await used(served, "_waiting") == 0


async def test_a_probe_of_a_target_that_a_round_asks_gets_the_answer_of_the_round(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("slow", seconds=0.5), hosts=1) as slow,
        slow.serving() as served,
    ):
        await served.ask("/api/v1/jobs/health/run")
        await until(lambda: _in_hand(served))
        probed = await served.client.get("/probe", params={"target": slow.hosts[0]})
        assert "\nprobe_success 1.0" in probed.text and "\nfleet_probe_age_seconds 0.0" in probed.text
        assert served.service.desk.prober.joined == 1
        assert slow.total("logins") == 1


async def test_a_round_that_meets_a_target_of_a_probe_asks_it_afterwards(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("slow", seconds=0.3), hosts=1) as slow,
        slow.serving() as served,
        anyio.create_task_group() as group,
    ):
        group.start_soon(lambda: served.client.get("/probe", params={"target": slow.hosts[0]}))

        async def probing() -> bool:
            return await used(served, "_used", "probes") == 1

        await until(probing)
        assert (await served.round())["statuses"]["ok"] == 1
        assert slow.total("logins") == 1


async def test_how_many_at_once_is_found_and_remembered_from_round_to_round(workshop: Workshop) -> None:
    fixed = OTHER + "    concurrency: 5\n"
    async with workshop.serving(CONFIG + fixed) as served:
        desk = served.service.desk
        health, other = desk.ready.jobs["health"], desk.ready.jobs["other"]
        await served.round()
        found = desk.access.governor(health, "health")
        await served.round()
        assert found is not None and desk.access.governor(health, "health") is found
        assert desk.access.governor(other, "thermal_power") is None
        assert (await served.round("other"))["statuses"]["ok"] == len(workshop.hosts)


async def test_a_reload_divides_the_budget_anew(workshop: Workshop) -> None:
    async with workshop.serving(CONFIG + "concurrency: 100\n") as served:
        assert (await used(served, ""), await used(served, "", "probes")) == (75, 25)
        workshop.write("serve.yaml", CONFIG + "concurrency: 10\nprobe: {concurrency: 4}\n")
        assert (await served.client.post("/-/reload")).status_code == 200
        assert (await used(served, ""), await used(served, "", "probes")) == (6, 4)
        assert (await served.round())["statuses"]["ok"] == len(workshop.hosts)


async def _in_hand(served: Served) -> bool:
    runs = (await served.get("/api/v1/status"))["running"]
    return any(served.service.desk.runs.live[run].tally.in_flight for run in runs)
