"""A job as the options of scans: what the configuration says, in the words of `fleet scan`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fleet.assembly import ScanOptions
from fleet.config import list_builtin_specs
from fleet.inventory import Shard, absolute_source, asks, is_target
from fleet.policy import Policy, Tls
from fleet.service.config.job import Job
from fleet.service.config.model import ServiceConfig


def options_of(config: ServiceConfig, job: Job, pipeline: str | None) -> ScanOptions:
    """The scan of one pipeline of a job. Relative paths start from the configuration's directory."""
    policy, given = _policy(config, job)
    return ScanOptions(
        sources=tuple(_source(config, source) for source in job.inventory),
        spec=job.spec if job.spec in list_builtin_specs() else str(config.beside(job.spec)),
        pipeline=pipeline,
        inputs=dict(job.inputs),
        validate=job.validation,
        policy=policy,
        given=given,
        select=job.select,
        exclude=job.exclude,
        exclude_files=tuple(str(config.beside(path)) for path in job.exclude_files),
        limit=job.limit,
        shard=Shard.parse(config.shard) if config.shard is not None else None,
        scheme=job.scheme,
        auths_file=_file(config, job.auths),
        proxy=job.proxy,
        proxies_file=_file(config, job.proxies),
        pins_file=_file(config, job.pins),
        allow_plaintext_credentials=job.allow_plaintext_credentials,
        outputs=tuple(str(config.beside(path)) for path in job.outputs),
    )


def _policy(config: ServiceConfig, job: Job) -> tuple[Policy, frozenset[str]]:
    """The numbers of a job, and the dotted names of those that were set."""
    wanted: dict[tuple[str, str], Any] = {
        ("rate", "concurrency"): (
            min(job.concurrency, config.targets_at_once) if job.concurrency != "auto" else None
        ),
        ("rate", "workers"): 1,
        ("rate", "per_target"): job.per_target,
        ("rate", "per_proxy"): job.per_proxy,
        ("rate", "requests"): job.rate,
        ("retry", "attempts"): job.retries,
        **{("timeouts", name): getattr(job.timeouts, name) for name in type(job.timeouts).model_fields},
    }
    policy, named = Policy(), set()
    for (group, number), value in wanted.items():
        if value is not None:
            policy = replace(policy, **{group: replace(getattr(policy, group), **{number: value})})
            named.add(f"{group}.{number}")
    tls = Tls(
        mode="insecure" if job.insecure else "pin" if job.pins is not None else "verify",
        profile=job.tls_profile,
        library=job.tls_library,
        ca_file=_file(config, job.ca_file),
    )
    return replace(policy, tls=tls), frozenset(named)


def _file(config: ServiceConfig, path: str | None) -> str | None:
    return str(config.beside(path)) if path is not None else None


def _source(config: ServiceConfig, source: str) -> str:
    """A file beside the configuration, what is asked (its own paths begin there too), or a target expression
    as it is."""
    if asks(source):
        return absolute_source(source, config.path.parent)
    place = config.beside(source)
    return str(place) if place.exists() or not is_target(source) else source
