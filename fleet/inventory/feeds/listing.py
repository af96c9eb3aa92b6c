"""Any program as a source: `exec:./list.sh prod`. What it prints is recognised by its first character.

`[` begins a file_sd list, `{` JSON lines, anything else a text inventory. An empty output is no targets.
"""

from __future__ import annotations

from fleet.errors import InventoryError
from fleet.inventory.feeds.feed import MAX_LIST_BYTES, Listing
from fleet.inventory.feeds.model import ProgramModel
from fleet.inventory.program import Program
from fleet.quantities import parse_duration


class ProgramListing:
    """The targets that a program prints."""

    def __init__(self, name: str, model: ProgramModel) -> None:
        self._program = Program(
            tuple(model.command),
            what=name,
            error=InventoryError,
            seconds=parse_duration(model.timeout),
            most=MAX_LIST_BYTES,
            environ=tuple(model.env),
        )

    def fetch(self) -> Listing:
        output = self._program.run()
        match output.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]:
            case b"[":
                return Listing("json", output)
            case b"{":
                return Listing("jsonl", output)
            case _:
                return Listing("text", output)
