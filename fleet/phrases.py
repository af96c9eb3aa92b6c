"""Phrases of every page and every terminal. Where what comes in is remote text, so is what comes out."""

from __future__ import annotations

from collections.abc import Sequence


def host_text(hosts: Sequence[str], unnamed: int) -> str:
    """`bmc-[001-074], bmc-99 and 212 more`."""
    named = ", ".join(hosts)
    if not unnamed:
        return named
    return f"{named} and {unnamed:,} more" if named else f"{unnamed:,}"


def days_left(days: int) -> str:
    """`in 12 days`, `today`, `3 days ago`."""
    if days == 0:
        return "today"
    count = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f"in {count}" if days > 0 else f"{count} ago"


def seconds_text(seconds: float) -> str:
    """As exact as a person wants it: `0.35 s`, `12.5 s`, `310 s`."""
    digits = 2 if seconds < 1 else 1 if seconds < 100 else 0
    return f"{seconds:,.{digits}f} s"


def span_text(seconds: float) -> str:
    """How long something took that may take hours: `7.2 s`, `12 min 5 s`, `3 h 40 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole // 60 % 60} min"


def some(count: int, noun: str, plural: str = "") -> str:
    """`1 target`, `2,000 targets`; `plural` where it is not the noun and an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"


def size_text(size: float) -> str:
    """Bytes with a unit: `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"
