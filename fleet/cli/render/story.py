"""What is known of one target, in the order in which a person asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.command import Command
from fleet.cli.render.facts import facts_of
from fleet.cli.render.tables import plain_table
from fleet.cli.render.timeline import timeline_of
from fleet.errors import FleetError
from fleet.observe import safe
from fleet.outcome import FailureKind, FailureRecord, Record
from fleet.phrases import size_text, some

if TYPE_CHECKING:
    from fleet.cli.render.again import Repeat

SHOWN = 20  # errors, violations, checks
_STYLES = {"ok": "bold green", "partial": "bold yellow", "failed": "bold red", "skipped": "bold"}
_WHY = {
    "ok": "every step that the target offers is complete",
    "partial": "some of it failed: what is there is true, what is missing is unknown",
    "failed": "nothing was found out",
    "skipped": "it was not asked to the end",
}
_KINDS = {kind.value: kind for kind in FailureKind}


def story(record: Record, repeat: Repeat) -> RenderableType:
    """The whole story; every text in it that came from the host is inert."""
    parts = [
        _head(record),
        _why(record, repeat),
        timeline_of(record),
        _steps(record),
        _errors(record, repeat),
        _checks(record),
        _violations(record),
        facts_of(record),
    ]
    shown = [part for part in parts if part is not None]
    return Group(*chain.from_iterable((part, Text("")) for part in shown[:-1]), *shown[-1:])


def _head(record: Record) -> Text:
    status = str(record["status"])
    text = Text(safe(record["id"], 200), style="bold")
    if record.get("target") != record["id"]:
        text.append(f"\nat {safe(record.get('target'), 200)}", style="not bold")
    labels = " ".join(f"{name}={value}" for name, value in (record.get("labels") or {}).items())
    if labels:
        text.append(f"\n{safe(labels, 300)}", style="not bold dim")
    text.append("\n")
    text.append(status, style=_STYLES.get(status, "bold"))
    text.append(f": {_WHY.get(status, '')}", style="not bold")
    cost = (
        f"\n{safe(record.get('started', ''), 40)}, took {record.get('seconds', 0):,.1f} s: "
        f"{some(record.get('requests', 0), 'request')}, {size_text(record.get('bytes', 0))}, "
        f"{some(record.get('retries', 0), 'retry', 'retries')}"
    )
    return text.append(cost, style="not bold dim")


def _why(record: Record, repeat: Repeat) -> RenderableType | None:
    failure = record.get("failure")
    if not failure:
        return None
    return Group(Text("Why", style="bold"), _failure(failure), *_call(record, failure, repeat))


def _failure(failure: FailureRecord, *, hint: bool = True) -> RenderableType:
    known = _KINDS.get(str(failure.get("kind")))
    text = Breaking(safe(failure.get("kind"), 60), style="bold red")
    if known is not None:
        text.append(f"  blame: {known.blame}  {known.meaning}", style="not bold default")
    text.append(f"\n{safe(failure.get('message', ''), 500)}", style="not bold default")
    where = [
        f"step {safe(failure['step'], 60)}" if failure.get("step") else "",
        f"at {safe(failure['uri'], 300)}" if failure.get("uri") else "",
        f"HTTP status {failure['status']}" if failure.get("status") else "",
        f"after {some(failure.get('attempts', 1), 'try', 'tries')}",
    ]
    text.append(f"\n{', '.join(filter(None, where))}", style="not bold default dim")
    if hint and known is not None and known.hint:
        text.append(f"\nhint: {known.hint}", style="not bold default italic")
    return Padding(text, (0, 0, 0, 2))


def _call(record: Record, failure: FailureRecord, repeat: Repeat) -> Iterator[RenderableType]:
    """The request again, if the description knows it."""
    uri = failure.get("uri")
    if not uri:
        return
    if "{" in str(uri):  # a template: what was asked for is in the timeline
        uri = _asked(record, failure) or uri
    try:
        command = repeat.call(record, str(uri))
    except FleetError as error:
        yield Text(f"  it cannot be repeated by a command: {safe(error, 200)}", style="dim")
        return
    yield Text("  ask for the same again:", style="dim")
    yield Command(command, indent=2)


def _asked(record: Record, failure: FailureRecord) -> str | None:
    """The path of the request that failed so, the last one, as far as the timeline has it."""
    for moment in reversed(record.get("timeline", ())):
        alike = all(moment.get(name) == failure.get(name) for name in ("step", "operation"))
        if (
            alike
            and "uri" in moment
            and failure.get("status", failure.get("kind")) in {moment.get("status"), moment.get("failure")}
        ):
            return str(moment["uri"])
    return None


def _steps(record: Record) -> RenderableType | None:
    steps = record.get("steps") or {}
    skipped: dict[str, list[str]] = {}
    for skip in record.get("skipped", ()):
        where = f" at {safe(skip['uri'], 120)}" if skip.get("uri") else ""
        skipped.setdefault(str(skip.get("step")), []).append(f"{safe(skip.get('why'), 120)}{where}")
    failed = Counter(str(error.get("step")) for error in record.get("errors", ()))
    if not steps and not skipped:
        return None
    table = plain_table()
    for name, right in (("step", False), ("rows", True), ("complete", False), ("", False)):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    nothing = []
    for name in dict.fromkeys((*steps, *skipped)):
        held = steps.get(name)
        if held is not None and not (held["rows"] or held["complete"] or failed[name] or name in skipped):
            nothing.append(safe(name, 60))
            continue
        notes = [f"{some(failed[name], 'request')} failed"] if failed[name] else []
        if absent := skipped.get(name):
            more = f" and {len(absent) - 1:,} more" if len(absent) > 1 else ""
            notes.append(f"not offered: {absent[0]}{more}")
        complete = "" if held is None else "yes" if held["complete"] else "no"
        if complete == "no" and not notes:
            notes = ["something it needs failed"]
        table.add_row(
            Text(safe(name, 60)),
            f"{len(held['rows']):,}" if held is not None else "",
            Text(complete, style="yellow" if complete == "no" else ""),
            Text("; ".join(notes), style="dim"),
        )
    if not nothing:
        return table
    return Group(table, Text(f"not asked for, as what they need failed: {', '.join(nothing)}", style="dim"))


def _errors(record: Record, repeat: Repeat) -> RenderableType | None:
    """The errors beside the failure that is told above; the first one with a command."""
    failure = record.get("failure")
    errors = [error for error in record.get("errors", ()) if error != failure]
    if not errors:
        return None
    dropped = (record.get("dropped") or {}).get("errors", 0)
    title = "Errors" if failure is None else "Further errors"
    parts: list[RenderableType] = [Text(f"{title} ({len(errors) + dropped:,})", style="bold")]
    told = {str(failure.get("kind"))} if failure else set()
    for error in errors[:SHOWN]:
        parts.append(_failure(error, hint=str(error.get("kind")) not in told))
        told.add(str(error.get("kind")))
        if failure is None and error is errors[0]:
            parts += _call(record, error, repeat)
    rest = len(errors) - SHOWN
    if rest > 0:
        parts.append(Text(f"  and {rest:,} more: fleet explain ... --format json", style="dim"))
    if dropped:
        parts.append(Text(f"  {dropped:,} were beyond the limit, and counted only", style="dim"))
    return Group(*parts)


def _checks(record: Record) -> RenderableType | None:
    checks = record.get("checks", ())
    if not checks:
        return None
    results = Counter(str(check.get("result")) for check in checks)
    text = Text("Checks: ", style="bold")
    counted = ", ".join(f"{results[result]:,} {result}" for result in ("pass", "fail", "unknown"))
    text.append(counted, style="not bold")
    failed = [check for check in checks if check.get("result") == "fail"]
    for check in failed[:SHOWN]:
        step, row = (*(check.get("row") or ()), "", "")[:2]
        message = f": {safe(check['message'], 200)}" if check.get("message") else ""
        line = f"\n  {safe(check.get('check'), 80)} failed on row {row} of {safe(step, 60)}{message}"
        text.append(line, style="not bold red")
    if len(failed) > SHOWN:
        text.append(f"\n  and {len(failed) - SHOWN:,} more", style="not bold dim")
    return text


def _violations(record: Record) -> RenderableType | None:
    violations = record.get("violations", ())
    if not violations:
        return None
    dropped = (record.get("dropped") or {}).get("violations", 0)
    places = sum(violation.get("times", 1) for violation in violations) + dropped
    text = Text(f"Answers that break their schema ({places:,}, advisory)", style="bold")
    for violation in violations[:SHOWN]:
        place = f"{safe(violation.get('uri'), 200)}#{safe(violation.get('pointer'), 200)}"
        text.append(
            f"\n  {safe(violation.get('rule'), 60)} at {place}{_difference(violation)}", style="not bold dim"
        )
    if len(violations) > SHOWN:
        text.append(f"\n  and {len(violations) - SHOWN:,} more", style="not bold dim")
    return text


def _difference(violation: Mapping[str, Any]) -> str:
    """What was wanted and what was there, as far as the outcome says."""
    parts = [
        f"{safe(violation['actual'], 100)}" if violation.get("actual") else "",
        f"wanted {safe(violation['expected'], 240)}" if violation.get("expected") else "",
        f"{violation['times']:,} times" if violation.get("times", 1) > 1 else "",
    ]
    told = ", ".join(filter(None, parts))
    return f": {told}" if told else ""
