"""What is wrong with the recorded fleet: who breaks a policy, and who deviates from the description.

The policy is written beside the runs, with a firmware baseline and waivers, as a user keeps one. Who breaks
it depends on the number of a host alone, and again for each further 5,000; a waiver names hosts, and so is
about the first 5,000 only. Of those who are planted, only some who deviate are in trouble in one of the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from recorded import MODELS, Record, Recorded, number_of, record_run

TODAY = date(2026, 11, 29)
CURRENT, HEALTHY, TURNING = "bios-is-current", "drives-are-healthy", "fans-turn"
BASELINE = {MODELS[0]: "2.17.0", MODELS[1]: "2.18.0", MODELS[2]: "2.19.0"}
UNLISTED_MODEL = "SYS-121H-TNR"
MAKERS = {MODELS[0]: "Dell Inc.", MODELS[1]: "Lenovo", MODELS[2]: "Supermicro", UNLISTED_MODEL: "Supermicro"}
FIRMWARE = "7.{}.0"

OLD = range(2049, 2049 + 3 * 212, 3)  # of the first model, with 2.16.0
WAIVED = range(3703, 3703 + 3 * 40, 3)  # of the second one, the same, for which a waiver holds
ENDED = range(3823, 3823 + 3 * 25, 3)  # so too, but its waiver ends between the runs
UNLISTED = range(4103, 4103 + 3 * 12, 3)  # of a model that the baseline does not have
BROKEN = (7, 507, 2007, 2507, 3507, 4007, 4507)  # a drive each, in bay 2
ENUM = tuple(number for number in range(5000) if number % 12 == 6)  # one firmware of the first model
REQUIRED = tuple(number for number in ENUM if number % 8 == 2)  # of those, one more deviation
LONE = (4001,)  # a deviation of its own

POLICY = f"""\
fleet: "1"
extends: redfish
checks:
  {CURRENT}:
    from: system
    lookup: {{file: baseline.csv, on: [model]}}
    assert: version_ge(bios, $lookup.bios)
    severity: critical
    message: the BIOS is older than the baseline
    by: [model, labels.site]
    waivers:
      - {{match: ['bmc-14-[203-248/3]', 'bmc-15-[001-070/3]'], reason: lab, until: 2099-12-31}}
      - {{match: 'bmc-15-[073-145/3]', reason: case 4711, until: 2026-11-25}}
      - {{match: bmc-99-001, reason: gone, until: 2099-01-01}}
  {HEALTHY}: {{from: drive, assert: health == 'OK'}}
  {TURNING}: {{from: fan, assert: rpm > `0`, severity: info}}
  no-drive-predicts-failure: null
  systems-are-healthy: null
  power-supplies-are-healthy: null
  temperatures-are-below-critical: null
  managers-have-the-right-time: null
conformance: {{by: [system.maker, system.model, manager.firmware]}}
"""
WAIVERS = (("lab", "2099-12-31", WAIVED), ("case 4711", "2026-11-25", ENDED), ("gone", "2099-01-01", ()))
RULES = {
    CURRENT: {
        "step": "system", "severity": "critical", "message": "the BIOS is older than the baseline",
        "assert": "version_ge(bios, $lookup.bios)", "where": None, "by": ["model", "labels.site"],
        "reads": ["bios"], "lookup": {"file": "baseline.csv", "on": ["model"]},
        "waivers": [{"reason": reason, "until": until} for reason, until, _ in WAIVERS],
    },
    HEALTHY: {
        "step": "drive", "severity": "warning", "message": "", "assert": "health == 'OK'", "where": None,
        "by": [], "reads": ["health"], "lookup": None, "waivers": [],
    },
    TURNING: {
        "step": "fan", "severity": "info", "message": "", "assert": "rpm > `0`", "where": None, "by": [],
        "reads": ["rpm"], "lookup": None, "waivers": [],
    },
}  # fmt: skip


def write_policy(folder: Path) -> Path:
    """The policy and its baseline; gives the policy."""
    lines = [f"{model},{bios}" for model, bios in BASELINE.items()]
    (folder / "baseline.csv").write_text("\n".join(["model,bios", *lines, ""]), encoding="utf-8")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    return policy


def manifest_of(spec: str) -> Record:
    """What the manifest of a run says of the policy it was scanned by."""
    return {
        "spec": {"source": spec, "sha256": "0" * 64},
        "description": {
            "source": "/specs/openapi.yaml", "sha256": "0" * 64, "title": "Redfish", "version": "2025.4",
        },
        "checks": RULES,
        "conformance": {"by": ["system.maker", "system.model", "manager.firmware"]},
    }  # fmt: skip


def plant(path: Path, *, hosts: int, edit: Callable[[Record], Record] | None = None) -> Recorded:
    """Write one run of the fleet. `edit` changes an outcome after what is planted, before it is stored."""
    return record_run(
        path,
        hosts=hosts,
        edit=lambda record: edit(planted(record)) if edit is not None else planted(record),
        manifest=manifest_of("/specs/redfish.yaml"),
    )


def planted(record: Record) -> Record:
    """The outcome of a host with what is planted in it, judged as its scan would have."""
    record["checks"], record["violations"] = [], []
    if record["status"] in ("ok", "partial"):
        number = number_of(record)
        system, drives = record["steps"]["system"]["rows"][0], record["steps"]["drive"]["rows"]
        _stage(number % 5000, record, system, drives)
        record["checks"] = [
            _bios(number, record["started"][:10], system),
            *map(_drive, range(len(drives)), drives),
        ]
        record["violations"] = list(_violations(number % 5000))
    return record


def _stage(at: int, record: Record, system: Record, drives: list[Record]) -> None:
    """What the rows show."""
    firmware = {"@uri": "/m", "id": "bmc", "firmware": FIRMWARE.format(at % 4)}
    record["steps"]["manager"] = {"complete": True, "rows": [firmware]}
    if at in OLD or at in WAIVED or at in ENDED:
        system["bios"] = "2.16.0"
    if at in UNLISTED:
        system["model"] = record["labels"]["model"] = UNLISTED_MODEL
    system["maker"] = MAKERS[system["model"]]
    if at in BROKEN and drives:
        drives[1]["health"] = "Critical"


def _bios(number: int, day: str, system: Record) -> Record:
    result: Record = {
        "check": CURRENT, "result": "pass", "severity": "critical", "row": ["system", 0],
    }  # fmt: skip
    wanted = BASELINE.get(system["model"])
    if wanted is None:
        return result | {
            "result": "unknown",
            "message": f"baseline.csv has no line for model={system['model']}",
        }
    if _version(system["bios"]) >= _version(wanted):
        return result
    result |= {"result": "fail", "message": RULES[CURRENT]["message"], "lookup": {"bios": wanted}}
    for reason, until, hosts in WAIVERS:
        if number in hosts:
            held = "waived" if day <= until else "fail"
            result |= {"result": held, "waiver": {"reason": reason, "until": until}}
    return result


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _drive(at: int, drive: Record) -> Record:
    well = drive["health"] == "OK"
    return {
        "check": HEALTHY, "result": "pass" if well else "fail", "severity": "warning", "row": ["drive", at],
    }  # fmt: skip


def _violations(at: int) -> Iterator[Record]:
    if at in ENUM:
        for option in range(2):
            yield {
                "pointer": f"/Boot/Options/{option}/Mode", "rule": "enum",
                "uri": f"/redfish/v1/Systems/{at}",
                "operation": "GET /redfish/v1/Systems/{ComputerSystemId}",
                "expected": 'one of "UEFI", "Legacy"', "actual": '"Uefi"',
            }  # fmt: skip
    if at in REQUIRED:
        yield {
            "pointer": "", "rule": "required", "uri": "/redfish/v1/Managers/bmc",
            "operation": "GET /redfish/v1/Managers/{ManagerId}", "expected": "Name",
            "actual": "an object of 12",
        }  # fmt: skip
    if at in LONE:
        yield {"pointer": "/Status/State", "rule": "type", "uri": "/redfish/v1/Chassis/1"}
