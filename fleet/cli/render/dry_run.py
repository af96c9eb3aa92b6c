"""What `--dry-run` shows of a prepared scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleet.cli.render.breaking import Breaking
from fleet.cli.render.tables import plain_table
from fleet.cli.shell import from_here
from fleet.observe import safe
from fleet.phrases import host_text, some
from fleet.policy import MIB

MAX_GROUPS = 12  # labels, proxies and auths spelled out
_SECONDS = frozenset(
    ("connect", "tls", "request", "target", "logout", "backoff", "backoff_max", "retry_after_max", "reopen")
)
_BYTES = frozenset(("body", "headers", "item", "stream", "bodies", "line", "outcome"))


def dry_run(plan: Mapping[str, Any]) -> RenderableType:
    """The picture of `dry_run_of` a prepared scan.

    It reads: `spec`, `description`, `pipeline` (text); `targets` (count; None: a stream); `hosts` (host sets,
    and how many hosts are in none of them); `sample`, `shard`, `order`, `canary`, `pace` (text); `labels`,
    `proxies`, `auths` (name to count of targets); `unused` (section to the names that no target gets);
    `steps` (each: `name`, `from`, `request`, `fans_out`, `optional`); `requests` (the least number, over all
    targets; of a stream, for one); `estimate` (from an earlier run, text); `policy` (section to number to
    value). Whatever is missing is not shown.
    """
    return Group(*_parts(plan))


def _parts(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    head = Table.grid(padding=(0, 2))
    head.add_column(no_wrap=True)
    head.add_column(overflow="fold")
    for name in ("spec", "description", "pipeline"):
        if plan.get(name):
            head.add_row(name, Text(safe(from_here(str(plan[name])))))
    targets = plan.get("targets")
    head.add_row("targets", f"{targets:,}" if targets is not None else "unknown until standard input is read")
    if hosts := plan.get("hosts"):
        head.add_row("  hosts", Breaking(safe(host_text(*hosts), 600)))
    for name in ("sample", "shard", "order", "canary"):
        if plan.get(name):
            counted = ", counted from 0" if name == "shard" else ""
            head.add_row(f"  {name}", Text(safe(plan[name], 600) + counted))
    for name in ("labels", "proxies", "auths"):
        if counts := plan.get(name):
            head.add_row(f"  {name}", Text(_folded(counts)))
    if plan.get("unused"):
        head.add_row("  unused", Text(unused_text(plan["unused"]), style="yellow"))
    yield head
    if plan.get("steps"):
        yield Text("")
        yield _steps(plan)
    yield Text("")
    yield Text(_requests(plan))
    if plan.get("policy"):
        yield Text("")
        if plan.get("pace"):
            yield Text(f"pace {plan['pace']}, but for what was given:")
        yield _policy(plan["policy"])
    yield Text("")
    yield Text("dry run: no socket was opened", style="bold")


def unused_text(unused: Mapping[str, Sequence[str]]) -> str:
    """`auths lab-b; proxies jump: their match fits no target`."""
    names = [f"{section} {', '.join(safe(name, 60) for name in names)}" for section, names in unused.items()]
    one = sum(map(len, unused.values())) == 1
    return f"{'; '.join(names)}: {'its' if one else 'their'} match fits no target"


def _steps(plan: Mapping[str, Any]) -> Table:
    steps = plan["steps"]
    columns = {
        "step": [safe(step["name"], 60) for step in steps],
        "once per": [safe(step.get("from") or "target", 60) for step in steps],
        "asks": [_asks(step) for step in steps],
        "optional": [" ".join(str(status) for status in step.get("optional") or ()) for step in steps],
    }
    known = {"step", "asks", *("once per" for step in steps if "from" in step)}
    known |= {"optional" for step in steps if step.get("optional")}
    table = plain_table()
    for name in (name for name in columns if name in known):
        table.add_column(name, overflow="fold")
    for cells in zip(*(columns[name] for name in columns if name in known), strict=True):
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _asks(step: Mapping[str, Any]) -> str:
    asks = safe(step.get("request") or "", 300)
    return f"{asks} (fans out)" if step.get("fans_out") else asks


def _requests(plan: Mapping[str, Any]) -> str:
    least = plan.get("requests", 0)
    fanning = sum(bool(step.get("fans_out")) for step in plan.get("steps", ()))
    text = f"at least {some(least, 'request')}" + ("" if plan.get("targets") is not None else " per target")
    if fanning:
        steps = "1 step fans" if fanning == 1 else f"{fanning} steps fan"
        text += f"; {steps} out: how far, only the targets know"
    if plan.get("estimate"):
        text += f"\n{safe(plan['estimate'])}"
    return text


def _policy(policy: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, numbers in policy.items():
        if isinstance(numbers, Mapping):
            shown = "  ".join(f"{key} {_number(key, value)}" for key, value in numbers.items())
        else:
            shown = _number(name, numbers)
        table.add_row(safe(name, 40), Text(shown))
    return table


def _number(name: str, value: Any) -> str:
    """A number of the policy with its unit, written as the options take it."""
    if name == "requests":
        return "unlimited" if value is None else f"{value:g}/s"
    if name == "concurrency" and value is None:
        return "auto"
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _SECONDS and isinstance(value, int | float):
        return f"{value / 60:g}m" if value and not value % 60 else f"{value:g}s"
    if name in _BYTES and isinstance(value, int) and value:
        size, unit = (MIB, "MiB") if not value % MIB else (1024, "KiB")
        return f"{value // size}{unit}" if not value % size else f"{value}B"
    return f"{value:,}" if isinstance(value, int) else safe(value, 80)


def _folded(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{safe(name, 60)} {count:,}" for name, count in ranked[:MAX_GROUPS]]
    if len(ranked) > MAX_GROUPS:
        shown.append(f"and {len(ranked) - MAX_GROUPS} more")
    return ", ".join(shown)
