"""The plain facts of one target: by what it was reached, what certificate it showed, which run asked it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from fleet.observe import safe
from fleet.outcome import Record
from fleet.phrases import days_left, some


def facts_of(record: Record) -> RenderableType:
    """Credential, proxy, certificate, what was forgiven, run: a name and a value a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _named_facts(record):
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def _named_facts(record: Record) -> Iterator[tuple[str, str]]:
    yield from _named_ways(record)
    tls = record.get("tls")
    if isinstance(tls, dict):
        spoken = " ".join(str(tls[name]) for name in ("version", "cipher") if tls.get(name))
        if spoken:
            yield "TLS", safe(spoken, 120)
        end = str(tls.get("not_after", ""))
        if end:
            yield (
                "certificate",
                f"ends {safe(end[:10], 40)}{_left(end)}" + ", self-signed" * bool(tls.get("self_signed")),
            )
        for name in ("subject", "issuer", "sha256"):
            if tls.get(name):
                yield f"  {name}", safe(tls[name], 200)
    elif str(record.get("target", "")).startswith("https"):
        yield "TLS", "no certificate was accepted"
    counted = (("forgiven", record.get("notes")), ("beyond the limits", record.get("dropped")))
    for what, counts in counted:
        if counts:
            yield what, ", ".join(f"{safe(key, 60)} {count:,}" for key, count in counts.items())
    yield "run", safe(record.get("run", ""), 80)
    yield "pipeline", safe(record.get("pipeline", ""), 80)


def _named_ways(record: Record) -> Iterator[tuple[str, str]]:
    """Credential and proxy, by name, with the rule that chose them; what came of a login is in the timeline,
    and in few words here."""
    chosen = record.get("chosen")
    chosen = chosen if isinstance(chosen, dict) else {}
    for label, name in (("credential", "auth"), ("proxy", "proxy")):
        text = safe(record.get(name) or "none", 200) + " (by name)" * (
            name == "auth" and bool(record.get(name))
        )
        if how := chosen.get(name):
            text += f", chosen {'as' if str(how).startswith('the ') else 'by'} {safe(how, 200)}"
        yield label, text
    happened = Counter(str(moment.get("what")) for moment in record.get("timeline", ()))
    told = [
        some(happened[what], noun)
        for what, noun in (
            ("logged_in", "login"),
            ("session_refused", "renewal"),
            ("login_failed", "refusal"),
        )
        if happened[what]
    ]
    if happened["session_reused"]:
        told.append("went on with a session of an earlier round")
    if happened["logout_unconfirmed"]:
        told.append("the logout was not confirmed")
    if told:
        yield "session", ", ".join(told)


def _left(end: str) -> str:
    from datetime import UTC, datetime

    try:
        day = datetime.fromisoformat(end).date()
    except ValueError:
        return ""
    return f" ({days_left((day - datetime.now(UTC).date()).days)})"
