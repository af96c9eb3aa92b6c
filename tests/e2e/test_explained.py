"""The story of a target, as `fleet explain` tells it after a scan: in one process, and with workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fleet_process import Place

PASSWORD = "c4nary-Pass/word"
SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "outcome.schema.json"
AUTHS = """
auths:
  lab: {username: root, password: env:FLEET_TEST_PASSWORD, match: {site: [a, b]}}
  rest: {username: root, password: env:FLEET_TEST_PASSWORD, default: true}
"""
FAULTS = """
faults:
  - {match: 127.1.0.1, fault: http.unavailable, form: seconds, retry_after: 0, times: 1}
  - {match: 127.1.0.2, fault: auth.expired, requests: 1}
  - {match: 127.1.0.3, fault: timeout.request}
  - {match: 127.1.0.4, fault: stale-keep-alive, after: 3}
  - {match: 127.1.0.5, fault: auth.rejected}
"""


@contextmanager
def scanned(place: Place, *more: object) -> Iterator[dict[str, dict[str, Any]]]:
    """The outcomes of a scan, by host."""
    place.write("auths.yaml", AUTHS)
    place.write("faults.yaml", FAULTS)
    place.env["FLEET_TEST_PASSWORD"] = PASSWORD
    files = ("--write-hosts", "hosts.txt", "--write-ca", "ca.pem", "--faults", "faults.yaml")
    with place.simulator("--hosts", 6, "--tls", "--auth", f"root:{PASSWORD}", *files):
        place.fleet(
            "scan", "hosts.txt", "--auths", "auths.yaml", "--cacert", "ca.pem", "--run-dir", "run",
            "--timeout", "5s", "--retries", 1, "-p", "firmware", "--quiet", *more,
        )  # fmt: skip
        lines = (place.folder / "run" / "outcomes.jsonl").read_text().splitlines()
        assert PASSWORD not in "".join(lines)
        found = [json.loads(line) for line in lines]
        yield {outcome["target"].split("//")[1].rpartition(":")[0]: outcome for outcome in found}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_fault_has_its_story(place: Place, workers: int) -> None:
    with scanned(place, "--workers", workers) as outcomes:
        judge = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
        for outcome in outcomes.values():
            judge.validate(outcome)
        busy, renewed, silent, dead, refused, well = (outcomes[f"127.1.0.{number}"] for number in range(1, 7))

        first, second = (moment for moment in busy["timeline"] if moment.get("uri") == "/redfish/v1/")
        assert first["status"] == 503
        assert first["again"]["rule"] in {"retry_after", "backoff"}
        assert (second["status"], second["attempt"], second["step"]) == (200, 2, "root")

        notes = [moment.get("what") for moment in renewed["timeline"]]
        notes = [what for what in notes if what not in {None, "waited"}]
        assert notes[:2] == ["connected", "logged_in"]
        assert "session_refused" in notes
        assert notes[-1] == "logged_out"
        assert 401 in {moment.get("status") for moment in renewed["timeline"]}

        asked = [moment for moment in silent["timeline"] if "method" in moment]
        assert [moment["failure"] for moment in asked] == ["timeout.request"] * 2
        assert asked[0]["again"]["rule"] == "backoff"
        assert all(4.9 < moment["seconds"] < 60 for moment in asked)
        assert (silent["failure"]["attempts"], silent["retries"]) == (2, 1)
        assert silent["failure"]["operation"] == "getServiceRoot"

        assert "reconnect" in {moment.get("again", {}).get("rule") for moment in dead["timeline"]}
        assert "login_failed" in {moment.get("what") for moment in refused["timeline"]}
        assert len([moment for moment in well["timeline"] if "method" in moment]) == 3
        assert well["untold"] == well["requests"] - 3
        by = {outcome["auth"]: outcome["chosen"]["auth"] for outcome in outcomes.values()}
        assert by == {"lab": "match site=a|b", "rest": "the default"}

        told = place.fleet("explain", "127.1.0.1", "run").out
        assert "again after" in told
        assert "try 2" in told
        assert "chosen by match site=a|b" in told
        assert "logged in with lab" in told


@pytest.mark.parametrize(("word", "kept"), [("none", 0), ("all", 7)])
def test_a_person_chooses_how_much_is_kept(place: Place, word: str, kept: int) -> None:
    with scanned(place, "--timeline", word) as outcomes:
        well = outcomes["127.1.0.6"]
        assert len([one for one in well.get("timeline", ()) if "method" in one]) >= kept
        assert ("timeline" in well) is (kept > 0)
        assert "untold" not in well
        assert ("timeline" in outcomes["127.1.0.3"]) is (kept > 0)
