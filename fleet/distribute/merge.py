"""The runs of a scan's shards made one run: the outcome that counts for each target, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from fleet.assembly import inventory_of, shard_of
from fleet.digest import DigestTable
from fleet.engine import (
    RunDirectory,
    journal_of,
    read_manifest,
    read_outcomes,
    read_success,
    stands,
    write_success,
)
from fleet.errors import UsageError
from fleet.frozen import frozen
from fleet.inventory import Shard
from fleet.observe import Tally
from fleet.outcome import Record
from fleet.sinks import sink_for

BATCH_OUTCOMES = 256  # outcomes written together
MAX_EXAMPLES = 3  # targets named of those that are missing
# What must be the same in every part, as (where it stands in the manifest, what a person calls it).
_ALIKE = (
    (("pipeline",), "pipeline"),
    (("spec", "sha256"), "spec"),
    (("description", "sha256"), "API description"),
    (("options", "limit"), "--limit"),
    (("options", "select"), "--select"),
    (("options", "exclude"), "--exclude"),
    (("options", "scheme"), "--scheme"),
    (("options", "inputs"), "--input"),
)


@frozen
class Merged:
    """What a merge found. `outranked` counts outcomes that another one of the same target stands before.

    `absent` are the shards of which no run was given, `unfinished` the runs that never were complete.
    `missing` counts targets of the inventory without an outcome that stands, `examples` are some of them;
    None where the inventory cannot be read again, and only shards and runs can tell.
    """

    run_directory: Path
    statuses: Mapping[str, int]
    outranked: int
    shards: int
    absent: tuple[int, ...]
    unfinished: tuple[Path, ...]
    missing: int | None
    examples: tuple[str, ...]

    @property
    def targets(self) -> int:
        return sum(self.statuses.values())

    @property
    def complete(self) -> bool:
        """Whether every target has an outcome that stands: by the inventory, or else by what the runs say."""
        if self.missing is not None:
            return not self.missing
        return not self.absent and not self.unfinished


@frozen
class _Part:
    path: Path
    manifest: Mapping[str, Any]
    journal: Path

    @property
    def shard(self) -> Shard:
        return shard_of(self.manifest)


def merge(runs: Sequence[Path], into: Path | None = None) -> Merged:
    """Write one run directory with one outcome for each target of these runs.

    An outcome that stands outranks one that a resume would replace; of two alike, that of the run started
    later, and of one run the later one. Memory is 20 bytes for each target. Raises UsageError for runs that
    are not parts of one scan, and SinkError.
    """
    parts = _parts(runs)
    last = DigestTable(value_bits=48)
    read = 0
    for read, (_, record) in enumerate(_records(parts), start=1):
        key, value = _key(record), 2 * read + stands(record)
        if (last.get(key) or 0) % 2 <= value % 2:
            last.put(key, value)
    manifest = _manifest(parts)
    missing, examples = _missing(manifest, last)
    with _made(into, manifest) as directory:
        tally = _write(directory, parts, last)
        directory.atomic_write(
            "summary.json", orjson.dumps(tally.to_json(), option=orjson.OPT_INDENT_2) + b"\n"
        )
        directory.write_failed()
        count = parts[0].shard.count
        merged = Merged(
            run_directory=directory.path,
            statuses=dict(tally.statuses),
            outranked=read - len(last),
            shards=count,
            absent=tuple(sorted(set(range(count)) - {part.shard.index for part in parts})),
            unfinished=tuple(part.path for part in parts if read_success(part.path) is None),
            missing=missing,
            examples=examples,
        )
        if merged.complete:
            write_success(directory, shard=str(Shard(0, 1)), statuses=tally.statuses)
    return merged


@contextmanager
def _made(into: Path | None, manifest: Mapping[str, Any]) -> Iterator[RunDirectory]:
    """A new run, which is there as a whole or not at all: a part of a merge would look like a scan that was
    stopped, and a resume of it ask hosts again whose outcomes are in its parts."""
    with RunDirectory.create(into, manifest=manifest) as directory:
        try:
            yield directory
        except BaseException:
            directory.abandon(stored=True)
            raise


def _parts(runs: Sequence[Path]) -> list[_Part]:
    parts = [_Part(run, read_manifest(run), journal_of(run)) for run in dict.fromkeys(runs)]
    if not parts:
        raise UsageError("name the runs to merge")
    first = parts[0]
    for part in parts[1:]:
        for keys, name in _ALIKE:
            if _at(part.manifest, keys) != _at(first.manifest, keys):
                raise UsageError(
                    f"{part.path} and {first.path} are not parts of one scan: their {name} differs"
                )
        if _inventory(part.manifest) != _inventory(first.manifest):
            raise UsageError(
                f"{part.path} and {first.path} are not parts of one scan: their inventory differs"
            )
        if _files(part.manifest) != _files(first.manifest):
            raise UsageError(
                f"{part.path} and {first.path} are not parts of one scan: a file of their spec differs"
            )
        if part.shard.count != first.shard.count:
            raise UsageError(
                f"{part.path} is one of {part.shard.count} shards, {first.path} one of {first.shard.count}"
            )
    return sorted(parts, key=lambda part: (str(part.manifest.get("started")), str(part.manifest["run"])))


def _records(parts: Sequence[_Part]) -> Iterator[tuple[_Part, Record]]:
    for part in parts:
        if part.journal.exists():
            for record in read_outcomes(part.journal):
                yield part, record


def _write(directory: RunDirectory, parts: Sequence[_Part], last: DigestTable) -> Tally:
    """Store the outcomes that count; gives what they add up to."""
    tally = Tally()
    sink = sink_for(directory.journal)
    sink.open()
    try:
        chosen = (
            record
            for number, (_, record) in enumerate(_records(parts), start=1)
            if (last.get(_key(record)) or 0) // 2 == number
        )
        while batch := list(islice(chosen, BATCH_OUTCOMES)):
            sink.write((), [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in batch])
            for record in batch:
                tally.add_record(record)
    finally:
        sink.close()
    return tally


def _missing(manifest: Mapping[str, Any], last: DigestTable) -> tuple[int | None, tuple[str, ...]]:
    expected = inventory_of(manifest)
    if expected is None:
        return None, ()
    count = 0
    examples: list[str] = []
    for target in expected:
        if not (last.get(target.encode("utf-8", "surrogatepass")) or 0) % 2:
            count += 1
            if len(examples) < MAX_EXAMPLES:
                examples.append(target)
    return count, tuple(examples)


def _manifest(parts: Sequence[_Part]) -> dict[str, Any]:
    """That of the first part, as if it had not been one."""
    first = parts[0].manifest
    kept = {name: value for name, value in first.items() if name not in ("v", "run", "journal")}
    options = {**first.get("options", {}), "shard": None, "run_dir": None}
    merged = [{"run": part.manifest["run"], "shard": str(part.shard)} for part in parts]
    return {**kept, "options": options, "merged": merged}


def _inventory(manifest: Mapping[str, Any]) -> object:
    """What the sources hold, wherever they lie; expressions, which are no files, as they are written."""
    files = [part.get("sha256") for part in manifest.get("inventory", ())]
    sources = manifest.get("options", {}).get("sources", ())
    return files if len(files) == len(sources) else (files, sources)


def _files(manifest: Mapping[str, Any]) -> list[object]:
    """The digests of what the spec rests on: other specs, baselines."""
    return [file.get("sha256") for file in manifest.get("files") or ()]


def _at(manifest: Mapping[str, Any], keys: Sequence[str]) -> object:
    value: Any = manifest
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _key(record: Record) -> bytes:
    return str(record["id"]).encode("utf-8", "surrogatepass")
