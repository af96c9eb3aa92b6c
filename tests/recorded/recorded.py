"""Recorded fleets: a run directory of N outcomes with known troubles, written without a network.

    python tests/recorded/recorded.py runs/big --hosts 100000

Host I is `bmc-RR-NNN` in rack I // 250: five sites of the same size, three models, a proxy for one site. Who
is in trouble depends on I alone, so a report of it can be checked to the host.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import zstandard

from fleet.engine import RunDirectory, write_success
from fleet.observe import Tally

RACK = 250
MODELS = ("PowerEdge R760", "ThinkSystem SR650 V3", "SYS-221H-TNR")
STARTED = "2026-11-22T15:42:00Z"

Record = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """`count` hosts from `first` on, `step` apart, that fail in one way; `message` is told host and number.
    With `gap` they are partial: their drives are missing."""

    kind: str
    message: Callable[[str, int], str]
    first: int
    count: int
    step: int = 1
    status: int | None = None
    gap: bool = False

    def hosts(self) -> range:
        return range(self.first, self.first + self.count * self.step, self.step)


def request(text: str) -> Callable[[str, int], str]:
    """A message as the client writes it."""
    return lambda _host, _number: f"GET /redfish/v1/ (getServiceRoot): {text}"


TROUBLES = (
    Trouble("timeout.connect", request("no answer to the connection"), 1000, 138),
    Trouble("timeout.connect", request("no answer to the connection"), 3007, 3, step=47),
    Trouble(
        "auth.rejected", lambda _host, _number: "login: 401: the credentials were refused (lab)", 4250, 74,
        status=401,
    ),
    Trouble("tls.expired", request("certificate has expired"), 750, 41),
    Trouble(
        "proxy.unreachable", lambda host, number: f"connect to 10.9.0.{number % 250}:1080 for {host} refused",
        2000, 23, step=2,
    ),
    Trouble(
        "http.unavailable", lambda _host, number: f"503: Retry-After {number % 90 + 10} exceeds the limit",
        300, 19, step=11, status=503,
    ),
    Trouble(
        "http.status", lambda host, number: f"500: Redfish/v1/Systems/{number}: unexpected on {host}", 600, 8,
        status=500,
    ),
    Trouble("http.status", lambda _host, _number: "502: Bad Gateway", 620, 4, status=502),
    Trouble("skipped.paused", lambda _host, _number: "the credential lab is paused", 4324, 6),
    Trouble(
        "timeout.request",
        lambda _host, number: f"GET /v1/Chassis/{number}/Drives (listDrives): no whole answer in time",
        3500, 41, step=5, gap=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    """A run, and what is true of it."""

    path: Path
    hosts: int
    statuses: dict[str, int]
    troubles: tuple[Trouble, ...] = TROUBLES
    edited: dict[str, Any] = field(default_factory=dict)


def host_name(number: int) -> str:
    return f"bmc-{number // RACK:02d}-{number % RACK:03d}"


def number_of(record: Record) -> int:
    """Which host an outcome is of."""
    return int(record["labels"]["serial"][2:])


def outcome(number: int, hosts: int, trouble: Trouble | None, run: str) -> Record:
    """The outcome of one host, as it is stored."""
    host = host_name(number)
    site = "abcde"[number * 5 // hosts]
    record: Record = {
        "v": 1, "run": run, "id": f"https://{host}", "target": f"https://{host}",
        "labels": {"site": site, "model": MODELS[number % 3], "serial": f"SN{number:06d}"},
        "pipeline": "inventory", "status": "ok", "steps": {}, "errors": [], "skipped": [], "checks": [],
        "violations": [], "samples": [], "requests": 9 + number % 4, "bytes": 18_000 + number, "retries": 0,
        "started": f"2026-11-22T15:{42 + number * 10 // hosts:02d}:{number % 60:02d}.000Z",
        "seconds": round(0.3 + (number * 7919 % 1000) / 500, 3), "auth": "lab",
    }  # fmt: skip
    if site == "c":
        record["proxy"] = "dc9a"
    failure: Record | None = None
    if trouble is not None:
        failure = {"kind": trouble.kind, "step": "drive" if trouble.gap else "root", "uri": "/redfish/v1/",
                   "message": trouble.message(host, number), "attempts": 1}  # fmt: skip
        if trouble.status is not None:
            failure["status"] = trouble.status
        record["errors"] = [failure]
        record["seconds"] = round(5 + number % 20 / 10, 3)
    if failure is not None and trouble is not None and not trouble.gap:
        record["status"] = "skipped" if trouble.kind.startswith("skipped") else "failed"
        record["failure"] = failure
        record["steps"] = {name: {"complete": False, "rows": []} for name in ("root", "system", "drive")}
        record["requests"] = 1
        return record
    record["status"] = "partial" if failure is not None else "ok"
    record["tls"] = {
        "sha256": f"{number:064x}", "not_after": _not_after(number), "self_signed": number % 50 == 0,
        "version": "TLSv1.3",
    }  # fmt: skip
    record["steps"] = _steps(number, complete=failure is None)
    record["checks"] = [
        {"check": "drives-are-healthy", "result": "fail" if number % 500 == 7 else "pass",
         "severity": "critical", "row": ["system", 0]}
    ]  # fmt: skip
    if number % 100 == 3:
        record["violations"] = [
            {"pointer": f"/Members/{number}/Status", "rule": "enum", "uri": "/redfish/v1"}
        ]
    return record


def _not_after(number: int) -> str:
    """One host in a thousand has ended, one ends in ten days of `STARTED`."""
    return {13: "2026-11-20T00:00:00Z", 14: "2026-12-02T00:00:00Z"}.get(number % 1000, "2031-01-01T00:00:00Z")


def _steps(number: int, *, complete: bool) -> Record:
    system = {
        "@uri": "/redfish/v1/Systems/1", "@parent": ["root", 0], "@key": f"SN{number:06d}", "id": "1",
        "model": MODELS[number % 3], "serial": f"SN{number:06d}", "bios": f"2.{number % 3 + 17}.0",
        "power": "On", "health": "OK", "memory_gib": 512,
    }  # fmt: skip
    drives = [
        {
            "@uri": f"/redfish/v1/Systems/1/Storage/1/Drives/{bay}", "@parent": ["system", 0],
            "@key": f"D{number:06d}{bay}", "name": f"Bay {bay}", "model": "KPM6XRUG1T92",
            "serial": f"D{number:06d}{bay}", "bytes": 2_000_000_000_000, "health": "OK",
        }
        for bay in range(1, 5)
    ]  # fmt: skip
    return {
        "root": {"complete": True, "rows": [{"@uri": "/redfish/v1/", "version": "1.20.1"}]},
        "system": {"complete": True, "rows": [system]},
        "drive": {"complete": complete, "rows": drives if complete else []},
    }


def outcomes(hosts: int, run: str, troubles: Iterable[Trouble] = TROUBLES) -> Iterator[Record]:
    """One outcome for each host; the troubles are those of 5,000 hosts, again for each further 5,000."""
    who = {number: trouble for trouble in troubles for number in trouble.hosts()}
    for number in range(hosts):
        yield outcome(number, hosts, who.get(number % 5000), run)


def record_run(
    path: Path,
    *,
    hosts: int,
    troubles: tuple[Trouble, ...] = TROUBLES,
    edit: Callable[[Record], Record | None] | None = None,
    complete: bool = True,
    options: dict[str, Any] | None = None,
    manifest: Record | None = None,
) -> Recorded:
    """Write a run directory. `edit` changes an outcome before it is stored, or leaves it out (None); what
    `manifest` says goes before what all manifests say."""
    asked = {"spec": "/specs/redfish.yaml", "auths_file": "auths.yaml"}
    said = {"options": options if options is not None else asked, **(manifest or {})}
    told = outcomes(hosts, path.name, troubles)
    statuses = store(path, map(edit, told) if edit is not None else told, said, complete=complete)
    return Recorded(path, hosts, statuses, troubles)


def store(
    path: Path,
    told: Iterable[Record | None],
    manifest: Record,
    *,
    complete: bool = True,
    compress: bool = False,
) -> dict[str, int]:
    """Write a run directory of these outcomes; how many there are, by status."""
    said = {
        "fleet": "0.1.0", "started": STARTED, "pipeline": "inventory",
        "spec": {"source": "/specs/redfish.yaml", "sha256": "0" * 64},
        "description": {"source": "/specs/openapi.yaml", "sha256": "0" * 64}, "inventory": [], **manifest,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    tally, statuses = Tally(), Counter[str]()
    with RunDirectory.create(path, manifest=said, compress=compress) as directory:
        with (
            directory.journal.open("wb") as raw,
            zstandard.ZstdCompressor().stream_writer(raw) if compress else nullcontext(raw) as journal,
        ):
            for record in told:
                if record is not None:
                    journal.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
                    tally.add_record(record)
                    statuses[record["status"]] += 1
        directory.atomic_write("summary.json", orjson.dumps(tally.to_json()))
        if complete:
            write_success(directory, shard="0/1", statuses=statuses)
    return dict(statuses)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--hosts", type=int, default=5000)
    given = parser.parse_args()
    record_run(given.path, hosts=given.hosts)
