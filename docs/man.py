"""Writes the manual pages of all commands, from what `--help` is made of.

python docs/man.py FOLDER            write them below FOLDER/man1
python docs/man.py --check FOLDER    exit status 1 when one is not current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import fleet
from fleet.cli.entry import group
from fleet.cli.statuses import HELP

WIDTH = 10_000  # of lines that roff fills itself


class Page(click.HelpFormatter):
    """Takes what click writes into a help text, and makes roff of it."""

    def __init__(self) -> None:
        super().__init__(width=WIDTH)
        self.roff: list[str] = []

    def write_heading(self, heading: str) -> None:
        self.roff.append(f".SH {escaped(heading).upper()}")

    def write_dl(self, rows, col_max: int = 30, col_spacing: int = 2) -> None:  # type: ignore[no-untyped-def]
        for term, text in rows:
            self.roff += [".TP", f".B {escaped(term)}", escaped(" ".join(text.split()))]

    def write(self, string: str) -> None:
        """Lines that stand as they are: examples."""
        if text := string.strip():
            self.roff += [".nf", escaped(text), ".fi"]


def pages() -> dict[str, str]:
    """Every manual page by its file name."""
    return {f"{name.replace(' ', '-')}.1": page(name, context) for name, context in commands()}


def commands() -> Iterator[tuple[str, click.Context]]:
    """Every command by its full name, the outer ones first."""
    waiting = [("fleet", click.Context(group, info_name="fleet", help_option_names=["-h", "--help"]))]
    while waiting:
        name, context = waiting.pop(0)
        yield name, context
        if isinstance(context.command, click.Group):
            for each in context.command.list_commands(context):
                command = context.command.get_command(context, each)
                if command is not None and not command.hidden:
                    waiting.append((f"{name} {each}", click.Context(command, parent=context, info_name=each)))


def page(name: str, context: click.Context) -> str:
    """One manual page."""
    command = context.command
    title = name.replace(" ", "-")
    usage = " ".join(command.collect_usage_pieces(context))
    inner = Page()
    command.format_options(context, inner)
    lines = [
        f'.TH "{title.upper()}" "1" "" "fleet {fleet.__version__}" "fleet"',
        ".SH NAME",
        f"{escaped(title)} \\- {escaped(command.get_short_help_str(200).rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {escaped(name)}",
        escaped(usage),
        ".SH DESCRIPTION",
        *described(command.help or ""),
        *inner.roff,
    ]
    if examples := getattr(command, "examples", ""):
        lines += [".SH EXAMPLES", ".nf", *(escaped(line) for line in examples.strip().splitlines()), ".fi"]
    if isinstance(command, click.Group) and context.parent is None:
        lines += [".SH EXIT STATUS", ".nf", *map(escaped, HELP.splitlines()[2:]), ".fi"]
    above = title.rpartition("-")[0] or "fleet-scan"
    return "\n".join([*lines, ".SH SEE ALSO", f".BR {escaped(above)} (1)", ""])


def described(text: str) -> Iterator[str]:
    """A help text as paragraphs; what click keeps as it is (\\b) is kept."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        if paragraph.lstrip().startswith("\b"):
            yield from (".nf", *(escaped(line.strip()) for line in paragraph.splitlines()[1:]), ".fi")
        else:
            yield escaped(" ".join(paragraph.split()))


def escaped(text: str) -> str:
    """A text that roff takes for nothing else: no request, no escape, hyphens that can be copied."""
    for char, written in (("\u2011", "-"), ("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga")):
        text = text.replace(char, written)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in text.split("\n"))


def main(folder: Path, *, check: bool) -> int:
    place = folder / "man1"
    wanted = pages()
    stale = [name for name, text in wanted.items() if _read(place / name) != text]
    gone = [path for path in place.glob("*.1") if path.name not in wanted]
    for name in [*stale, *(path.name for path in gone)]:
        print(f"{'not current' if check else 'written'}: {name}")
    if not check:
        place.mkdir(parents=True, exist_ok=True)
        for name in stale:
            (place / name).write_text(wanted[name], encoding="utf-8")
        for path in gone:
            path.unlink()
    return 1 if check and (stale or gone) else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[-1]), check="--check" in sys.argv[1:-1]))
