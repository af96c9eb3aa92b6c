"""Fixups as a plugin: repairs made while documents are read, and the account of them."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.client.plugins import DocumentEvent, DocumentPlugin
from fleet.frozen import frozen
from fleet.openapi import Fixup, repair


@frozen
class Repaired:
    """What one fixup did so far: how many places changed, in how many of the documents that it is about."""

    fixup: Fixup
    places: int
    documents: int
    read: int


class Fixups(DocumentPlugin):
    """Makes repairs in every document of a description while it is loaded, before anything is read from it.

    Give it among `plugins=`. The cache of parsed documents holds them as published, so a changed fixup is
    never answered from it. An instance may serve several descriptions; `report` then counts all of them.
    """

    def __init__(self, fixups: Iterable[Fixup]) -> None:
        self.fixups: tuple[Fixup, ...] = tuple(fixups)
        self._changed: dict[tuple[int, str], int] = {}

    def parsed(self, event: DocumentEvent) -> None:
        """Makes the repairs that concern this document."""
        for number, fixup in enumerate(self.fixups):
            if fixup.concerns(event.uri):
                event.tree, changed = repair(fixup, event.tree)
                self._changed[number, event.uri] = changed

    def report(self) -> tuple[Repaired, ...]:
        """What each fixup did, in their order. Documents are read when they are first needed:
        `document.preload()` reads all of them."""
        made = []
        for number, fixup in enumerate(self.fixups):
            counts = [count for (of, _), count in list(self._changed.items()) if of == number]
            made.append(Repaired(fixup, sum(counts), sum(map(bool, counts)), len(counts)))
        return tuple(made)
