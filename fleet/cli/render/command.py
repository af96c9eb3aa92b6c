"""A command, shown so that it can be copied."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Console, ConsoleOptions
from rich.text import Text

from fleet.observe import safe

_WORD = re.compile(r"(?:'[^']*'|[^\s'])+")


class Command:
    """A shell command. Where it is longer than a line, lines end in a backslash."""

    def __init__(self, command: str, *, indent: int = 0) -> None:
        self._words = _WORD.findall(safe(command, 4000))
        self._indent = " " * indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        line = ""
        for word in self._words:
            if line and len(self._indent) + len(line) + len(word) + 3 > options.max_width:
                yield Text(f"{self._indent}{line} \\")
                line = f"  {word}"
            else:
                line = f"{line} {word}" if line else word
        yield Text(self._indent + line)
