"""Spec files, checked: the first fault is raised with its place in the file."""

from __future__ import annotations

import sys

from fleet.config.cache import cache_key, packed, read_cached, unpacked, write_cached
from fleet.config.child import run_in_child
from fleet.config.extend import Extended
from fleet.config.model import Sections
from fleet.errors import SpecError
from fleet.pipeline import check


def checked_sections(whole: Extended) -> Sections:
    """The sections of a spec: from the cache where it was checked before. Blocks. Raises SpecError with file,
    line and column.

    A child process checks a spec that is new, for pydantic takes 10 MB that a scan needs for nothing else.
    A spec with a fault is checked here once more, to report it; one that names secrets is checked here alone.
    """
    key = cache_key(whole.tree)
    if key is None:
        return _check(whole)
    sections = read_cached(key)
    if sections is None:
        if "pydantic" not in sys.modules:
            sections = unpacked(run_in_child(lambda: packed(_check(whole))))
        sections = sections or _check(whole)
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
