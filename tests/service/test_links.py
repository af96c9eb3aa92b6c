"""Links that are remembered: later rounds ask for data alone, and a stale link is never an outcome."""

from __future__ import annotations

from pathlib import Path

from served import Workshop

from fleet.client import Reply
from fleet.outcome import Failure, FailureKind, Outcome, Skipped
from fleet.service.jobs.topology import Topology
from fleet.sim import SimOptions, SimulatedFleet
from fleet.target import Target

SPEC = """
fleet: "1"
info: {title: Leaves, version: "1"}
api: DESCRIPTION
dialect: {link: '"@odata.id"', items: Members, next: '"Members@odata.nextLink"'}
steps:
  root: {operation: getServiceRoot, anonymous: true}
  chassis: {from: root, follow: Chassis, collection: true, outputs: {name: Name}}
  subsystem: {from: chassis, follow: ThermalSubsystem}
  temperature:
    from: subsystem
    follow: ThermalMetrics
    outputs: {count: "length(TemperatureReadingsCelsius)"}
  reading:
    from: metrics
    items: TemperatureReadingsCelsius
    outputs: {celsius: Reading}
  metrics: {from: subsystem, follow: ThermalMetrics}
pipelines:
  leaves: {default: true, steps: [temperature]}
  inline: {steps: [reading]}
"""
CONFIG = """
listen: ["127.0.0.1:0"]
jobs:
  leaves:
    spec: leaves.yaml
    inventory: [hosts.txt]
    scheme: http
    LINKS
"""
ROOT = Path(__file__).parents[2]


async def rounds(folder: Path, links: str, count: int, step: str = "temperature") -> list[int]:
    """The requests of each round, in each of which every host gives rows of a step."""
    described = next((ROOT / "configs" / "openapi").glob("*edfish*"))
    async with SimulatedFleet(SimOptions(hosts=3, expand=False)) as sim:
        shop = Workshop(folder, sim)
        shop.write("leaves.yaml", SPEC.replace("DESCRIPTION", str(described)))
        shop.write("hosts.txt", "".join(f"{host}\n" for host in sim.hosts))
        asked: list[int] = []
        seen = 0
        async with shop.serving(CONFIG.replace("LINKS", links)) as served:
            for _ in range(count):
                run = await served.round("leaves")
                asked.append(shop.total("requests") - seen)
                seen = shop.total("requests")
            outcomes = await served.get(f"/api/v1/runs/{run['run']}/outcomes")
            assert {outcome["status"] for outcome in outcomes["outcomes"]} == {"ok"}, outcomes
            for outcome in outcomes["outcomes"]:
                assert outcome["steps"][step]["rows"]
        return asked


async def test_later_rounds_ask_for_leaves_alone(tmp_path: Path) -> None:
    assert await rounds(tmp_path, "links: 10m", 3) == [3 * 5, 3, 3]


async def test_every_round_walks_from_the_root_where_links_are_not_remembered(tmp_path: Path) -> None:
    assert await rounds(tmp_path, "", 2) == [3 * 5] * 2


async def test_links_expire(tmp_path: Path) -> None:
    assert await rounds(tmp_path, "links: 1ms", 3) == [3 * 5] * 3


async def test_what_data_is_taken_out_of_is_asked_for_whether_or_not_it_is_listed(tmp_path: Path) -> None:
    asked = await rounds(tmp_path, "links: 10m\n    pipelines: [inline]", 3, step="reading")
    assert asked == [3 * 5, 3, 3]


def outcome(*missing: str, skipped: str | None = None) -> Outcome:
    """The outcome of a walk that met these URIs not to be there."""
    errors = tuple(Failure(FailureKind.HTTP_NOT_FOUND, "404", uri=uri) for uri in missing)
    skips = (Skipped("s", "404", skipped),) if skipped is not None else ()
    return Outcome(
        "r", "t", "https://t", "partial" if errors else "ok", "", 0.0, errors=errors, skipped=skips
    )


async def walks(topology: Topology, *given: Outcome) -> list[Outcome]:
    """What comes of targets that are walked once for each outcome wanted; `given` is what each walk meets."""
    met = list(given)
    found = []

    async def probe(target: Target) -> Outcome:
        links = topology.of(target)
        if links.recall("/a") is None:
            links.note("/a", Reply(200, (), b"{}"))
        return met.pop(0)

    while met:
        found.append(await topology.walked(probe)(Target("t", "https://t")))
    return found


async def test_a_link_that_leads_nowhere_any_more_is_walked_anew_at_once() -> None:
    for stale in (outcome("/b"), outcome(skipped="/b")):
        assert await walks(Topology(60.0), outcome(), stale, outcome()) == [outcome(), outcome()]


async def test_what_is_always_missing_costs_no_second_walk() -> None:
    lacking = outcome("/b")
    assert await walks(Topology(60.0), lacking, lacking, lacking) == [lacking] * 3


async def test_what_is_remembered_is_bounded() -> None:
    topology = Topology(60.0, most=10_000)
    for number in range(100):
        links = topology.of(Target(f"t{number}", f"https://t{number}"))
        links.note("/a", Reply(200, (), b"x" * 1000))
    assert len(topology) < 10 and topology.of(Target("t99", "https://t99")).recall("/a") is not None


async def test_a_walk_whose_links_were_forgotten_takes_no_room_from_others() -> None:
    topology = Topology(60.0, most=10_000)
    slow = topology.of(Target("slow", "https://slow"))
    for number in range(10):
        topology.of(Target(f"t{number}", "https://t")).note("/a", Reply(200, (), b"x" * 1000))
    for number in range(100):  # it goes on, and nobody will find what it notes
        slow.note(f"/{number}", Reply(200, (), b"x" * 1000))
    for number in range(4):
        topology.of(Target(f"n{number}", "https://n")).note("/a", Reply(200, (), b"x" * 1000))
    assert all(topology.of(Target(f"n{number}", "https://n")).known for number in range(4))
