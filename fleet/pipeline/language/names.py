"""The `$names` of an expression: found outside quotes, lifted out, and bound to values when it runs.

JMESPath has no variables. `$up.system.id == 'x'` becomes `bound_0_ == 'x'`, and the place of `bound_0_`
is taken by a node that reads the binding: a value never becomes expression text.
"""

from __future__ import annotations

import re

from fleet.frozen import frozen

PLACEHOLDER = "fleet_bound_{}_"

# How many words each family of names takes after its own: `$up.STEP.OUTPUT` takes two.
FAMILIES = {
    "up": "$up.STEP.OUTPUT",
    "target": "$target.id, $target.url or $target.labels.NAME",
    "inputs": "$inputs.NAME",
    "lookup": "$lookup.COLUMN",
    "response": "$response.status or $response.header.NAME",
    "credential": "$credential.username or $credential.password",
}
_WORD = r"""(?:[A-Za-z_][A-Za-z0-9_-]*|"(?:[^"\\]|\\.)*")"""
_NAME = re.compile(rf"\$([A-Za-z_][A-Za-z0-9_]*)((?:\.{_WORD})*)")
_PART = re.compile(rf"\.({_WORD})")
_QUOTES = frozenset("'\"`")


@frozen
class Name:
    """One lifted name: `up` with `("system", "id")`. `text` is how it was written."""

    family: str
    words: tuple[str, ...]
    text: str


def lift(text: str) -> tuple[str, tuple[Name, ...]]:
    """The expression without its names, and the names, in order of appearance.

    Raises ValueError for a name of no known family, with too few words, or after a dot.
    """
    out: list[str] = []
    names: list[Name] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char in _QUOTES:
            end = _end_of_quote(text, at)
            out.append(text[at:end])
            at = end
        elif char == "$":
            if "".join(out).rstrip().endswith("."):
                raise ValueError(f"a name begins an expression, it cannot follow a dot: {text[at:]!r}")
            name, end = _name_at(text, at)
            out.append(PLACEHOLDER.format(len(names)))
            names.append(name)
            at = end
        else:
            out.append(char)
            at += 1
    return "".join(out), tuple(names)


def _end_of_quote(text: str, start: int) -> int:
    """Where the quoted text that begins at `start` ends (the end of the text when it never does)."""
    quote = text[start]
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == quote:
            return at + 1
        else:
            at += 1
    return len(text)


def _name_at(text: str, start: int) -> tuple[Name, int]:
    found = _NAME.match(text, start)
    if found is None:
        raise ValueError(f"a name is missing after '$' in {text!r}: one of {_families()}")
    family = found[1]
    if family not in FAMILIES:
        raise ValueError(f"unknown name ${family}: known are {_families()}")
    parts = list(_PART.finditer(text, found.start(2), found.end(2)))
    words = [_plain(part[1]) for part in parts]
    wanted = _words_of(family, words)
    if len(words) < wanted:
        raise ValueError(f"{found[0]!r} is too short: write {FAMILIES[family]}")
    end = parts[wanted - 1].end() if wanted else found.end(1)
    return Name(family, tuple(words[:wanted]), text[start:end]), end


def _words_of(family: str, words: list[str]) -> int:
    """How many of the words after the family belong to the name; what follows is JMESPath."""
    if family == "up":
        return 2
    if (family == "target" and words[:1] == ["labels"]) or (family == "response" and words[:1] == ["header"]):
        return 2
    return 1


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word


def _families() -> str:
    return "; ".join(FAMILIES.values())
