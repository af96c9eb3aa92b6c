"""The recorded fleet, with results of checks and violations planted in it.

    python tests/judge/planted.py runs/big --hosts 100000

Of the hosts that answered: 212 of model R760 have an old BIOS; 40 of another one have one that is waived, 25
one whose waiver has ended; 12 have no line in the baseline. Those with one firmware of one model deviate from
the description in two ways, one host in a way of its own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from recorded import MODELS, Record, host_name, record_run

TODAY = date(2026, 11, 22)
CURRENT = "bios-is-current"
HEALTHY = "drives-are-healthy"
BY = ("model", "labels.site")
RULES = {
    CURRENT: {
        "step": "system", "severity": "critical", "message": "the BIOS is older than the baseline",
        "assert": "version_ge(bios, $lookup.bios)", "where": None, "by": list(BY), "reads": ["bios"],
        "lookup": {"file": "baseline.csv", "on": ["model"]},
        "waivers": [
            {"reason": "lab", "until": "2026-12-31"}, {"reason": "case 4711", "until": "2026-11-01"},
            {"reason": "gone", "until": "2027-01-01"},
        ],
    },
    HEALTHY: {
        "step": "drive", "severity": "warning", "message": "", "assert": "health == 'OK'", "where": None,
        "by": [], "reads": ["health"], "lookup": None, "waivers": [],
    },
    "fans-turn": {
        "step": "fan", "severity": "info", "message": "", "assert": "rpm > `0`", "where": None, "by": [],
        "reads": ["rpm"], "lookup": None, "waivers": [],
    },
}  # fmt: skip


@dataclass
class Planted:
    """A run, and who in it is what: numbers of hosts."""

    path: Path
    old: set[int] = field(default_factory=set)
    waived: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    unlisted: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)  # drives in bay 2
    judged: int = 0
    enum: set[int] = field(default_factory=set)
    required: set[int] = field(default_factory=set)
    lone: set[int] = field(default_factory=set)

    @staticmethod
    def hosts(numbers: set[int]) -> set[str]:
        return {f"https://{host_name(number)}" for number in numbers}


def plant(path: Path, *, hosts: int, edit: Callable[[Record], Record] | None = None) -> Planted:
    """Write the run. `edit` changes an outcome after what is planted, before it is stored."""
    planted = Planted(path)

    def planting(record: Record) -> Record:
        number = int(record["labels"]["serial"][2:])
        record["checks"], record["violations"] = [], []
        if record["status"] in ("ok", "partial"):
            planted.judged += 1
            _checks(record, number, planted)
            _violations(record, number, planted)
        return edit(record) if edit is not None else record

    record_run(path, hosts=hosts, edit=planting)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest |= {"checks": RULES, "conformance": {"by": ["system.maker", "system.model", "manager.firmware"]}}
    manifest["description"] |= {"title": "Redfish", "version": "2025.4"}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return planted


def _checks(record: Record, number: int, planted: Planted) -> None:
    system = record["steps"]["system"]["rows"][0]
    result: Record = {
        "check": CURRENT, "result": "pass", "severity": "critical", "row": ["system", 0],
    }  # fmt: skip
    if number % 3 == 0 and len(planted.old) < 212 and record["labels"]["site"] == "a":
        planted.old.add(number)
        result |= _failed(system)
    elif number % 3 == 1 and len(planted.waived) < 40:
        planted.waived.add(number)
        result |= _failed(system)
        result |= {"result": "waived", "waiver": {"reason": "lab", "until": "2026-12-31"}}
    elif number % 3 == 1 and len(planted.ended) < 25:
        planted.ended.add(number)
        result |= _failed(system)
        result |= {"result": "waived", "waiver": {"reason": "case 4711", "until": "2026-11-01"}}
    elif number % 3 == 2 and len(planted.unlisted) < 12:
        planted.unlisted.add(number)
        result |= {"result": "unknown", "message": "baseline.csv has no line for model=SYS-221H-TNR"}
    record["checks"].append(result)
    for at, drive in enumerate(record["steps"]["drive"]["rows"]):
        broken = at == 1 and number % 500 == 7
        if broken:
            drive["health"] = "Critical"
            planted.broken.add(number)
        record["checks"].append(
            {
                "check": HEALTHY,
                "result": "fail" if broken else "pass",
                "severity": "warning",
                "row": ["drive", at],
            }
        )


def _failed(system: Record) -> Record:
    system["bios"] = "2.16.0"
    message = RULES[CURRENT]["message"]
    return {"result": "fail", "message": message, "lookup": {"bios": "2.17.0"}}


def _violations(record: Record, number: int, planted: Planted) -> None:
    system = record["steps"]["system"]["rows"][0]
    system["maker"] = MODELS[number % 3].partition(" ")[0]
    firmware = f"7.{number % 4}.0"
    record["steps"]["manager"] = {
        "complete": True,
        "rows": [{"@uri": "/m", "id": "bmc", "firmware": firmware}],
    }
    if number % 3 == 0 and firmware == "7.2.0":
        planted.enum.add(number)
        for at in range(2):
            record["violations"].append(
                {"pointer": f"/Boot/Options/{at}/Mode", "rule": "enum",
                 "uri": f"/redfish/v1/Systems/{number}",
                 "operation": "GET /redfish/v1/Systems/{ComputerSystemId}",
                 "expected": 'one of "UEFI", "Legacy"', "actual": '"Uefi"'}
            )  # fmt: skip
        if number % 8 == 2:
            planted.required.add(number)
            record["violations"].append(
                {"pointer": "", "rule": "required", "uri": "/redfish/v1/Managers/bmc",
                 "operation": "GET /redfish/v1/Managers/{ManagerId}", "expected": "Name",
                 "actual": "an object of 12"}
            )  # fmt: skip
    if number == 4001:
        planted.lone.add(number)
        record["violations"].append(
            {"pointer": "/Status/State", "rule": "type", "uri": "/redfish/v1/Chassis/1"}
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--hosts", type=int, default=5000)
    given = parser.parse_args()
    plant(given.path, hosts=given.hosts)
