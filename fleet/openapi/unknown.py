"""What to say of an operation that a description does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.errors import SpecError
from fleet.guess import closest

if TYPE_CHECKING:
    from fleet.openapi.document import Document

_MAX_NAMED = 12  # operations that a text about another one lists


def unknown_operation(document: Document, ref: str | tuple[str, str]) -> SpecError:
    """The error for an operation that is not there: with why, or the closest name, as a hint."""
    shown = ref if isinstance(ref, str) else f"{ref[1].upper()} {ref[0]}"
    template = shown.partition(" ")[2].strip()
    names = [*document.operations, *(f"{verb} {path}" for path, verb in document.by_route)]
    methods = sorted(verb for path, verb in document.by_route if path == template)
    lost = next((told for told in document.warned if told.startswith(f"the path {template} cannot be")), "")
    if lost:
        hint = lost
    elif methods and template.startswith("/"):
        hint = f"{template} has: {', '.join(methods)}"
    elif near := closest(shown, names):
        hint = f"did you mean {near!r}?"
    elif len(document.operations) > _MAX_NAMED:
        hint = f"'fleet spec operations' lists its {len(document.operations)}"
    else:
        hint = f"it has: {', '.join(document.operations) or 'none'}"
    return SpecError(f"the description has no operation {shown!r}", file=document.source, hint=hint)
