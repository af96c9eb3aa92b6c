"""What a run directory remembers of its scan: options by name, digests of what was read, never a secret."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fleet
from fleet.assembly.options import ScanOptions
from fleet.assembly.prepare import PreparedScan
from fleet.assembly.survey import open_inventory
from fleet.config import installed_here
from fleet.errors import UsageError
from fleet.inventory import Sample, Shard, absolute_source, asks, rereadable
from fleet.pipeline import CheckPlan
from fleet.policy import Policy

WHOLE = Shard(0, 1)
_BLOCK = 1024 * 1024
_TUPLES = ("sources", "select", "exclude", "exclude_files", "outputs")
_PARTS = ("sample", "shard")  # stored as they are written
_PATHS = ("auths_file", "proxies_file", "pins_file")


def manifest_of(prepared: PreparedScan) -> dict[str, Any]:
    """The manifest of a scan that is about to begin."""
    options = prepared.options
    return {
        "fleet": fleet.__version__,
        "started": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "pipeline": prepared.plan.pipeline,
        "spec": {"source": str(prepared.spec.path or ""), "sha256": _digest(prepared.spec.path)},
        "description": {
            "source": prepared.document.source,
            "sha256": _digest(Path(prepared.document.source)),
            "title": prepared.document.title,
            "version": prepared.document.version,
        },
        "files": [{"source": source, "sha256": digest} for source, digest in prepared.files.items()],
        "checks": {check.name: check_json(check) for check in prepared.plan.checks},
        "conformance": {"by": list(prepared.plan.kinds_by)},
        "inventory": [
            {"source": _absolute(source), "sha256": digest}
            for source in options.sources
            if (digest := _digest(Path(source))) is not None
        ],
        "options": _options_json(options, prepared),
    }


def check_json(check: CheckPlan) -> dict[str, Any]:
    """What is remembered of a check: what it was, for whoever reads its results."""
    lookup = check.lookup
    return {
        "step": check.source,
        "severity": check.severity,
        "message": check.message,
        "assert": check.assertion.text,
        "where": check.where.text if check.where is not None else None,
        "by": list(check.by),
        "reads": list(check.reads),
        "lookup": {"file": lookup.table.file, "on": list(lookup.table.on)} if lookup is not None else None,
        "waivers": [{"reason": waiver.reason, "until": waiver.until} for waiver in check.waivers],
    }


def options_of(manifest: Mapping[str, Any]) -> ScanOptions:
    """The options that a run was started with. Raises UsageError for a manifest that is not of this
    version."""
    try:
        stored = dict(manifest["options"])
        policy = Policy(
            **{field.name: _group(field.name, stored["policy"][field.name]) for field in fields(Policy)}
        )
        tuples = {name: tuple(stored[name]) for name in _TUPLES}
        parts = {
            name: parse(text) if (text := stored.get(name)) is not None else None
            for name, parse in (("sample", Sample.parse), ("shard", Shard.parse))
        }
        return ScanOptions(
            **{**stored, **tuples, **parts, "policy": policy, "given": frozenset(stored["given"])}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the run's manifest does not hold its options: {error}") from error


def changes_since(manifest: Mapping[str, Any]) -> list[str]:
    """What a person should know before a run goes on: which of its files are not what they were."""
    noted = [manifest.get("spec"), manifest.get("description"), *manifest.get("files", ())]
    noted += manifest.get("inventory", ())
    return [
        f"{part['source']} has changed since this run was started: the new file counts"
        for part in noted
        if isinstance(part, dict)
        and part.get("sha256")
        and _digest(installed_here(Path(part["source"]))) != part["sha256"]
    ]


def shard_of(manifest: Mapping[str, Any]) -> Shard:
    """The part of its inventory that a run scans; a run of all of it is shard 0 of 1. Raises UsageError."""
    return options_of(manifest).shard or WHOLE


def inventory_of(manifest: Mapping[str, Any]) -> Iterator[str] | None:
    """The ids of all targets that the shards of a run had to scan together; None where that cannot be told
    any more: standard input, a file that has changed, what others are asked for. Raises UsageError."""
    options = replace(options_of(manifest), shard=None, shuffle=False)
    if not all(map(rereadable, (*options.sources, *options.exclude_files))) or any(
        map(asks, options.sources)
    ):
        return None
    noted = [part.get("sha256") for part in manifest.get("inventory", ())]
    if noted != [digest for source in options.sources if (digest := _digest(Path(source))) is not None]:
        return None
    return (target.id for target in open_inventory(options, lambda _error: None))


def _options_json(options: ScanOptions, prepared: PreparedScan) -> dict[str, Any]:
    """The options as JSON, with the paths that a resume from elsewhere needs made absolute."""
    absolute = {name: _absolute(value) for name in _PATHS if (value := getattr(options, name)) is not None}
    tls = options.policy.tls
    if tls.ca_file is not None:
        tls = replace(tls, ca_file=_absolute(tls.ca_file))
    return {
        **{field.name: getattr(options, field.name) for field in fields(ScanOptions)},
        **absolute,
        "spec": str(prepared.spec.path or options.spec),
        "sources": [absolute_source(source) for source in options.sources],
        "exclude": list(options.exclude),
        "exclude_files": [_absolute(path) for path in options.exclude_files],
        "outputs": [path if path == "-" else str(Path(path).absolute()) for path in options.outputs],
        "inputs": dict(options.inputs),
        **{name: str(part) if (part := getattr(options, name)) is not None else None for name in _PARTS},
        "given": sorted(options.given),
        "policy": asdict(replace(options.policy, tls=tls)),
    }


def _absolute(source: str) -> str:
    """An existing file's absolute path; anything else (an expression, `-`) as it is."""
    path = Path(source)
    return str(path.absolute()) if source != "-" and path.exists() else source


def _group(name: str, values: Mapping[str, Any]) -> Any:
    """One section of the policy; numbers that this version does not know are left out."""
    default = getattr(Policy(), name)
    known = {field.name for field in fields(default)}
    return replace(default, **{key: value for key, value in values.items() if key in known})


def _digest(path: Path | None) -> str | None:
    """The SHA-256 of a regular file; None for anything else."""
    if path is None or not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
