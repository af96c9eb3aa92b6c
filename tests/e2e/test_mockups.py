"""The standards body's own samples and descriptions, through the command line and real sockets."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet_process import SPEC, Ended, Place, Simulator, kinds

SCHEMAS = "http://redfish.dmtf.org/schemas/v1/"
MOCKUPS = ("rackmount1", "tower", "bladed", "catfish")
# Counted by hand in the samples: all rows, those of empty slots too.
GOLDEN: dict[str, dict[str, int]] = {
    "rackmount1": {"system": 1, "chassis": 1, "manager": 1, "processor": 3, "memory": 4, "nic": 4}
    | {"storage": 0, "drive": 4, "firmware": 3}
    | {"temperature": 2, "fan": 4, "power_supply": 2, "voltage": 2, "sensor": 41},
    "tower": {"system": 1, "processor": 10, "memory": 16, "nic": 2, "storage": 4, "controller": 5}
    | {"volume": 7, "drive": 18, "adapter": 1, "firmware": 2}
    | {"temperature": 2, "fan": 4, "power_supply": 2, "sensor": 35},
    "bladed": {"system": 4, "chassis": 5, "manager": 5, "processor": 4, "drive": 8, "firmware": 0}
    | {"temperature": 5, "fan": 8, "power_supply": 2},
    "catfish": {"system": 1, "chassis": 1, "manager": 1, "processor": 0, "memory": 0, "drive": 0}
    | {"temperature": 4, "fan": 2, "power_supply": 0, "consumption": 1, "firmware": 0},
}
ABSENT = {("rackmount1", "processor"): 1, ("rackmount1", "memory"): 1}
ABSENT |= {("tower", "memory"): 8, ("tower", "drive"): 8}


@pytest.fixture(scope="module")
def served(module_place: Place, data: Path) -> Iterator[tuple[Place, Simulator, dict[str, str]]]:
    """The four samples, each at an address of its own: base URLs by name."""
    place = module_place
    mockups = data / "redfish-2025.4" / "mockups"
    trees = [argument for name in MOCKUPS for argument in ("--tree", mockups / f"public-{name}")]
    with place.simulator("--hosts", len(MOCKUPS), *trees, "--write-hosts", "hosts.txt") as simulator:
        urls = {host["tree"].removeprefix("public-"): host["url"] for host in simulator.hosts()}
        assert set(urls) == set(MOCKUPS)
        yield place, simulator, urls


def rows(outcome: dict[str, Any]) -> dict[str, int]:
    return {name: len(step["rows"]) for name, step in outcome["steps"].items()}


@pytest.fixture(scope="module")
def scanned(served: Any) -> dict[str, dict[str, Any]]:
    """One scan for what the pipelines inventory, thermal_power and firmware ask for, by sample."""
    place, _, urls = served
    names = dict.fromkeys(step for wanted in GOLDEN.values() for step in wanted)
    pipeline = f"pipelines:\n  all: {{steps: [{', '.join(names)}]}}\n"
    ended = place.scan("hosts.txt", "--spec", place.spec("all.yaml", ("pipelines:\n", pipeline)), "-p", "all")
    assert ended.status == 0, ended.err
    outcomes = place.outcomes()
    return {name: outcomes[url] for name, url in urls.items()}


@pytest.mark.parametrize("name", MOCKUPS)
def test_golden_counts(scanned: dict[str, dict[str, Any]], name: str) -> None:
    outcome, wanted = scanned[name], GOLDEN[name]
    counted = rows(outcome)
    assert {step: counted[step] for step in wanted} == wanted
    assert outcome["status"] == "ok", outcome["errors"]
    for (sample, step), absent in ABSENT.items():
        if sample == name:
            states = [row["state"] for row in outcome["steps"][step]["rows"]]
            assert states.count("Absent") == absent


def test_foreign_links_are_reported_and_never_contacted(place: Place, data: Path) -> None:
    """The sample's outlets are on another machine. Here that is one that listens."""
    sample = data / "redfish-2025.4" / "mockups" / "public-rackmount1"
    with socket.create_server(("127.8.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0)
        port = elsewhere.getsockname()[1]
        for source in sample.rglob("index.json"):
            copy = place.folder / "tree" / source.relative_to(sample)
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            copy.write_text(re.sub(r"https://redfishpdu\.contoso\.com", f"http://127.8.0.1:{port}", text))
        steps = "steps:\n  outlet: {from: power_supply, follow: Links.Outlet}\n"
        pipelines = "pipelines:\n  outlets: {steps: [power_supply, outlet]}\n"
        spec = place.spec("outlets.yaml", ("steps:\n", steps), ("pipelines:\n", pipelines))
        with place.simulator("--hosts", 1, "--tree", "tree", "--write-hosts", "hosts.txt"):
            ended = place.scan("hosts.txt", "--spec", spec, "--pipeline", "outlets")
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    (outcome,) = place.outcomes().values()
    assert (outcome["status"], kinds(outcome)) == ("partial", ["link.foreign"])
    assert "link.foreign" in ended.err


def test_next_link_loops_end(served: Any) -> None:
    """The samples' logs name a next page that a static server answers with the same page."""
    place, simulator, urls = served
    steps = (
        "steps:\n  logs: {from: system, follow: LogServices, collection: true, optional: [404]}\n"
        "  entry: {from: logs, follow: Entries, collection: true, outputs: {id: Id}}\n"
    )
    spec = place.spec(
        "logs.yaml",
        ("steps:\n", steps),
        ("pipelines:\n", "pipelines:\n  logs: {steps: [logs, entry]}\n"),
    )
    before = simulator.total("requests")
    place.scan(urls["rackmount1"], "--spec", spec, "--pipeline", "logs", run="logs")
    (outcome,) = place.outcomes("logs").values()
    assert kinds(outcome) == ["link.limit"]
    assert rows(outcome)["entry"] > 0
    assert not outcome["steps"]["entry"]["complete"]
    assert simulator.total("requests") - before < 30


def published(place: Place, data: Path) -> str:
    """The spec over the published description of 2021.4 and its own files."""
    files = data / "redfish-2021.4" / "openapi"
    refs = f"refs:\n  {SCHEMAS}: {files}/\n  {SCHEMAS.replace('schemas/', 'schemas/swordfish/')}: {files}/\n"
    change = ("api: openapi/redfish.yaml\n", f"api: {files}/openapi.yaml\n{refs}")
    return place.spec("published.yaml", change)


def newer(place: Place, data: Path) -> str:
    """The spec over our own description, whose schemas are the published files of 2025.4."""
    files = data / "redfish-2025.4" / "openapi"
    description = (SPEC.parent / "openapi" / "redfish.yaml").read_text(encoding="utf-8")
    names = {
        name
        for name in re.findall(r"#/components/schemas/(\w+)'", description)
        if (files / f"{name}.yaml").exists() and name != "Resource"
    }
    assert len(names) > 20
    for name in names:
        description = description.replace(
            f"'#/components/schemas/{name}'", f"'{SCHEMAS}{name}.yaml#/components/schemas/{name}_{name}'"
        )
    place.write("newer-api.yaml", description)
    swordfish = SCHEMAS.replace("schemas/", "schemas/swordfish/")
    refs = f"refs:\n  {SCHEMAS}: {files}/\n  {swordfish}: {files}/\n"
    return place.spec("newer.yaml", ("api: openapi/redfish.yaml\n", f"api: newer-api.yaml\n{refs}"))


@pytest.fixture(scope="module")
def runs(served: Any, data: Path) -> dict[str, Ended]:
    """Each description used for all samples, by run; the older one with an empty cache, and once more."""
    place, _, _ = served
    specs = {"published": published(place, data), "newer": newer(place, data)}
    specs["published-warm"] = specs["published"]
    return {run: place.scan("hosts.txt", "--spec", spec, run=run) for run, spec in specs.items()}


@pytest.mark.parametrize("name", ["published", "published-warm", "newer"])
def test_published_descriptions_give_the_same_rows(served: Any, runs: dict[str, Ended], name: str) -> None:
    place, _, urls = served
    assert runs[name].status == 0, runs[name].err
    outcomes = place.outcomes(name)
    for sample, url in urls.items():
        counted = rows(outcomes[url])
        wanted = {step: count for step, count in GOLDEN[sample].items() if step in counted}
        assert len(wanted) >= 5
        assert {step: counted[step] for step in wanted} == wanted
        assert outcomes[url]["status"] == "ok"


@pytest.mark.parametrize("name", ["published", "newer"])
def test_answers_are_judged_by_them(served: Any, runs: dict[str, Ended], name: str) -> None:
    """Even the samples do not fit the schemas of their own publisher; that loses no data."""
    place, _, urls = served
    assert runs[name].status == 0
    found = place.outcomes(name)[urls["tower"]]["violations"]
    assert found
    assert all(violation["rule"] and violation["uri"].startswith("/redfish/v1/") for violation in found)


@pytest.mark.parametrize("name", ["published", "published-warm", "newer"])
def test_missing_files_are_reported_once(served: Any, runs: dict[str, Ended], name: str) -> None:
    told = re.findall(r".*referenced files? .*missing.*", runs[name].err)
    assert len(told) == 1, runs[name].err


def test_a_warm_start_reads_the_cache_alone(served: Any, runs: dict[str, Ended]) -> None:
    place, _, _ = served
    kept = [
        path for path in (place.folder / "home" / "cache" / "fleet" / "trees").rglob("*") if path.is_file()
    ]
    assert len(kept) > 10
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    made = {path: path.stat().st_mtime_ns for path in kept}
    assert place.scan("hosts.txt", "--spec", "published.yaml", "--limit", 1, run="again").status == 0
    assert made == {path: path.stat().st_mtime_ns for path in made}, "nothing was parsed and kept anew"
    assert runs["published-warm"].cpu < runs["published"].cpu


def test_a_dry_run_names_the_plan_and_opens_nothing(served: Any) -> None:
    place, simulator, _ = served
    before = simulator.total("accepted")
    ended = place.fleet("scan", "hosts.txt", "--dry-run")
    assert ended.status == 0
    assert ended.out.rstrip().endswith("no socket was opened")
    assert simulator.total("accepted") == before
