"""Where in a spec file something stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from fleet.errors import SpecError

Path = tuple[str | int, ...]  # keys and indices from the top of the spec
Place = tuple[str | None, int | None, int | None]  # file, line, column (from 1)
Locate = Callable[[Path], Place]


def nowhere(_: Path) -> Place:
    """The place of what was read from no file."""
    return None, None, None


class Complaints:
    """Raises errors at their place in one spec."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate

    def fail(self, path: Path, message: str, hint: str | None = None) -> NoReturn:
        """Raise a SpecError for what stands at `path`."""
        file, line, column = self._locate(path)
        where = ".".join(str(part) for part in path)
        text = f"{where}: {message}" if where else message
        raise SpecError(text, file=file, line=line, column=column, hint=hint)
