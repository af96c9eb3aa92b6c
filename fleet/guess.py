"""What a misspelt word may have meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

LISTED = 12  # known words that a hint spells out
COMPARED = 20_000  # more than these are not searched: a hint must not cost seconds


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`; None when nothing is close."""
    from difflib import get_close_matches  # noqa: PLC0415  # only when something is wrong

    names = list(known)
    near = get_close_matches(word, names, n=1) if len(names) <= COMPARED else []
    return near[0] if near else None


def relatives(word: str, known: Iterable[str]) -> list[str]:
    """The known words of which `word` is a whole part: `Node` is one of `Node-Input` and of `app.Node`."""
    part = re.compile(rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])")
    return sorted(name for name in known if part.search(name)) if word else []


def no_such_field(names: Iterable[str], known: Collection[str]) -> str | None:
    """The message for a condition that reads a name which no target has; None where all `names` are known.

    It has to be refused: two values that are not there are equal, so it would hold for every target.
    """
    name = min(set(names).difference(known), default=None)
    if name is None:
        return None
    near = closest(name, known)
    meant = f"did you mean {near}? a" if near else "a"
    return (
        f"there is no field {name!r}\n"
        f"  {meant} label is written labels.{name}, a text '{name}', in single quotes; "
        "--list-fields names the fields"
    )


def guess(word: str, known: Iterable[str]) -> str:
    """`did you mean 'system'?`, or the list of what is known when nothing is close."""
    names = sorted(known)
    if (near := closest(word, names)) is not None:
        return f"did you mean {near!r}?"
    if not names:
        return "none is defined"
    shown = ", ".join(names[:LISTED])
    return f"known: {shown}{', ...' if len(names) > LISTED else ''}"
