"""Long words, broken where a person would break them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.containers import Lines
from rich.text import Text

_WORD = re.compile(r"\s*\S+\s*")
_PART = re.compile(r"[^,]+,*|,+")
_BIT = re.compile(r"[^/_.:-]*[/_.:-]|[^/_.:-]+")


class Breaking(Text):
    """A text whose long words break after a comma, else after a mark, and inside of digits and letters only
    where there is neither: host sets (`127.0.0.[2,15,36]:443`), paths, and names with hyphens."""

    def wrap(self, *args: Any, **kwargs: Any) -> Lines:
        """The lines; what fits is left to rich."""
        width: int = args[1] if len(args) > 1 else kwargs["width"]
        broken = Lines()
        for line in self.split(allow_blank=True):
            offsets = list(_breaks(line.plain, width)) if _longest(line.plain) > width else []
            for part in line.divide(offsets):
                part.rstrip_end(width)
                broken.extend(Text.wrap(part, *args, **kwargs))
        return broken


def _longest(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where lines of `width` columns begin, but the first."""
    taken = at = 0
    for piece in _pieces(text, width):
        size = cell_len(piece.rstrip())
        if taken and taken + size > width:
            yield at
            taken = 0
        taken += cell_len(piece)
        at += len(piece)


def _pieces(text: str, width: int) -> Iterator[str]:
    """What stays together: words, and of those that are longer than a line parts, as long as can be."""
    for word in _WORD.findall(text):
        if cell_len(word.strip()) <= width:
            yield word
            continue
        for part in _PART.findall(word):
            if cell_len(part.strip()) <= width:
                yield part
            else:
                yield from _BIT.findall(part)
