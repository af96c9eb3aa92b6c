"""What a prepared scan would do, told before anything is connected: what `--dry-run` shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fleet.assembly.prepare import PreparedScan
from fleet.assembly.survey import MAX_GROUPS, bound, open_inventory
from fleet.config import list_builtin_specs
from fleet.errors import InventoryError
from fleet.inventory import Folder
from fleet.phrases import some

NAMED_SETS = 8  # of hosts


def dry_run_of(prepared: PreparedScan, *, earlier: Path | None = None) -> dict[str, Any]:
    """The scan as a JSON object; the keys are those that `fleet.cli.render.dry_run` names.

    `earlier` is the directory of a run to estimate from. Raises UsageError when it ran something else.
    """
    plan, survey, document = prepared.plan, prepared.survey, prepared.document
    wide = set(plan.fan_out)
    rate = replace(prepared.policy.rate, workers=prepared.processes)
    return {
        "spec": f"{prepared.spec.info.title} ({_source(prepared)})",
        "description": f"{document.title} {document.version}: {some(len(document.operations), 'operation')}",
        "pipeline": plan.pipeline,
        "targets": survey.total,
        "hosts": _hosts(prepared),
        **{name: str(part) if part is not None else None for name, part in _parts(prepared)},
        "labels": dict(survey.labels),
        "proxies": dict(survey.proxies),
        "auths": dict(survey.auths),
        "unused": _unused(prepared),
        "steps": [
            {"name": name, "from": step.above, "request": step.asks, "fans_out": name in wide}
            for name, step in plan.steps.items()
        ],
        "requests": plan.minimum_requests * (1 if survey.total is None else survey.total),
        "estimate": _estimate(prepared, earlier) if earlier is not None else None,
        "policy": asdict(replace(prepared.policy, rate=rate)),
    }


def _source(prepared: PreparedScan) -> str:
    """The spec's file, or the name of a built-in: where that is installed concerns nobody."""
    path = prepared.spec.path
    if path is None:
        return "built in memory"
    return f"built-in {path.stem!r}" if path == list_builtin_specs().get(path.stem) else str(path)


def _parts(prepared: PreparedScan) -> Iterator[tuple[str, object]]:
    """What is taken of the inventory, and in which order."""
    options = prepared.options
    yield "sample", options.sample
    yield "shard", options.shard
    yield "order", f"shuffled, seed {options.seed}" if options.shuffle else None
    yield "canary", options.canary and _canaries(prepared, options.canary)
    yield "pace", options.pace if options.pace != "normal" else None


def _canaries(prepared: PreparedScan, count: int) -> str:
    folder = Folder()
    for identity in prepared.survey.canaries:
        folder.add(identity.removeprefix("https://"))
    named, _ = folder.largest(NAMED_SETS)
    which = ", ".join(named) if prepared.survey.total is not None else f"the first {count:,}"
    return f"{which} first; on unless {prepared.options.canary_fail_on} of them failed"


def _unused(prepared: PreparedScan) -> dict[str, list[str]]:
    """Credentials and proxies that have a `match` and no target: one that is misspelt is met only where hosts
    refuse what they get instead. A part of an inventory says nothing of it, for its other targets may be
    those that are meant."""
    options, survey, bindings = prepared.options, prepared.survey, prepared.bindings
    if not survey.total or any((options.sample, options.limit, options.shard, options.select, options.where)):
        return {}
    sides = (
        ("auths", bindings.credentials.ruled, survey.auths),
        ("proxies", bindings.proxies.ruled, survey.proxies),
    )
    found = {
        name: [rule for rule in ruled if rule not in counts]
        for name, ruled, counts in sides
        if len(counts) < MAX_GROUPS
    }
    return {name: unused for name, unused in found.items() if unused}


def _hosts(prepared: PreparedScan) -> tuple[tuple[str, ...], int] | None:
    """The targets folded, the largest sets first, and how many are in none of them; None for a stream."""
    if prepared.survey.total is None:
        return None
    inventory = open_inventory(replace(prepared.options, shuffle=False), _nobody)
    folder = Folder()
    for target in bound(inventory, prepared.bindings, prepared.options, _nobody):
        folder.add(target.url.removeprefix("https://"))
    return folder.largest(NAMED_SETS)


def _estimate(prepared: PreparedScan, earlier: Path) -> str:
    from fleet.assembly.experience import experience_of  # noqa: PLC0415 (for a dry run that asks for it)

    experience = experience_of(earlier, spec=prepared.spec.path, pipeline=prepared.plan.pipeline)
    return experience.foretell(prepared.survey.total, prepared.policy.rate)


def _nobody(_error: InventoryError) -> None:
    """What the survey has told already."""
