"""The one way by which remote text reaches a terminal, a log line or a label: nothing in it can act there."""

from __future__ import annotations


def safe(text: object, limit: int = 200) -> str:
    r"""One printable line of at most `limit` characters.

    Everything that is not printable (control characters and escape sequences, bidirectional and zero-width
    marks, line separators, lone surrogates) is written as its escape: `\x1b`, `\u202e`. What does not fit
    ends in `...`. The result is text, never markup: show it with markup interpretation off.
    """
    shown = text if isinstance(text, str) else str(text)
    if len(shown) > limit:  # cut before escaping: the cost is bounded whatever a host sent
        shown = shown[: max(limit - 3, 0)] + "..."
    if shown.isprintable():
        return shown
    escaped = "".join(char if char.isprintable() else _escape(char) for char in shown)
    return escaped if len(escaped) <= limit else escaped[: max(limit - 3, 0)] + "..."


def safe_block(text: str, *, lines: int = 60, limit: int = 300) -> str:
    """Several lines, each made safe by `safe`: for messages of our own that hold remote text."""
    parts = text.splitlines()
    shown = [safe(part, limit) for part in parts[:lines]]
    if len(parts) > lines:
        shown.append(f"... {len(parts) - lines} more lines")
    return "\n".join(shown)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
