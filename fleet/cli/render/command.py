"""A command, shown so that it can be copied."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text

from fleet.observe import safe

_WORD = re.compile(r"(?:'[^']*'|[^\s'])+")
_OPTION = re.compile(
    rf"--[a-z-]+ +(?![-|])({_WORD.pattern})|{_WORD.pattern}"
)  # with its value, where it has one


class Command:
    """A shell command. Where it is longer than a line, lines end in a backslash, and an option stays with its
    value. A `remark` stands behind it, or below where there is no room."""

    def __init__(self, command: str, *, indent: int = 0, style: str = "", remark: str = "") -> None:
        self._words = [found[0] for found in _OPTION.finditer(safe(command, 4000))]
        self._indent = " " * indent
        self._style = style
        self._remark = remark

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        line = ""
        for word in self._words:
            if line and len(self._indent) + len(line) + len(word) + 3 > options.max_width:
                yield Text(f"{self._indent}{line} \\", style=self._style)
                line = f"  {word}"
            else:
                line = f"{line} {word}" if line else word
        last = Text(self._indent).append(line, style=self._style)
        if self._remark and len(last) + 2 + len(self._remark) > options.max_width:
            yield last
            last = Text(self._indent)
        yield last.append(f"  {self._remark}") if self._remark else last
