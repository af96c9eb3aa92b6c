"""What happened on one target, in order: the part of its story that says when, how long and why again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.tables import plain_table
from fleet.observe import safe
from fleet.phrases import size_text, some

LINES = 40  # requests shown; of others that went well only the slowest, the rest is summed up where it stood
WIDE = 90  # columns from which on the steps have one of their own
NOTABLE_WAIT = 0.05  # seconds before a request that are worth a word

Record = Mapping[str, Any]

_NOTES = {
    "connected": "connected",
    "connection_reused": "took over the connection of an earlier round",
    "secret_read": "read the secret of {auth}",
    "secret_read_again": "{auth} was refused: read its secret again",
    "waited": "waited for other targets to get in with {auth}",
    "logged_in": "logged in with {auth}: the host opened a session",
    "session_reused": "went on with the session of an earlier round",
    "session_refused": "the host refused the session (401): a new login",
    "basic_instead": "the host has no session to give: {auth} goes with every request",
    "login_failed": "{auth} did not get in",
    "logged_out": "logged out",
    "logout_unconfirmed": "logged out, but the host did not confirm it",
    "session_kept": "kept the session for the next round",
}
_RULES = {
    "retry_after": "the host said when",
    "backoff": "backed off",
    "reconnect": "the idle connection was dead",
}


class Timeline:
    """The moments of a record, as a table that fits the terminal. All that came from the host is inert."""

    def __init__(self, record: Record) -> None:
        self._moments: Sequence[Record] = [one for one in record.get("timeline", ()) if isinstance(one, dict)]
        self._untold = int(record.get("untold") or 0)
        self._auth = safe(record.get("auth") or "the credential", 60)

    def __bool__(self) -> bool:
        return bool(self._moments)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        table = plain_table()
        table.add_column("at s", justify="right", no_wrap=True)
        table.add_column("took s", justify="right", no_wrap=True)
        table.add_column("answer", overflow="fold")
        table.add_column("", no_wrap=True)
        table.add_column("what", overflow="fold")
        if wide:
            table.add_column("size", justify="right", no_wrap=True)
            table.add_column("step", overflow="fold")
        dialed = 0.0
        for shown, moments in self._runs():
            if not shown:
                self._sum_up(table, moments)
                continue
            for moment in moments:
                at, took = _seconds(moment.get("at")), _seconds(moment.get("seconds"))
                if "what" in moment:
                    table.add_row(at, took, "", "", Text(self._note(moment), style="italic"))
                    dialed = moment.get("seconds") or 0.0 if moment["what"] == "connected" else 0.0
                    continue
                what = Breaking(safe(moment.get("uri"), 300))
                if aside := _aside(moment, dialed, wide=wide):
                    what.append(f"\n{aside}", style="yellow" if moment.get("again") else "dim")
                size = size_text(moment["bytes"]) if moment.get("bytes") else ""
                beside = (size, Text(safe(moment.get("step") or "", 60), style="dim")) if wide else ()
                table.add_row(at, took, _answer(moment), safe(moment.get("method"), 10), what, *beside)
                dialed = 0.0
        yield from (table, *self._rest())

    def _runs(self) -> Iterator[tuple[bool, list[Record]]]:
        """The moments, and whether those in a row are shown one by one."""
        told = {at for at, moment in enumerate(self._moments) if "what" in moment or _notable(moment)}
        others = sorted(
            (at for at in range(len(self._moments)) if at not in told),
            key=lambda at: -float(self._moments[at].get("seconds") or 0),
        )
        told.update(others[: max(LINES - len(told), 0)])
        for shown, run in groupby(enumerate(self._moments), key=lambda pair: pair[0] in told):
            yield shown, [moment for _, moment in run]

    def _sum_up(self, table: Table, moments: Sequence[Record]) -> None:
        took = sum(float(moment.get("seconds") or 0) for moment in moments)
        text = f"{some(len(moments), 'request')} that went well"
        table.add_row("", _seconds(took), "", "", Text(text, style="dim"))

    def _note(self, moment: Record) -> str:
        what = str(moment.get("what"))
        text = _NOTES.get(what, safe(what, 60)).replace("{auth}", self._auth)
        tls = moment.get("tls")
        return f"{text}, {_seconds(tls)} s of it TLS" if isinstance(tls, int | float) else text

    def _rest(self) -> list[RenderableType]:
        if not self._untold:
            return []
        text = (
            f"and {some(self._untold, 'request')} that went well, none slower than these: not kept one by one"
        )
        return [Text(text, style="dim")]


def timeline_of(record: Record) -> RenderableType | None:
    """The part of a story; None of an outcome that holds none, as those of earlier versions."""
    timeline = Timeline(record)
    return Group(Text("When", style="bold"), timeline) if timeline else None


def _notable(moment: Record) -> bool:
    status = moment.get("status")
    return bool(not isinstance(status, int) or status >= 400 or moment.get("again") or moment.get("attempt"))


def _answer(moment: Record) -> Text:
    status = moment.get("status")
    if failure := moment.get("failure"):
        return Text(safe(failure, 60), style="red")
    if status is None:
        return Text("cut off", style="red")
    return Text(safe(status, 10), style="red" if isinstance(status, int) and status >= 400 else "")


def _aside(moment: Record, dialed: float, *, wide: bool) -> str:
    """What else there is to say of a request: why it was sent again, which try it is, and what it waited for
    beside the connection that took `dialed` seconds."""
    parts = []
    if not wide:
        parts += [size_text(moment["bytes"])] if moment.get("bytes") else []
        parts += [safe(moment["step"], 60)] if moment.get("step") else []
    parts += [f"try {moment['attempt']}"] if moment.get("attempt", 1) > 1 else []
    if (waited := (moment.get("waited") or 0.0)) - dialed >= NOTABLE_WAIT:
        parts.append(f"waited {_seconds(waited)} s before it was sent")
    again = moment.get("again")
    if isinstance(again, dict):
        rule = _RULES.get(str(again.get("rule")), safe(again.get("rule"), 40))
        wait = again.get("wait") or 0
        parts.append(f"again after {_seconds(wait)} s: {rule}" if wait else f"again at once: {rule}")
    return ", ".join(parts)


def _seconds(value: object) -> str:
    """`0.003`, `2.18`, `310`: as exact as a column of them can use."""
    if not isinstance(value, int | float):
        return ""
    return f"{value:.3f}" if value < 1 else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
