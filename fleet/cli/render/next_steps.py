"""How a scan ended, and what a person does next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from fleet.cli.render.command import Command
from fleet.frozen import frozen
from fleet.observe import KindCount, Tally, safe
from fleet.outcome import FailureKind
from fleet.phrases import some

_AFTER_A_PAUSE = {FailureKind.AUTH_REJECTED, FailureKind.AUTH_PAUSED, FailureKind.SKIPPED_PAUSED}


@frozen(kw_only=True)
class Ending:
    """How a scan ended, as far as the tally does not know it."""

    run: str | None  # what `fleet resume` and `fleet show` take; None when an error ended the scan
    complete: bool
    left: int = 0  # targets that were not begun, as far as that is known
    insecure: bool = False
    unwell: bool = False  # its canaries: the other targets were left alone
    failed_files: Sequence[str] = ()


def next_steps(tally: Tally, ending: Ending, run: str) -> Table:
    """Where the run is, and the commands that look into it or go on with it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("run", Text(run))
    if ending.failed_files:
        first, others = safe(ending.failed_files[0], 80), len(ending.failed_files) - 1
        what = f" and {others} more like it: inventories," if others else ": an inventory,"
        table.add_row("lists", Text(f"{run}/{first}{what} to scan again or to pass on"))
    if tally.steps:
        table.add_row("rows", Command(f"fleet show {shlex.quote(run)} {safe(next(iter(tally.steps)), 60)}"))
    if any(judged["fail"] for judged in tally.checks.values()):
        table.add_row("checks", Command(f"fleet checks {shlex.quote(run)}"))
    if tally.kinds:
        table.add_row("why", Command(f"fleet report {shlex.quote(run)}"))
    if ending.unwell:
        again = f"fleet resume {shlex.quote(run)}"
        mended = "(mended: the canaries again, then the others)"
        table.add_row("next", Command(f"{again} --kind all", style="bold", remark=mended))
        table.add_row("or", Command(f"{again} --past-canary", remark="(the others all the same)"))
    elif not ending.complete:
        left = f"({some(ending.left, 'target')} to go)" if ending.left else ""
        table.add_row("next", Command(f"fleet resume {shlex.quote(run)}", style="bold", remark=left))
    elif worth := _again(tally):
        kinds = ",".join(_named(worth, tally))
        count = some(sum(kind.targets for kind in worth), "target")
        resume = f"fleet resume {shlex.quote(run)} --kind {kinds}"
        table.add_row("next", Command(resume, style="bold", remark=f"({count})"))
    return table


def _named(again: Sequence[KindCount], tally: Tally) -> Iterator[str]:
    """Each class of kinds by its name where all that failed in it are meant, else kind by kind."""
    others = {
        kind.known.group for kind in tally.ranked() if kind.known and kind not in again and kind.targets
    }
    named = (kind.kind if kind.known.group in others else kind.known.group for kind in again if kind.known)
    return iter(dict.fromkeys(named))


def _again(tally: Tally) -> list[KindCount]:
    """The kinds that another try may mend: as they are, or once a paused credential is corrected."""
    failed = [kind for kind in tally.ranked() if kind.targets and kind.known]
    paused = any(kind.known is FailureKind.SKIPPED_PAUSED for kind in failed)
    return [
        kind
        for kind in failed
        if kind.known and (kind.known.retryable or (paused and kind.known in _AFTER_A_PAUSE))
    ]
