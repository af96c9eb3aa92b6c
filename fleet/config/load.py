"""Reads spec files: found by path or name, checked, errors placed at file, line and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

from fleet.client import CachedParse
from fleet.config.builtin import builtin_of, list_builtin_specs
from fleet.config.check import checked_sections
from fleet.config.extend import Source, extend
from fleet.config.model import SpecFile
from fleet.config.sources import check_sources
from fleet.config.wrap import wrap_description
from fleet.errors import SpecError
from fleet.guess import guess
from fleet.openapi import parse
from fleet.phrases import some

MAX_BYTES = 8 * 1024 * 1024  # of one spec file; an API description may be larger


def load_spec(name: str | Path, *, operations: Sequence[str] = (), called: bool = False) -> SpecFile:
    """The spec at a path, or the built-in of that name.

    `redfish.yaml` that is not a file here is the built-in `redfish`, and `notes` says so. An OpenAPI or
    Swagger description is taken for what it is: each of `operations`, or every GET that needs no
    parameter, becomes a step; for one that is `called` instead, there need be none. Raises SpecError.
    """
    path, notes = find_spec(name)
    source = _read(path)
    tree, text = source.tree, source.text
    if isinstance(tree, dict) and ("openapi" in tree or "swagger" in tree) and "fleet" not in tree:
        wrapped, left = wrap_description(tree, path, operations, called=called)
        count = len(wrapped["steps"])
        steps = "1 operation is a step" if count == 1 else f"{count:,} operations are steps"
        notes = (*notes, f"{path.name} is an API description: {steps}")
        if left:
            notes = (*notes, f"left out: {some(left, 'operation')}, documented to give no JSON")
        source = Source(path, "", wrapped)
    else:
        if len(text) > MAX_BYTES:
            raise SpecError(f"the spec file is larger than {MAX_BYTES >> 20} MiB", file=str(path))
        if operations:
            raise SpecError(
                "operations are chosen only for an API description",
                file=str(path),
                hint="this is a spec file: its pipelines say what is asked",
            )
    spec = _built(source, notes)
    check_sources(spec)
    return spec


def loads_spec(text: str, *, path: Path | None = None) -> SpecFile:
    """The spec in a text; relative paths in it start from the directory of `path`."""
    place = path or Path("<text>")
    return _built(Source(place, text, parse(text, str(place))), ())


def _read(path: Path) -> Source:
    """One file, parsed; a description may be larger than a spec."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecError(f"the spec cannot be read: {error.strerror or error}", file=str(path)) from None
    tree = CachedParse.default()(data, str(path))
    return Source(path, data.decode("utf-8", "replace"), tree)


def _extended(name: str, beside: Path) -> Source:
    """The spec that another one extends: a file beside it, or a built-in."""
    path = beside / name
    found = path.resolve() if path.is_file() else find_spec(name)[0]
    source = _read(found)
    if not isinstance(source.tree, dict) or "fleet" not in source.tree:
        raise SpecError(f"{name!r} is no spec file")
    return source


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
    if (name_of_builtin := builtin_of(path)) is not None:
        return builtin[name_of_builtin], (f"{plain} is gone: the built-in spec {name_of_builtin!r} is used",)
    if path.is_dir():
        raise SpecError("this is a directory, not a spec file", file=plain)
    if urlsplit(plain).scheme in {"http", "https"}:
        raise SpecError(
            "a spec is a file, and this is a URL",
            file=plain,
            hint=f"keep it in a file: fleet spec convert {plain} -o api.json; or make it the api: of a spec",
        )
    if plain == "-" or path.is_fifo():
        raise SpecError(
            "a spec is a file, and this is a pipe",
            file=plain,
            hint="write it to a file first: who resumes the scan reads it again",
        )
    raise SpecError(f"there is no spec file and no built-in spec {plain!r}", hint=guess(plain, builtin))


def _built(source: Source, notes: tuple[str, ...]) -> SpecFile:
    if not isinstance(source.tree, dict):
        what = "the spec file is empty" if source.tree is None else "a spec file is a mapping of sections"
        raise SpecError(what, file=str(source.path), line=1, column=1)
    whole = extend(source, _extended)
    sections = checked_sections(whole)
    values = {one.name: getattr(sections, one.name) for one in fields(sections)}
    return SpecFile(**values, whole=whole, notes=notes)
