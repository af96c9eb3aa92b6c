"""Two services that divide one inventory: no target is polled by both, and none by neither."""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from fleet_process import PATIENCE, Place
from fleet_service import Service, fleet_of, until

HOSTS, FIRST = 40, 24  # with a port of chance in their names: so many that no part is ever empty


@pytest.fixture
def replicas(place: Place, tmp_path_factory: pytest.TempPathFactory) -> list[Service]:
    """Each with a directory of its own, as a pod has, and the same inventory."""
    services = []
    for number in range(2):
        folder = tmp_path_factory.mktemp(f"fleet-{number}")
        for name in ("hosts.txt", "ca.pem"):
            (folder / name).symlink_to(place.folder / name)
        services.append(Service(Place(folder), more="shard: hostname/2\n"))
    return services


def polled(service: Service) -> set[str]:
    """The targets that a round has asked."""
    known = len(service.json("/api/v1/runs")["runs"])
    assert service.post("/api/v1/jobs/health/run") == 202

    def ended() -> str | None:
        runs = service.json("/api/v1/runs")["runs"]
        return runs[0]["run"] if len(runs) > known and runs[0]["state"] == "complete" else None

    outcomes = service.json(f"/api/v1/runs/{until(ended)}/outcomes")["outcomes"]
    assert {outcome["status"] for outcome in outcomes} == {"ok"}
    return {outcome["id"] for outcome in outcomes}


def discovered(service: Service) -> set[str]:
    return {target for group in service.json("/sd") for target in group["targets"]}


def probed(service: Service, target: str) -> tuple[int, str]:
    try:
        url = f"{service.url}/probe?target={quote(target, safe='')}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_replicas_poll_disjoint_parts_that_are_the_whole(place: Place, replicas: list[Service]) -> None:
    with fleet_of(place, HOSTS), ExitStack() as stack:
        for number, service in enumerate(replicas):
            stack.enter_context(service.running({"HOSTNAME": f"fleet-{number}"}))
        lines = (place.folder / "hosts.txt").read_text().splitlines(keepends=True)
        for part in (lines[:FIRST], lines):  # the inventory grows while they serve
            swap(place.folder / "hosts.txt", "".join(part))
            wanted = {line.split()[0] for line in part}
            until(lambda: sum(len(discovered(service)) for service in replicas) == len(wanted))  # noqa: B023
            one, other = (polled(service) for service in replicas)
            assert one | other == wanted and not one & other and one and other
            assert [discovered(service) for service in replicas] == [one, other]
        for target, asked, says in ((min(other), replicas[0], "0/2"), (min(one), replicas[1], "1/2")):
            status, text = probed(asked, target)
            assert status == 403 and f"part {says}" in text and "another part may have it" in text
        assert probed(replicas[0], min(one))[0] == probed(replicas[1], min(other))[0] == 200


def swap(path: Path, text: str) -> None:
    """A file that is another one, as whoever mounts it makes it."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)
