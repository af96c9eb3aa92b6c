"""Secrets found by value in any text, however they are written there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

FEW_BEGINNINGS = 64  # beginnings of forms that are looked for one by one
_MASK = "***"
_TOO_SHORT = 4  # masking every "a" would destroy the text and tell the secret


class Masks:
    """Puts `***` where a text holds one of some values: as it is, percent-encoded, quoted, and inside any
    base64 text (the `user:password` of HTTP Basic), whatever stands before it there. Values of less than four
    characters are left alone."""

    __slots__ = ("_starts",)

    def __init__(self) -> None:
        self._starts: dict[str, tuple[str, ...]] = {}  # forms by their first characters, the longest first

    def add(self, forms: Iterable[str]) -> None:
        """Mask these too: `forms_of` a value."""
        for form in forms:
            start = form[:_TOO_SHORT]
            known = {*self._starts.get(start, ()), form}
            self._starts[start] = tuple(sorted(known, key=len, reverse=True))

    def knows(self, value: str) -> bool:
        """Whether that value is masked."""
        return value in self._starts.get(value[:_TOO_SHORT], ())

    def text(self, text: str) -> str:
        """The text with every known value masked; two that overlap are one mask."""
        starts = self._starts
        if not starts or (len(starts) <= FEW_BEGINNINGS and not any(start in text for start in starts)):
            return text
        parts: list[str] = []
        shown = masked = 0  # up to where the text was copied, and is masked
        for at in range(len(text) - _TOO_SHORT + 1):
            for form in starts.get(text[at : at + _TOO_SHORT], ()):
                if text.startswith(form, at):
                    if at >= masked:
                        parts += (text[shown:at], _MASK)
                    shown = masked = max(masked, at + len(form))
                    break
        return "".join(parts) + text[shown:]


def forms_of(value: str) -> tuple[str, ...]:
    """How a value may be written, as far as that is long enough to be masked."""
    forms = {value, quote(value, safe="", errors="replace"), quote_plus(value, errors="replace")}
    forms |= {json.dumps(value)[1:-1], repr(value)[1:-1], *_inside_base64(value)}
    return tuple(form for form in forms if len(form) >= _TOO_SHORT)


def _inside_base64(value: str) -> Iterator[str]:
    """What a value looks like in base64, for each of the three ways it can lie on the 3-byte groups.

    Characters that share bits with their neighbours are left out.
    """
    data = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode("ascii").rstrip("=")
        whole = encoded[(before * 8 + 5) // 6 :]
        yield whole[: len(data) * 8 // 6 - 1] if before or len(data) % 3 else whole
