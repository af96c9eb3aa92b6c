"""Spec files, checked: the first fault is raised with its place in the file."""

from __future__ import annotations

from fleet.config.cache import cache_key, read_cached, write_cached
from fleet.config.extend import Extended
from fleet.config.model import Sections
from fleet.errors import SpecError
from fleet.pipeline import check


def checked_sections(whole: Extended) -> Sections:
    """The sections of a spec: from the cache where it was checked before. Blocks. Raises SpecError with file,
    line and column."""
    key = cache_key(whole.tree)
    cached = read_cached(key) if key is not None else None
    if cached is not None:
        return cached
    sections = _check(whole)
    if key is not None:
        write_cached(key, sections)
    return sections


def _check(whole: Extended) -> Sections:
    from pydantic import ValidationError  # noqa: PLC0415

    from fleet.yamlfile import first_complaint  # noqa: PLC0415

    try:
        return check(Sections, whole.tree)
    except ValidationError as wrong:
        found = first_complaint(wrong, Sections, whole.tree)
    file, line, column = whole.place(found.path)
    where = ".".join(str(part) for part in found.path)
    message = f"{where}: {found.message}" if where else found.message
    raise SpecError(message, file=file, line=line, column=column, hint=found.hint)
