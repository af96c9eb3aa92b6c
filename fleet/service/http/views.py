"""From what a service knows to what its API says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fleet.inventory import Folder
from fleet.observe import safe
from fleet.outcome import STATUSES, FailureKind, Record
from fleet.report import cause_key
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.ready import ReadyJob
from fleet.service.store.rows import RunRow
from fleet.service.store.state import TargetState
from fleet.target import Target

MAX_HOST_SETS = 20  # sets of hosts named of one group
_KINDS = {kind.value: kind for kind in FailureKind}
_UNTOLD: Mapping[str, Any] = {
    **dict.fromkeys(("status", "kind", "run", "at", "seconds", "last_success", "failing_since")),
    **dict.fromkeys(("requests", "failures", "flaps"), 0),
    **dict.fromkeys(("message", "past"), ""),
    "flapping": False,
    "failed_checks": [],
    "values": {},
}


def run_json(desk: Desk, row: RunRow) -> dict[str, Any]:
    """A run as `RunInfo`; of one that runs, the numbers are of now."""
    live = desk.runs.live.get(row.run)
    progress = live.progress() if live is not None else None
    ended = row.ended if live is None else None
    statuses = {name: getattr(row, name) for name in STATUSES}
    return {
        "run": row.run,
        "job": row.job,
        "pipeline": row.pipeline,
        "state": row.state,
        "cause": row.cause,
        "started": row.started,
        "ended": ended,
        "seconds": round(max(0.0, (ended or desk.wall()) - row.started), 3),
        "total": row.total if live is None else live.total,
        "statuses": progress["statuses"] if progress is not None else statuses,
        "in_flight": progress["in_flight"] if progress is not None else 0,
        "requests": progress["requests"] if progress is not None else row.requests,
        "failing": row.failing,
        "recovered": row.recovered,
        "checks": row.checks,
        "gone": row.gone,
        "bytes": row.bytes,
        "why": row.why,
    }


def job_json(desk: Desk, job: ReadyJob, last: Iterable[RunRow]) -> dict[str, Any]:
    """A job as `JobInfo`. Blocks."""
    rounds = desk.rounds
    rows = [desk.history.run(live.run) for live in list(desk.runs.live.values()) if live.job.name == job.name]
    return {
        "job": job.name,
        "spec": next(iter(job.scans.values())).name,
        "pipelines": list(job.pipelines),
        "schedule": schedule_text(job),
        "targets": len(job.members),
        "busy": rounds.busy.get(job.name),
        "due": rounds.due.get(job.name),
        "missed": rounds.missed.get(job.name, 0),
        "running": [run_json(desk, row) for row in rows if row is not None],
        "last": [run_json(desk, row) for row in last if row.job == job.name],
    }


def schedule_text(job: ReadyJob) -> str | None:
    """When its rounds are, in words."""
    if job.schedule is None:
        return None
    if job.schedule.every is not None:
        return f"every {job.schedule.every:g} s"
    return f"{job.schedule.cron} ({job.schedule.timezone})"


def target_json(job: str, pipeline: str, target: Target, state: TargetState | None) -> dict[str, Any]:
    """A target as `TargetInfo`, whether or not a run has met it."""
    told = _told(state) if state is not None else _UNTOLD
    return {
        "job": job,
        "pipeline": pipeline,
        "id": target.id,
        "url": target.url,
        "labels": dict(target.labels),
        "auth": target.auth,
        "proxy": target.proxy,
        **told,
    }


def _told(state: TargetState) -> dict[str, Any]:
    """What outcomes have said of a target."""
    return {
        **{name: getattr(state, name) for name in _UNTOLD},
        "failed_checks": list(state.failed_checks),
        "values": dict(state.values),
    }


class Groups:
    """Failed targets by kind and cause."""

    def __init__(self) -> None:
        self.targets: int = 0
        self._groups: dict[tuple[str, str], dict[str, Any]] = {}
        self._hosts: dict[tuple[str, str], Folder] = {}

    def add(self, record: Record) -> None:
        """Count an outcome (its JSON form, or as much of it: id, target, failure)."""
        failure = record.get("failure") or {}
        if not failure:
            return
        kind, _, cause = cause_key(record, failure)
        key = (kind, cause)
        group = self._groups.get(key)
        if group is None:
            known = _KINDS.get(kind)
            group = self._groups[key] = {
                "kind": kind,
                "cause": safe(cause, 400),
                "targets": 0,
                "meaning": known.meaning if known else "",
                "blame": known.blame if known else "",
                "hint": known.hint if known else "",
                "example": str(record["id"]),
                "message": safe(failure.get("message", ""), 500),
            }
            self._hosts[key] = Folder()
        group["targets"] += 1
        self.targets += 1
        self._hosts[key].add(str(record["id"]).removeprefix("https://"))

    def to_json(self) -> dict[str, Any]:
        """As `Failures`."""
        found = []
        for key, group in sorted(self._groups.items(), key=lambda item: -item[1]["targets"]):
            sets = sorted(self._hosts[key].sets(), key=lambda folded: -folded.size)
            rest = sum(folded.size for folded in sets[MAX_HOST_SETS:]) + self._hosts[key].unnamed
            hosts = [folded.text for folded in sets[:MAX_HOST_SETS]]
            found.append({**group, "hosts": hosts, "unnamed": rest})
        return {"failures": found, "targets": self.targets}
