"""What a person reads when a scan is over: counts that add up, why targets failed, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.observe import KindCount, StepCount, Tally, safe

if TYPE_CHECKING:
    from collections import Counter

MAX_KINDS = 20  # failure kinds spelled out
MAX_STEPS = 60
SHARED = 0.8  # of a kind's targets behind one proxy, or with one label: worth saying
_STYLES = {"ok": "green", "partial": "yellow", "failed": "red", "skipped": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a scan ended, as far as the tally does not know it."""

    run: str | None  # what `fleet resume` and `fleet show` take; None when an error ended the scan
    complete: bool
    insecure: bool = False
    failed_files: Sequence[str] = ()


def summary(tally: Tally, ending: Ending) -> RenderableType:
    """The whole summary; every text in it that came from a host is inert."""
    return Group(*_parts(tally, ending))


def _parts(tally: Tally, ending: Ending) -> Iterator[RenderableType]:
    yield Text("")
    yield _counts(tally, ending)
    if tally.steps or tally.not_offered:
        yield Text("")
        yield _steps(tally)
    if tally.kinds:
        yield Text("")
        yield _why(tally)
    if tally.checks:
        yield Text("")
        yield _checks(tally)
    if remarks := list(_remarks(tally, ending)):
        yield Text("")
        yield from remarks
    if ending.run is not None:
        yield Text("")
        yield _next(tally, ending, safe(ending.run, 200))


def _counts(tally: Tally, ending: Ending) -> Text:
    shown = Text(f"{tally.targets:,} targets = ", style="bold")
    for number, (status, style) in enumerate(_STYLES.items()):
        count = tally.statuses[status]
        shown.append(" + " if number else "", style="not bold")
        shown.append(f"{count:,} {status}", style=style if count else "dim")
    missing = tally.in_hand
    if missing:
        shown.append(f"\n{missing:,} were in hand and have no outcome", style="bold red")
    elif ending.complete:
        shown.append("\nevery target has exactly one outcome", style="not bold")
    else:
        shown.append("\nstopped early: every target begun has exactly one outcome", style="yellow not bold")
    if tally.earlier:
        shown.append(f"; {tally.earlier:,} of them were stored earlier", style="not bold")
    amounts = (
        f"\n{tally.requests:,} requests, {_size(tally.bytes)} received, {tally.retries:,} retries, "
        f"{_span(tally.seconds)}"
    )
    return shown.append(amounts, style="not bold dim")


def _steps(tally: Tally) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    title = f"step of {safe(tally.pipeline, 40)}" if tally.pipeline else "step"
    table.add_column(title, overflow="fold", max_width=32)
    for name in ("rows", "complete", "incomplete", "not offered"):
        table.add_column(name, justify="right")
    absent: dict[str, int] = {}
    for (name, _), count in tally.not_offered.items():
        absent[name] = absent.get(name, 0) + count
    steps = {**tally.steps, **{name: StepCount() for name in absent if name not in tally.steps}}
    for name, step in list(steps.items())[:MAX_STEPS]:
        table.add_row(
            Text(safe(name, 60)),
            f"{step.rows:,}",
            f"{step.complete:,}",
            Text(f"{step.incomplete:,}", style="yellow" if step.incomplete else "dim"),
            Text(f"{absent.get(name, 0):,}" if absent.get(name) else "", style="dim"),
        )
    return table


def _why(tally: Tally) -> RenderableType:
    failed, partial, skipped = (tally.statuses[status] for status in ("failed", "partial", "skipped"))
    counts = ((failed, "failed"), (partial, "are partial"), (skipped, "were skipped"))
    heads = [f"{count:,} {words}" for count, words in counts if count]
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    kinds = tally.ranked()
    for kind in kinds[:MAX_KINDS]:
        table.add_row(Text(f"{kind.targets or kind.errors:,}", style="bold"), _kind(kind, tally))
    if len(kinds) > MAX_KINDS:
        rest = sum(kind.targets or kind.errors for kind in kinds[MAX_KINDS:])
        table.add_row(f"{rest:,}", f"of {len(kinds) - MAX_KINDS} more kinds: see summary.json")
    return Group(Text(f"Why {', '.join(heads)}", style="bold"), Padding(table, (0, 0, 0, 2)))


def _kind(kind: KindCount, tally: Tally) -> Text:
    known = kind.known
    shown = Text(safe(kind.kind, 60), style="bold red" if kind.targets else "bold yellow")
    if not kind.targets:
        shown.append(" errors in partial targets", style="not bold")
    elif kind.errors:
        shown.append(f" and {kind.errors:,} errors in partial targets", style="not bold")
    if known is not None:
        shown.append(f"  blame: {known.blame}", style="not bold dim")
    named = ", ".join(safe(example, 80) for example in kind.examples)
    more = (kind.targets or kind.errors) > len(kind.examples)
    shown.append(f"\n{named}{', ...' if more else ''}", style="not bold default")
    if kind.message:
        shown.append(f"\n{safe(kind.message, 240)}", style="not bold dim")
    if known is not None:
        shown.append(f"\nhint: {known.hint}", style="not bold italic default")
    for words in _in_common(kind, tally):
        shown.append(f"\n{words}", style="not bold yellow")
    return shown


def _in_common(kind: KindCount, tally: Tally) -> Iterator[str]:
    """What most targets of a kind share and the fleet as a whole does not: likely the cause."""
    for shares, whole, words in (
        (kind.proxies, tally.proxies, "went through {}"),
        (kind.labels, tally.labels, "have {}"),
    ):
        if best := _outstanding(shares, whole, kind.targets, tally.targets):
            key, count = best
            share = "all of them" if count == kind.targets else f"{count:,} of them"
            yield f"{share} {words.format(safe(key, 80))}"


def _outstanding(
    shares: Counter[str], whole: Counter[str], failed: int, targets: int
) -> tuple[str, int] | None:
    if failed < 3:
        return None
    for key, count in shares.most_common(1):
        if count >= SHARED * failed and whole[key] < SHARED * targets:
            return key, count
    return None


def _checks(tally: Tally) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("check", overflow="fold", max_width=32)
    for name in ("pass", "fail", "unknown"):
        table.add_column(name, justify="right")
    for name, judged in list(tally.checks.items())[:MAX_STEPS]:
        table.add_row(
            Text(safe(name, 60)),
            f"{judged['pass']:,}",
            Text(f"{judged['fail']:,}", style="red" if judged["fail"] else "dim"),
            f"{judged['unknown']:,}",
        )
    return table


def _remarks(tally: Tally, ending: Ending) -> Iterator[Text]:
    if ending.insecure:
        yield Text(
            f"certificates were not verified (--insecure): {_some(tally.targets, 'target')}", style="yellow"
        )
    if tally.plaintext:
        yield Text(f"credentials went without TLS to {_some(tally.plaintext, 'target')}", style="yellow")
    if tally.sessions_leaked:
        words = f"{tally.sessions_leaked:,} of {tally.sessions_opened:,} sessions were not confirmed closed"
        yield Text(words, style="yellow")
    for (scope, key), times in list(tally.breakers.items())[:10]:
        yield Text(f"{scope} {safe(key, 60)} was paused ({_some(times, 'time')})", style="yellow")
    if tally.violations:
        yield Text(f"{tally.violations:,} places where answers break their schema (advisory)", style="dim")
    if tally.notes:
        forgiven = ", ".join(f"{safe(name, 40)} {count:,}" for name, count in tally.notes.most_common(8))
        yield Text(f"forgiven: {forgiven}", style="dim")
    if tally.dropped:
        cut = ", ".join(f"{count:,} {safe(name, 40)}" for name, count in tally.dropped.most_common(8))
        yield Text(f"beyond the limits, counted only: {cut}", style="yellow")


def _next(tally: Tally, ending: Ending, run: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("run", Text(run))
    if ending.failed_files:
        listed = ", ".join(safe(name, 80) for name in ending.failed_files[:8])
        more = f" and {len(ending.failed_files) - 8} more" if len(ending.failed_files) > 8 else ""
        table.add_row("lists", Text(f"{listed}{more}: inventories, in the run's directory"))
    if tally.steps:
        table.add_row("rows", Text(f"fleet show {shlex.quote(run)} {safe(next(iter(tally.steps)), 60)}"))
    worth = [kind for kind in tally.ranked() if kind.targets and kind.known and kind.known.retryable]
    if not ending.complete:
        table.add_row("next", Text(f"fleet resume {shlex.quote(run)}", style="bold"))
    elif worth:
        groups = ",".join(dict.fromkeys(kind.known.group for kind in worth if kind.known))
        again = sum(kind.targets for kind in worth)
        command = Text(f"fleet resume {shlex.quote(run)} --kind {groups}", style="bold")
        table.add_row("next", command.append(f"  ({_some(again, 'target')})", style="not bold"))
    return table


def _some(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    return ""


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole // 60 % 60} min"
