"""Text inventories: one address per line, then labels.

    # a comment
    10.0.0.5                       site=a rack='row 7'     # also here
    bmc[001-512].dc1:8443          auth=lab proxy=dc1
    https://10.0.0.9/redfish-proxy id=rack7-u12
    bmc-[513-600].dc1, bmc-700.dc1                         # several, as reports list them; without labels

Quotes and backslashes work as in a shell; nothing is expanded in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fleet.errors import InventoryError
from fleet.inventory.address import shown
from fleet.inventory.formats.rows import Row, make_row
from fleet.inventory.match import split_commas
from fleet.inventory.report import Report, placed

_SECTION = re.compile(r"\[(?![a-zA-Z]-[a-zA-Z]\])[A-Za-z_][\w.-]+(?::(?:vars|children))?\]")  # [bmcs:vars]
_LABELLED = re.compile(r"[=#\"'\\]")
_SPECIAL = re.compile(r"[\"'\\#]")
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""")
_PIECE = re.compile(r"""\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^"'\\]+)""")
_ESCAPED = re.compile(r"\\([\"\\$`])")


def read_text(lines: Iterable[tuple[int, str]], *, file: str, report: Report) -> Iterator[Row]:
    """Rows of numbered lines. A bad line is given to `report`, with its place, and left out.

    Raises InventoryError for what is an inventory of Ansible's: its hosts would be asked at other addresses
    than it means.
    """
    for number, text in lines:
        if text[:1] == "[" and _SECTION.fullmatch(text.strip()) is not None:
            raise _of_ansible(text.strip(), file, number)
        for part in (text,) if "," not in text or _LABELLED.search(text) else split_commas(text):
            try:
                row = parse_line(part, file=file, line=number)
            except InventoryError as error:
                report(placed(error, file, number))
                continue
            if row is not None:
                yield row


def parse_line(text: str, *, file: str = "", line: int = 0) -> Row | None:
    """The row of one line; None for a blank line or a comment. Raises InventoryError without a place."""
    words = _words(text) if _SPECIAL.search(text) else text.split()
    if not words:
        return None
    if len(words) == 1:
        return Row(words[0], file, line)
    return make_row(words[0], _labels(words[1:]), file=file, line=line)


def _of_ansible(section: str, file: str, line: int) -> InventoryError:
    path = "FILE" if file[:1] == "<" or ":" in file else file
    return InventoryError(
        f"{section} begins a group of an Ansible inventory",
        file=file,
        line=line,
        hint=f"let Ansible read it: ansible:{path}",
    )


def _labels(words: list[str]) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise InventoryError(
                f"expected name=value, found {shown(word)}", hint="one address per line, labels after it"
            )
        if name in labels:
            raise InventoryError(f"{shown(name)} is given twice")
        labels[name] = value
    return labels


def _words(line: str) -> list[str]:
    """Split as a shell does: quotes, backslashes, and a `#` that starts a word starts a comment."""
    words: list[str] = []
    at = 0
    while True:
        while at < len(line) and line[at].isspace():
            at += 1
        if at == len(line) or line[at] == "#":
            return words
        found = _WORD.match(line, at)
        if found is None or (found.end() < len(line) and not line[found.end()].isspace()):
            raise InventoryError("a quote or a backslash is not finished")
        words.append(_unquoted(found.group()))
        at = found.end()


def _unquoted(word: str) -> str:
    pieces: list[str] = []
    for escaped, double, single, plain in _PIECE.findall(word):
        pieces.append(escaped or single or plain or _ESCAPED.sub(r"\1", double))
    return "".join(pieces)
