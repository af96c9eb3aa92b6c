"""Files that a person names for a result: whole or not at all, and what is no file is left what it is."""

from __future__ import annotations

import os
from pathlib import Path


def write_result(path: Path, data: bytes, option: str) -> None:
    """Write what `option` asked for. A file is replaced when all is written, behind a link too; what is there
    and no file (`/dev/stdout`, a pipe) gets the bytes. Raises SinkError, which names the option."""
    from fleet.engine import atomic_write
    from fleet.errors import SinkError

    place = Path(os.path.realpath(path))
    try:
        if place.exists() and not place.is_file():
            with place.open("wb") as stream:
                stream.write(data)
            return
        atomic_write(place, data)
    except OSError as error:
        why = error.strerror
    except SinkError as error:
        why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else str(error)
    else:
        return
    raise SinkError(
        f"cannot write {path}: {why}\n  check space, owner and mode, or choose another place with {option}"
    )
