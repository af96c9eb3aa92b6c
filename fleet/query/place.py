"""Where a conversion goes: it is there whole or not at all, and replaces nothing unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet.errors import SinkError, UsageError


@contextmanager
def placed(place: Path, *, suffix: str | None, force: bool) -> Iterator[Path]:
    """A private directory beside `place`, on the same file system, to work in; it is gone afterwards.

    What is found there as `made` in the end is put in place; only its owner may read it, as with the run
    itself. `suffix` is None for a file; for a directory it is the ending of the files in it: with `force`,
    only a directory that holds nothing else is replaced. Raises UsageError where there is something that is
    not to be replaced, SinkError.
    """
    _check(place, suffix, force=force)
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{place.name[:100]}.", suffix=".new", dir=place.parent))
    except OSError as error:
        raise _unwritable(place, error) from error
    try:
        yield work
        _check(place, suffix, force=force)
        _put(work, place)
    except OSError as error:
        raise _unwritable(place, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _put(work: Path, place: Path) -> None:
    made = work / "made"
    for path in made.iterdir() if made.is_dir() else ():
        path.chmod(0o600)
        _sync(path)
    made.chmod(0o700 if made.is_dir() else 0o600)
    _sync(made)
    if place.is_dir():
        place.rename(work / "before")
    made.replace(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(place: Path, suffix: str | None, *, force: bool) -> None:
    if not os.path.lexists(place):
        if not place.parent.is_dir():
            raise UsageError(f"there is no directory {place.parent}")
        return
    if not force:
        raise UsageError(f"{place} exists: --force replaces it, -o names another place")
    fits = place.is_dir() if suffix is not None else place.is_file()  # a device is neither
    if place.is_symlink() or not fits:
        raise UsageError(f"{place} is not what would be written there: name another place with -o")
    if suffix is not None and (strange := [path.name for path in place.iterdir() if path.suffix != suffix]):
        raise UsageError(
            f"{place} holds more than a conversion ({sorted(strange)[0]}): name another place with -o"
        )


def _unwritable(place: Path, error: OSError) -> SinkError:
    return SinkError(
        f"cannot write {place}: {error.strerror}\n"
        "  check space, owner and mode, or choose another place with -o"
    )
