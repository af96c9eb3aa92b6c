"""What a spec file names on this disk is there: said at its line, with the name that was probably meant."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fleet.errors import SpecError
from fleet.guess import COMPARED, closest

if TYPE_CHECKING:
    from fleet.config.model import SpecFile

_DESCRIPTIONS = {".yaml", ".yml", ".json"}


def check_sources(spec: SpecFile) -> None:
    """Raises SpecError at the `api:` or the entry of `refs:` that leads to no file, or to no directory. What
    is on the network is not looked at."""
    if _is_local(spec.api_source):
        path = Path(spec.api_source)
        if path.is_dir():
            _fail(spec, ("api",), f"{spec.api!r} is a directory, not an API description")
        if not path.exists():
            _fail(spec, ("api",), f"there is no file {spec.api!r}", _near(path, spec.api, files=True))
    for prefix, said in spec.refs.items():
        place = spec.ref_sources[prefix]
        if not _is_local(place) or Path(place).is_dir():
            continue
        if Path(place).exists():
            _fail(spec, ("refs", prefix), f"{said!r} is a file, not a directory")
        hint = _near(Path(place), said, files=False)
        _fail(spec, ("refs", prefix), f"there is no directory {said!r}", hint)


def _is_local(place: str) -> bool:
    return urlsplit(place).scheme not in {"http", "https", "file"}


def _near(path: Path, said: str, *, files: bool) -> str:
    """The path with its first part that does not exist replaced by what is most like it, if anything is."""
    missing = next(part for part in (*reversed(path.parents), path) if not part.exists())
    last = missing == path
    try:
        beside = [
            entry.name
            for entry in islice(missing.parent.iterdir(), COMPARED)
            if (entry.suffix in _DESCRIPTIONS if last and files else entry.is_dir())
        ]
    except OSError:
        beside = []
    if (near := closest(missing.name, beside)) is None:
        return f"a relative path starts from the directory of this file: it led to {path}"
    depth = len(path.parts) - len(missing.parts)  # parts below the one that is missing
    parts = said.rstrip("/").split("/")
    if len(parts) <= depth:
        return f"did you mean {missing.with_name(near)}?"
    parts[-1 - depth] = near
    return f"did you mean {'/'.join(parts) + ('/' if said.endswith('/') else '')!r}?"


def _fail(spec: SpecFile, path: tuple[str, ...], message: str, hint: str | None = None) -> None:
    file, line, column = spec.place(path)
    where = ": ".join(path)
    raise SpecError(f"{where}: {message}", file=file, line=line, column=column, hint=hint)
