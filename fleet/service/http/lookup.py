"""What a query names: a target of ours, a pipeline that it has, a credential that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fleet.observe import safe
from fleet.service.jobs.desk import Desk
from fleet.service.jobs.ready import ReadyJob
from fleet.target import Target


class Refused(Exception):
    """An answer of another status than 200."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Asked(NamedTuple):
    """What was asked for, found."""

    job: ReadyJob
    pipeline: str
    target: Target
    auth: str | None


def asked_target(desk: Desk, query: Mapping[str, str]) -> Asked:
    """The target that a query names, as a member of an inventory: nothing else is ever asked anything. Raises
    Refused."""
    text = query.get("target", "")
    if not text:
        raise Refused(400, "target is missing")
    job, pipeline = query.get("job") or None, query.get("pipeline") or None
    if job is not None and job not in desk.ready.jobs:
        raise Refused(400, f"there is no job {safe(job, 80)!r}")
    jobs = [found for found in desk.ready.jobs.values() if job in (None, found.name)]
    known = {name for found in jobs for name in found.scans}
    if pipeline is not None and pipeline not in known:
        raise Refused(400, f"no job runs a pipeline {safe(pipeline, 80)!r}: {', '.join(sorted(known))}")
    for found in jobs:
        if pipeline is not None and pipeline not in found.scans:
            continue
        target = found.members.find(text)
        if target is not None:
            chosen = pipeline or found.pipelines[0]
            return Asked(found, chosen, target, _auth(desk, found, target, query.get("auth") or None))
    raise Refused(403, f"{not_ours(desk)}: nothing was sent to it")


def not_ours(desk: Desk) -> str:
    """What is said of a target that no job here has. Those of other shards are not read here: whether another
    one has it is not known, but that it may."""
    shard = desk.config.shard
    if shard is None:
        return "not a target of the inventory"
    return f"not a target of part {shard} of the inventory, which is this service's: another part may have it"


def asked_job(desk: Desk, name: str) -> ReadyJob:
    """The job of that name. Raises Refused."""
    job = desk.ready.jobs.get(name)
    if job is None:
        raise Refused(404, "there is no job of that name")
    return job


def asked_pairs(desk: Desk, job: str | None, pipeline: str | None) -> list[tuple[ReadyJob, str]]:
    """The jobs and pipelines that a query means. Raises Refused where there are none."""
    jobs = [asked_job(desk, job)] if job is not None else list(desk.ready.jobs.values())
    pairs = [(each, name) for each in jobs for name in each.pipelines if pipeline in (None, name)]
    if not pairs:
        raise Refused(404, "no job runs a pipeline of that name")
    return pairs


def _auth(desk: Desk, job: ReadyJob, target: Target, name: str | None) -> str | None:
    """The credential to use in place of the bound one, where the configuration allows it to be named."""
    if name is None or name == target.auth:
        return None
    if name not in desk.config.probe.auths:
        raise Refused(403, "that credential may not be chosen: `probe.auths` lists those that may")
    if not any(name in scan.bindings.credentials.names for scan in job.scans.values()):
        raise Refused(400, f"the job {job.name} has no credential of that name")
    return name
