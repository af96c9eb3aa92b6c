"""Going on with a run: its options read from its manifest, its targets that are done from its journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fleet.assembly.bindings import Prompt
from fleet.assembly.manifest import changes_since, options_of
from fleet.assembly.options import ScanOptions
from fleet.assembly.prepare import PreparedScan, prepare
from fleet.engine import SUCCESS, DoneTargets, RunDirectory, done_ids, read_last_outcomes, stands
from fleet.event import Listener, TargetRecalled
from fleet.frozen import frozen
from fleet.outcome import Record


@frozen
class Resumed:
    """A run to go on with: its directory, locked, and the targets that are done.

    Done targets whose last outcome failed with one of `kinds`, or for which `where` holds, are scanned again.
    """

    directory: RunDirectory
    done: DoneTargets
    kinds: frozenset[str] = frozenset()
    where: Callable[[Record], bool] | None = None

    def recall(self, listener: Listener) -> None:
        """Tell what earlier sessions have stored and this one leaves alone. Until it ends, the run does not
        count as complete."""
        self.directory.discard(SUCCESS)
        for record in read_last_outcomes(self.directory.journal):
            if stands(record, self.kinds, self.where):
                listener(TargetRecalled(record))


def prepare_resume(
    run: str,
    *,
    prompt: Prompt,
    kinds: frozenset[str] = frozenset(),
    where: Callable[[Record], bool] | None = None,
    change: Callable[[ScanOptions], ScanOptions] | None = None,
) -> tuple[PreparedScan, Resumed]:
    """The scan of a run directory, made ready to go on.

    It has the options that it was started with, or what `change` makes of them. Targets whose last outcome
    failed with one of `kinds`, or with `local.*`, are scanned again; where `where` is given it must hold too,
    and alone it is enough. Raises UsageError, and TryAgain while another scan holds the directory.
    """
    directory = RunDirectory.open(Path(run))
    try:
        manifest = directory.manifest
        options = options_of(manifest)
        prepared = prepare(change(options) if change is not None else options, prompt=prompt)
        done = done_ids(directory.journal, retry_kinds=kinds, where=where)
        stored = (f"{len(done):,} {'target is' if len(done) == 1 else 'targets are'} done already",)
        notes = (*prepared.notes, *changes_since(manifest), *(stored if len(done) else ()))
        return replace(prepared, notes=notes), Resumed(directory, done, kinds, where)
    except BaseException:
        directory.close()
        raise
