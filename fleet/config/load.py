"""Reads spec files: found by path or name, checked, errors placed at file, line and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fleet.client import CachedParse
from fleet.config.builtin import list_builtin_specs
from fleet.config.complain import placed
from fleet.config.describe import wrap_description
from fleet.config.model import SpecFile
from fleet.config.sources import check_sources
from fleet.errors import SpecError
from fleet.guess import guess
from fleet.openapi import parse

MAX_BYTES = 8 * 1024 * 1024  # of one spec file; an API description may be larger


def load_spec(name: str | Path, *, operations: Sequence[str] = ()) -> SpecFile:
    """The spec at a path, or the built-in of that name.

    `redfish.yaml` that is not a file here is the built-in `redfish`, and `notes` says so. An OpenAPI or
    Swagger description is taken for what it is: each of `operations`, or every GET that needs no
    parameter, becomes a step. Raises SpecError.
    """
    path, notes = find_spec(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecError(f"the spec cannot be read: {error.strerror or error}", file=str(path)) from None
    tree = CachedParse.default()(data, str(path))
    if isinstance(tree, dict) and ("openapi" in tree or "swagger" in tree) and "fleet" not in tree:
        tree, text = wrap_description(tree, path, operations), ""
        notes = (*notes, f"{path.name} is an API description: {len(tree['steps'])} operations are steps")
    else:
        if len(data) > MAX_BYTES:
            raise SpecError(f"the spec file is larger than {MAX_BYTES >> 20} MiB", file=str(path))
        if operations:
            raise SpecError(
                "operations are chosen only for an API description",
                file=str(path),
                hint="this is a spec file: its pipelines say what is asked",
            )
        text = data.decode("utf-8", "replace")
    spec = _built(tree, path, text, notes)
    check_sources(spec)
    return spec


def loads_spec(text: str, *, path: Path | None = None) -> SpecFile:
    """The spec in a text; relative paths in it start from the directory of `path`."""
    place = path or Path("<text>")
    return _built(parse(text, str(place)), place, text, ())


def find_spec(name: str | Path) -> tuple[Path, tuple[str, ...]]:
    """The file that is meant, and what to say about it. Raises SpecError."""
    path = Path(name)
    if path.is_file():
        return path.resolve(), ()
    builtin = list_builtin_specs()
    plain = str(name)
    if plain in builtin:
        return builtin[plain], ()
    stem = path.stem if path.suffix in {".yaml", ".yml"} and path.parent == Path() else ""
    if stem in builtin:
        return builtin[stem], (f"{plain} is not a file here: the built-in spec {stem!r} is used",)
    if path.is_dir():
        raise SpecError("this is a directory, not a spec file", file=plain)
    raise SpecError(f"there is no spec file and no built-in spec {plain!r}", hint=guess(plain, builtin))


def _built(tree: Any, path: Path, text: str, notes: tuple[str, ...]) -> SpecFile:
    if not isinstance(tree, dict):
        raise SpecError("a spec file is a mapping of sections", file=str(path), line=1, column=1)
    kept = {key: value for key, value in tree.items() if not str(key).startswith("x-")}
    try:
        spec = SpecFile.model_validate(kept)
    except ValidationError as wrong:
        raise placed(wrong, SpecFile, kept, file=str(path), text=text, error=SpecError) from None
    spec._path = path
    spec._text = text
    spec._notes = notes
    return spec
