"""The scan loop, its two-stage stop, the run directory, runs and baselines by name, the journal's reader, and
resume.

A scan needs no names of other runs: those load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.engine.attempt import Attempt, Probe, failed_outcome
from fleet.engine.descriptors import capped_concurrency
from fleet.engine.directory import (
    WHERE_RUNS_ARE,
    RunDirectory,
    atomic_write,
    holds_run,
    journal_of,
    read_manifest,
    run_id,
    runs_folder,
)
from fleet.engine.failed import inventory_line
from fleet.engine.findings import fails
from fleet.engine.journal import DoneTargets, count_lines, done_ids, read_last_outcomes, read_outcomes, stands
from fleet.engine.scan import ScanLoop, ScanTotals
from fleet.engine.stop import Stop, signals
from fleet.engine.success import SUCCESS, read_success, write_success
from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.engine.baselines import Baseline, list_baselines, remove_baseline, set_baseline
    from fleet.engine.runs import RunEntry, find_run, known_folder, list_runs, run_entry

__all__ = [
    "SUCCESS",
    "WHERE_RUNS_ARE",
    "Attempt",
    "Baseline",
    "DoneTargets",
    "Probe",
    "RunDirectory",
    "RunEntry",
    "ScanLoop",
    "ScanTotals",
    "Stop",
    "atomic_write",
    "capped_concurrency",
    "count_lines",
    "done_ids",
    "failed_outcome",
    "fails",
    "find_run",
    "holds_run",
    "inventory_line",
    "journal_of",
    "known_folder",
    "list_baselines",
    "list_runs",
    "read_last_outcomes",
    "read_manifest",
    "read_outcomes",
    "read_success",
    "remove_baseline",
    "run_entry",
    "run_id",
    "runs_folder",
    "set_baseline",
    "signals",
    "stands",
    "write_success",
]

load_lazily(
    __name__,
    {
        "baselines": ("Baseline", "list_baselines", "remove_baseline", "set_baseline"),
        "runs": ("RunEntry", "find_run", "known_folder", "list_runs", "run_entry"),
    },
)
