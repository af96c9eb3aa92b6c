"""sushy-tools: a Redfish service that nobody here wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fleet_process import Place, kinds
from ports import free_port

BIN = Path(sys.executable).parent
USER, PASSWORD = "admin", "s3cret-Pass"
FIRST, SECOND = "8dbe91da-8002-4d61-a56d-1f616fc1fa01", "8dbe91da-8002-4d61-a56d-1f616fc1fa02"
SYSTEMS = [
    {"uuid": FIRST, "name": "node-1", "power_state": "Off", "external_notifier": True}
    | {"nics": [{"mac": "00:5c:52:31:3a:9c", "ip": "172.22.0.100"}]},
    {"uuid": SECOND, "name": "node-2", "power_state": "On", "external_notifier": True, "nics": []},
]
PLAIN = "--allow-plaintext-credentials"  # it speaks plain HTTP here


@contextmanager
def running(place: Place, program: str, *arguments: object) -> Iterator[None]:
    """A server of sushy-tools, once it says that it listens; skips where it is not installed."""
    if not (BIN / program).exists():
        pytest.skip(f"needs {program} (pip install sushy-tools)")
    with subprocess.Popen(
        [BIN / program, *map(str, arguments)],
        cwd=place.folder,
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "Running on" in line:
                    break
            else:
                pytest.fail(f"{program} did not start: {''.join(said)}")
            yield
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture(scope="module")
def emulator(module_place: Place) -> Iterator[tuple[Place, str]]:
    """The emulator with a configuration: two systems, Basic authentication. Its address."""
    bcrypt = pytest.importorskip("bcrypt", reason="needs bcrypt for the emulator's password file")
    place, port = module_place, free_port("127.9.0.1")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    place.write("htpasswd", f"{USER}:{hashed}\n")
    settings = {
        "SUSHY_EMULATOR_LISTEN_IP": "127.9.0.1",
        "SUSHY_EMULATOR_LISTEN_PORT": port,
        "SUSHY_EMULATOR_FAKE_DRIVER": True,
        "SUSHY_EMULATOR_FAKE_SYSTEMS": SYSTEMS,
        "SUSHY_EMULATOR_AUTH_FILE": str(place.folder / "htpasswd"),
        "SUSHY_EMULATOR_STATE_DIR": str(place.folder),
    }
    place.write("emulator.conf", "".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    place.write("auths.yaml", f"auths:\n  lab: {{username: {USER}, password: env:PASSWORD}}\n")
    place.env["PASSWORD"] = PASSWORD
    with running(place, "sushy-emulator", "--config", place.folder / "emulator.conf"):
        yield place, f"http://127.9.0.1:{port}"


@pytest.fixture(scope="module")
def inventoried(emulator: tuple[Place, str]) -> dict[str, Any]:
    place, url = emulator
    # It links its processors only where it has any; asked for all the same, it answers 501.
    asked = "  asked:\n    from: system\n"
    asked += "    operation: GET /redfish/v1/Systems/{ComputerSystemId}/Processors\n"
    asked += "    parameters: {ComputerSystemId: {expr: Id}}\n    collection: true\n"
    steps = "system, nic, storage, drive, memory, chassis, manager, firmware, asked"
    pipeline = f"pipelines:\n  everything: {{steps: [{steps}]}}\n"
    spec = place.spec("asked.yaml", ("steps:\n", f"steps:\n{asked}"), ("pipelines:\n", pipeline))
    ended = place.scan(url, "--spec", spec, "-p", "everything", "--auths", "auths.yaml", PLAIN)
    assert ended.status == 0, ended.err
    (outcome,) = place.outcomes().values()
    return outcome


def test_what_it_does_not_offer_is_reported_per_step(inventoried: dict[str, Any]) -> None:
    assert inventoried["status"] == "partial"
    seen = {(error["step"], error["kind"], error["status"]) for error in inventoried["errors"]}
    assert seen == {
        ("asked", "http.status", 501),
        ("storage", "http.status", 500),
        ("memory", "http.not_found", 404),
    }
    for step in ("asked", "storage", "drive", "memory"):
        assert not inventoried["steps"][step]["complete"]
    assert all(error["uri"].startswith("/redfish/v1/") for error in inventoried["errors"])


def test_what_it_offers_is_read_with_basic_for_want_of_sessions(inventoried: dict[str, Any]) -> None:
    systems = inventoried["steps"]["system"]["rows"]
    assert {(row["uuid"], row["power"]) for row in systems} == {(FIRST, "Off"), (SECOND, "On")}
    macs = [row["mac"] for row in inventoried["steps"]["nic"]["rows"]]
    assert "00:5c:52:31:3a:9c" in macs
    assert inventoried["steps"]["chassis"]["complete"]


def test_a_wrong_password_is_refused_and_not_repeated(emulator: tuple[Place, str]) -> None:
    place, url = emulator
    ended = place.scan(url, "--auths", "auths.yaml", PLAIN, run="wrong", env={"PASSWORD": "wrong"})
    assert ended.status == 1
    (outcome,) = place.outcomes("wrong").values()
    assert (outcome["status"], kinds(outcome)) == ("failed", ["auth.rejected"])
    assert outcome["requests"] <= 3, "the root, the place of sessions, and one with Basic"
    assert "wrong" not in (place.folder / "wrong" / "outcomes.jsonl").read_text(encoding="utf-8")


def test_without_credentials_it_says_so(emulator: tuple[Place, str]) -> None:
    place, url = emulator
    assert place.scan(url, run="nobody").status == 1
    (outcome,) = place.outcomes("nobody").values()
    assert kinds(outcome) == ["auth.rejected"]
    assert "no credentials are bound" in outcome["failure"]["message"]


def test_a_redirect_to_the_real_name_is_followed(emulator: tuple[Place, str]) -> None:
    """307 from the system's name to its UUID, with credentials: it is the same origin."""
    place, url = emulator
    asked = ("getSystem", "-p", "ComputerSystemId=node-1", "--query", "[UUID, PowerState]")
    ended = place.fleet("call", url, *asked, "--auths", "auths.yaml", PLAIN)
    assert ended.status == 0, ended.err
    assert json.loads(ended.out) == [FIRST, "Off"]


def test_the_emulator_as_it_comes(place: Place) -> None:
    """Without any configuration: no authentication, one system."""
    port = free_port("127.9.0.2")
    with running(place, "sushy-emulator", "--fake", "-i", "127.9.0.2", "-p", port):
        ended = place.scan(f"http://127.9.0.2:{port}", "-p", "firmware")
    assert ended.status == 0, ended.err
    (outcome,) = place.outcomes().values()
    assert outcome["status"] in {"ok", "partial"}
    assert len(outcome["steps"]["system"]["rows"]) == 1
