"""What a person reads when a scan is over: counts that add up, why targets failed, what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.tables import plain_table
from fleet.frozen import frozen
from fleet.observe import KindCount, StepCount, Tally, safe
from fleet.outcome import FailureKind

MAX_KINDS = 20  # failure kinds spelled out
MAX_STEPS = 60
MAX_PROXIES = 20
SHARED = 0.8  # of a kind's targets behind one proxy, or with one label: worth saying
_AFTER_A_PAUSE = {FailureKind.AUTH_REJECTED, FailureKind.AUTH_PAUSED, FailureKind.SKIPPED_PAUSED}
_SKIPPED = {FailureKind.SKIPPED_EMPTY.value, FailureKind.SKIPPED_PAUSED.value}
_STYLES = {"ok": "green", "partial": "yellow", "failed": "red", "skipped": "dim"}


@frozen(kw_only=True)
class Ending:
    """How a scan ended, as far as the tally does not know it."""

    run: str | None  # what `fleet resume` and `fleet show` take; None when an error ended the scan
    complete: bool
    insecure: bool = False
    unwell: bool = False  # its canaries: the other targets were left alone
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
    if tally.proxies:
        yield Text("")
        yield _proxies(tally)
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
    shown = Text(f"{_some(tally.targets, 'target')} = ", style="bold")
    for number, (status, style) in enumerate(_STYLES.items()):
        count = tally.statuses[status]
        shown.append(" + " if number else "", style="not bold")
        shown.append(f"{count:,} {status}", style=style if count else "dim")
    missing = tally.in_hand
    if missing:
        shown.append(f"\n{missing:,} were in hand and have no outcome", style="bold red")
    elif ending.complete:
        shown.append("\nevery target has exactly one outcome", style="not bold")
    elif ending.unwell:
        shown.append(
            "\nthe canaries are not well: the other targets were left alone", style="yellow not bold"
        )
    else:
        shown.append("\nstopped early: every target begun has exactly one outcome", style="yellow not bold")
    if tally.earlier:
        shown.append(f"; {tally.earlier:,} of them were stored earlier", style="not bold")
    amounts = (
        f"\n{tally.requests:,} requests, {_size(tally.bytes)} received, {tally.retries:,} retries, "
        f"{_span(tally.seconds)}{_found(tally)}"
    )
    return shown.append(amounts, style="not bold dim")


def _found(tally: Tally) -> str:
    """The limits that were found, where they moved at all."""
    text = f", {tally.concurrency:,} targets at once" if tally.concurrency is not None else ""
    found = list(tally.proxy_limits.items())[:MAX_PROXIES]
    return text + "".join(f", {limit:,} through {safe(key, 60)}" for key, limit in found)


def _steps(tally: Tally) -> RenderableType:
    table = plain_table()
    title = f"step of {safe(tally.pipeline, 40)}" if tally.pipeline else "step"
    table.add_column(title, overflow="fold", max_width=32)
    absent: dict[str, int] = {}
    for (name, _), count in tally.not_offered.items():
        absent[name] = absent.get(name, 0) + count
    for name in ("rows", "complete", "incomplete", *(["not offered"] if absent else [])):
        table.add_column(name, justify="right")
    steps = {**tally.steps, **{name: StepCount() for name in absent if name not in tally.steps}}
    empty = [name for name, step in steps.items() if not (step.rows or step.complete or absent.get(name))]
    if len(empty) > 1:  # as where every target failed at the door: one line says so
        steps = {name: step for name, step in steps.items() if name not in empty}
    for name, step in list(steps.items())[:MAX_STEPS]:
        table.add_row(
            Text(safe(name, 60)),
            f"{step.rows:,}",
            f"{step.complete:,}",
            Text(f"{step.incomplete:,}", style="yellow" if step.incomplete else "dim"),
            *([Text(f"{absent[name]:,}" if name in absent else "", style="dim")] if absent else []),
        )
    if len(empty) < 2:
        return table
    names = ", ".join(safe(name, 60) for name in empty[:MAX_STEPS])
    return Group(*([table] if steps else []), Text(f"on no target: {names}", style="dim"))


def _proxies(tally: Tally) -> Table:
    """How many targets each way to them had, and how many of those failed."""
    table = plain_table()
    table.add_column("proxy", overflow="fold", max_width=48)
    for name in ("targets", "failed"):
        table.add_column(name, justify="right")
    failed: Counter[str] = Counter()
    for kind in tally.kinds.values():
        if kind.kind not in _SKIPPED:
            failed.update(kind.proxies)
    ways = [(safe(key, 80), count, failed[key]) for key, count in tally.proxies.most_common(MAX_PROXIES)]
    if rest := tally.targets - sum(tally.proxies.values()):
        ways.append(("(none)", rest, max(tally.statuses["failed"] - sum(failed.values()), 0)))
    for way, targets, lost in ways:
        table.add_row(Text(way), f"{targets:,}", Text(f"{lost:,}", style="red" if lost else "dim"))
    if len(tally.proxies) > MAX_PROXIES:
        table.add_row(f"and {len(tally.proxies) - MAX_PROXIES:,} more proxies", "", "")
    return table


def _why(tally: Tally) -> RenderableType:
    failed, partial, skipped = (tally.statuses[status] for status in ("failed", "partial", "skipped"))
    counts = (
        (failed, "failed"),
        (partial, "is partial" if partial == 1 else "are partial"),
        (skipped, "was skipped" if skipped == 1 else "were skipped"),
    )
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
        noun = "error" if kind.errors == 1 else "errors"
        shown.append(f" {noun} in partial targets", style="not bold")
    elif kind.errors:
        shown.append(f" and {_some(kind.errors, 'error')} in partial targets", style="not bold")
    if known is not None:
        shown.append(f"  blame: {known.blame}", style="not bold dim")
    named = ", ".join(safe(example, 80) for example in kind.examples)
    more = (kind.targets or kind.errors) > len(kind.examples)
    shown.append(f"\n{named}{', ...' if more else ''}", style="not bold default")
    if kind.message:
        shown.append(f"\n{safe(kind.message, 240)}", style="not bold dim")
    if known is not None and known.hint:
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
    table = plain_table()
    table.add_column("check", overflow="fold", max_width=32)
    waived = any(judged["waived"] for judged in tally.checks.values())
    for name in ("pass", "fail", *(["waived"] if waived else []), "unknown"):
        table.add_column(name, justify="right")
    for name, judged in list(tally.checks.items())[:MAX_STEPS]:
        table.add_row(
            Text(safe(name, 60)),
            f"{judged['pass']:,}",
            Text(f"{judged['fail']:,}", style="red" if judged["fail"] else "dim"),
            *(
                [Text(f"{judged['waived']:,}", style="yellow" if judged["waived"] else "dim")]
                if waived
                else []
            ),
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
        first, others = safe(ending.failed_files[0], 80), len(ending.failed_files) - 1
        what = f" and {others} more like it: inventories," if others else ": an inventory,"
        table.add_row("lists", Text(f"{run}/{first}{what} to scan again or to pass on"))
    if tally.steps:
        table.add_row("rows", Text(f"fleet show {shlex.quote(run)} {safe(next(iter(tally.steps)), 60)}"))
    if any(judged["fail"] for judged in tally.checks.values()):
        table.add_row("checks", Text(f"fleet checks {shlex.quote(run)}"))
    if tally.kinds:
        table.add_row("why", Text(f"fleet report {shlex.quote(run)}"))
    if ending.unwell:
        once = Text(f"fleet resume {shlex.quote(run)} --kind all", style="bold")
        table.add_row(
            "next", once.append("  (mended: the canaries again, then the others)", style="not bold")
        )
        table.add_row("or", Text(f"fleet resume {shlex.quote(run)} --past-canary  (the others all the same)"))
    elif not ending.complete:
        table.add_row("next", Text(f"fleet resume {shlex.quote(run)}", style="bold"))
    elif again := _again(tally):
        kinds = ",".join(_named(again, tally))
        command = Text(f"fleet resume {shlex.quote(run)} --kind {kinds}", style="bold")
        count = _some(sum(kind.targets for kind in again), "target")
        table.add_row("next", command.append(f"  ({count})", style="not bold"))
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
