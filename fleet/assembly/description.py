"""The description that a spec names, repaired as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fleet.client import load_document
from fleet.config import SpecFile
from fleet.openapi import Document
from fleet.phrases import some

if TYPE_CHECKING:
    from fleet.client import Fixups


def read_description(spec: SpecFile) -> tuple[Document, Fixups | None]:
    """The description, and the account of its repairs. Raises `SpecError`."""
    if not spec.fixups:
        return load_document(spec.api_source, refs=spec.ref_sources), None
    from fleet.client import Fixups  # noqa: PLC0415  (few specs have one)

    fixups = Fixups(entry.fixup for entry in spec.fixups)
    return load_document(spec.api_source, refs=spec.ref_sources, plugins=(fixups,)), fixups


def fixup_notes(spec: SpecFile, document: Document, fixups: Fixups | None) -> Iterator[str]:
    """How much was repaired, and a warning for each fixup that repaired nothing, with its place in the spec
    file. Only where one seems to be idle is every document of the description read to be sure."""
    if fixups is None:
        return
    if not all(done.places for done in fixups.report()):
        document.preload()
    report = fixups.report()
    busy = sum(bool(done.places) for done in report)
    places = sum(done.places for done in report)
    yield f"{some(places, 'place')} of the description repaired by {some(busy, 'fixup')}"
    for number, done in enumerate(report):
        if done.places:
            continue
        file, line, column = spec.place(("fixups", number))
        place = f"{file}:{line}:{column}: " if file is not None else ""
        what = done.fixup.at or "the whole document"
        why = "no document of that name was read" if not done.read else f"in {some(done.read, 'document')}"
        yield f"{place}warning: fixup {number + 1} ({what}) repaired nothing: {why}"
