"""What a person reads when a scan is over: counts that add up, why targets failed, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.next_steps import Ending, next_steps
from fleet.cli.render.tables import plain_table
from fleet.observe import KindCount, StepCount, Tally, safe
from fleet.outcome import FailureKind
from fleet.phrases import size_text, some, span_text

MAX_KINDS = 20  # failure kinds spelled out
MAX_STEPS = 60
MAX_PROXIES = 20
SHARED = 0.8  # of a kind's targets behind one proxy, or with one label: worth saying
_SKIPPED = {FailureKind.SKIPPED_EMPTY.value, FailureKind.SKIPPED_PAUSED.value}
_STYLES = {"ok": "green", "partial": "yellow", "failed": "red", "skipped": "dim"}


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
        yield next_steps(tally, ending, safe(ending.run, 200))


def _counts(tally: Tally, ending: Ending) -> Text:
    shown = Text(f"{some(tally.targets, 'target')} = ", style="bold")
    for number, (status, style) in enumerate(_STYLES.items()):
        count = tally.statuses[status]
        shown.append(" + " if number else "", style="not bold")
        shown.append(f"{count:,} {status}", style=style if count else "dim")
    missing = tally.in_flight
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
        f"\n{some(tally.requests, 'request')}, {size_text(tally.bytes)} received, "
        f"{some(tally.retries, 'retry', 'retries')}, "
        f"{span_text(tally.seconds)}{_found(tally)}"
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
    if len(empty) > 1:  # as where every target failed at once: one line is enough for them
        steps = {name: step for name, step in steps.items() if name not in empty}
    for name, step in list(steps.items())[:MAX_STEPS]:
        table.add_row(
            Breaking(safe(name, 60)),
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
        shown.append(f" and {some(kind.errors, 'error')} in partial targets", style="not bold")
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
            Breaking(safe(name, 60)),
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
            f"certificates were not verified (--insecure): {some(tally.targets, 'target')}", style="yellow"
        )
    if tally.plaintext:
        yield Text(f"credentials went without TLS to {some(tally.plaintext, 'target')}", style="yellow")
    if tally.sessions_leaked:
        verb = "was" if tally.sessions_leaked == 1 else "were"
        sessions = f"{tally.sessions_leaked:,} of {some(tally.sessions_opened, 'session')}"
        yield Text(f"{sessions} {verb} not confirmed closed", style="yellow")
    for (scope, key), times in list(tally.breakers.items())[:10]:
        yield Text(f"{scope} {safe(key, 60)} was paused ({some(times, 'time')})", style="yellow")
    if tally.violations:
        places = some(tally.violations, "place")
        yield Text(f"{places} where answers break their schema (advisory)", style="dim")
    if tally.notes:
        forgiven = ", ".join(f"{safe(name, 40)} {count:,}" for name, count in tally.notes.most_common(8))
        yield Text(f"forgiven: {forgiven}", style="dim")
    if tally.dropped:
        cut = ", ".join(f"{count:,} {safe(name, 40)}" for name, count in tally.dropped.most_common(8))
        yield Text(f"beyond the limits, counted only: {cut}", style="yellow")
