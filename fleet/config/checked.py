"""What a spec file says, checked: the first fault is told with its place."""

from __future__ import annotations

from fleet.config.extend import Extended
from fleet.config.kept import name_of, read, write
from fleet.config.model import Sections
from fleet.errors import SpecError
from fleet.pipeline import check


def checked(whole: Extended) -> Sections:
    """The sections of a spec, as they were kept when it was checked before. Blocks. Raises SpecError with
    file, line and column."""
    name = name_of(whole.tree)
    found = read(name) if name is not None else None
    if found is not None:
        return found
    said = _checked(whole)
    if name is not None:
        write(name, said)
    return said


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
