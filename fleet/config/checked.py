"""What a spec file says, checked: the first fault is told with its place."""

from __future__ import annotations

import sys

from fleet.config.apart import apart
from fleet.config.extend import Extended
from fleet.config.kept import name_of, packed, read, unpacked, write
from fleet.config.model import Sections
from fleet.errors import SpecError
from fleet.pipeline import check


def checked(whole: Extended) -> Sections:
    """The sections of a spec, as they were kept when it was checked before. Blocks. Raises SpecError with
    file, line and column.

    A child process checks a spec that is new, for pydantic takes 10 MB that a scan needs for nothing else.
    What has a fault is checked here once more, to tell it; what names secrets is checked here alone.
    """
    name = name_of(whole.tree)
    if name is None:
        return _checked(whole)
    found = read(name)
    if found is None:
        known = "pydantic" in sys.modules
        found = None if known else unpacked(apart(lambda: packed(_checked(whole))))
        found = found or _checked(whole)
        write(name, found)
    return found


def _checked(whole: Extended) -> Sections:
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
