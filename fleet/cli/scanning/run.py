"""Running a prepared scan from the command line: watch it, end it, say what became of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.cli.options.watching import View
from fleet.cli.scanning.garbage import RareCollections
from fleet.cli.scanning.push import push_of
from fleet.cli.scanning.watch import Watch, watch
from fleet.cli.shell import Shell, shown_run
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.assembly import PreparedScan, Probing, Resumed, ScanResult


def run_scan(
    prepared: PreparedScan,
    view: View,
    shell: Shell,
    *,
    fail_on: str,
    grace: float,
    resume: Resumed | None = None,
) -> int:
    """Execute a scan and show it; gives the exit status.

    `resume` is the run to go on with. What was stored is summed up even when a sink failed; the error then
    goes on its way.
    """
    import anyio

    from fleet.assembly import execute
    from fleet.engine import Stop

    shell.redactor.learn(*prepared.secrets)
    prepared.bindings.learn = shell.redactor.learn
    for note in prepared.notes:
        shell.say(note)
    push = push_of(prepared, view)
    with (
        _workers(prepared, view, resume) as probing,  # forked before this process has a second thread
        watch(view, shell, prepared) as seen,
    ):
        run = partial(
            execute,
            prepared,
            listeners=(RareCollections(), *seen.listeners),
            stop=Stop(grace=grace),
            tally=seen.tally,
            resume=resume,
            probing=probing,
        )
        try:
            result = anyio.run(run)
        except BaseException:
            _show(prepared, seen, None, shell)
            raise
    _show(prepared, seen, result, shell)
    _write_metrics(view, seen, result)
    if push is not None:
        push(seen, result, shell)
    return _status(prepared, seen, result, fail_on)


def _workers(
    prepared: PreparedScan, view: View, resume: Resumed | None
) -> AbstractContextManager[Probing | None]:
    """How worker processes probe the targets; None where this process does it alone."""
    processes = prepared.processes
    if processes == 1:
        return nullcontext()
    from fleet.distribute import worker_processes

    return worker_processes(
        prepared, processes, listeners=(RareCollections(),), each=view.log_level == "debug", resume=resume
    )


def _write_metrics(view: View, seen: Watch, result: ScanResult) -> None:
    from fleet.observe import write_metrics_file

    write_metrics_file(Path(result.run_directory) / "metrics.prom", seen.metrics.registry)
    if view.metrics_file is not None:
        write_metrics_file(view.metrics_file, seen.metrics.registry)


def _show(prepared: PreparedScan, seen: Watch, result: ScanResult | None, shell: Shell) -> None:
    """The summary; without a result, that of a scan which an error ended."""
    if shell.quiet:
        return
    from fleet.cli.render.next_steps import Ending
    from fleet.cli.render.summary import summary

    directory = Path(result.run_directory) if result is not None else None
    if directory is None and not seen.tally.started:
        return
    ending = Ending(
        run=shown_run(directory) if directory is not None else None,
        complete=result is not None and result.complete,
        left=max((prepared.survey.total or 0) - seen.tally.targets, 0),
        unwell=result is not None and result.canary,
        insecure=prepared.policy.tls.mode == "insecure",
        failed_files=sorted(path.name for path in directory.glob("failed-*.txt")) if directory else (),
    )
    shell.tell(summary(seen.tally, ending))


def _status(prepared: PreparedScan, seen: Watch, result: ScanResult, fail_on: str) -> int:
    from fleet.cli.findings import findings

    if result.forced is not None:
        return Exit.TERMINATED if result.forced == "SIGTERM" else Exit.INTERRUPTED
    if result.canary:
        return Exit.FINDINGS
    if not result.complete:
        return Exit.TRY_AGAIN
    counts = seen.tally.statuses
    reached = seen.tally.targets - counts["skipped"]
    broken = {name for name, results in seen.tally.checks.items() if results["fail"]}
    severities = {check.severity for check in prepared.plan.checks if check.name in broken}
    found = findings(fail_on, failed=counts["failed"], reached=reached, severities=severities)
    return Exit.FINDINGS if found else Exit.DONE
