r"""Characters in two halves: JSON escapes them so (`"\ud83d\ude00"`), YAML does not, and libyaml refuses it.
Programs in Java write YAML so, and JSON with a comment or a trailing comma is read as YAML."""

from __future__ import annotations

import re
from typing import Any

_PAIR = r"\\(?:\\|u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2}))"
_PAIRS = re.compile(_PAIR)
_PAIRS_OF_BYTES = re.compile(_PAIR.encode())
_WHOLE = re.compile(r"\\U[0-9A-F]{8}")


def is_half(error: Any) -> bool:
    """Whether libyaml has met an escape that is no character: half of one, as a rule."""
    return "Unicode character escape" in str(getattr(error, "problem", ""))


def joined(text: bytes | str) -> tuple[bytes | str, dict[str, str]]:
    """The text with each pair of halves as one escape of YAML, and what was written for each of those."""
    spelt: dict[str, str] = {}

    def whole(first: str, second: str, written: str) -> str:
        made = f"\\U{0x10000 + ((int(first, 16) & 0x3FF) << 10) + (int(second, 16) & 0x3FF):08X}"
        spelt.setdefault(made, written)
        return made

    # A backslash that is escaped has no group: what follows it is text.
    if isinstance(text, str):
        return _PAIRS.sub(lambda m: whole(m[1], m[2], m[0]) if m[1] else m[0], text), spelt
    return _PAIRS_OF_BYTES.sub(
        lambda m: whole(m[1].decode(), m[2].decode(), m[0].decode()).encode() if m[1] else m[0], text
    ), spelt


class Rejoined:
    """libyaml's parser of a text that was `joined`: where no escapes are, the halves are text as it was."""

    def __init__(self, parser: Any, spelt: dict[str, str]) -> None:
        self._parser = parser
        self._spelt = spelt
        self.check_event: Any = parser.check_event

    def get_event(self) -> Any:
        event = self._parser.get_event()
        if getattr(event, "style", '"') != '"' and isinstance(value := getattr(event, "value", None), str):
            event.value = _WHOLE.sub(lambda found: self._spelt.get(found[0], found[0]), value)
        return event
