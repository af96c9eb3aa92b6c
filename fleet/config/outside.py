"""What the checks of a spec take from outside of it: files beside it, and what selects targets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.config.table import read_table
from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.guess import closest
from fleet.inventory import parse_match
from fleet.pipeline import Table
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.config.model import SpecFile

MAX_BYTES = 16 * 1024 * 1024  # of one baseline


@frozen
class SpecOutside:
    """The outside of a spec file. `read` fills with the files that were read: path and SHA-256."""

    spec: SpecFile
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    read: dict[str, str] = field(default_factory=dict)

    def table(self, file: str, on: Sequence[str]) -> Table:
        """A CSV file beside the spec, by these columns. Raises ValueError where it is not there, SpecError at
        its own line for what is wrong in it."""
        path = Path(self.spec.beside(file))
        if path.exists() and not path.is_file():
            raise ValueError(f"{file!r} is not a file")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            near = closest(path.name, _names_beside(path))
            hint = f"; did you mean {near!r}?" if near else ""
            raise ValueError(f"{file!r} cannot be read: {error.strerror or error}{hint}") from None
        if len(data) > MAX_BYTES:
            raise ValueError(f"{file!r} is larger than {MAX_BYTES >> 20} MiB")
        self.read[str(path)] = hashlib.sha256(data).hexdigest()
        return read_table(data, file, str(path), on)

    def matching(self, match: Any) -> Callable[[Target], bool]:
        """Whether one of the conditions holds for a target, as under `auths.NAME.match`."""
        try:
            conditions = parse_match(match)
        except InventoryError as wrong:
            raise ValueError(str(wrong)) from None
        return lambda target: any(condition.holds(target) for condition in conditions)


def _names_beside(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except OSError:
        return []
