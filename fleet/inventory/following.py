"""An inventory that is read again and again: what it holds, and what came and went since the last time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.inventory.feeds.store import Feeds
from fleet.inventory.read import Inventory, InventoryOptions
from fleet.target import Target

MAX_COMPLAINTS = 20  # bad entries that one reading names; the rest is counted


@frozen
class Refreshed:
    """What one reading found, by the ids of targets.

    `changed` are those whose address, labels, credential or proxy are others. `stale` says why a source, or
    all of it, is what it was before: it could not be read. `rejected` counts the bad entries, the first of
    which `complaints` names.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    total: int = 0
    stale: tuple[InventoryError, ...] = ()
    complaints: tuple[InventoryError, ...] = ()
    rejected: int = 0

    def __bool__(self) -> bool:
        """Whether any target is another than before."""
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        told = [f"{self.total} target{'' if self.total == 1 else 's'}"]
        told += [
            f"{len(names)} {what}"
            for what, names in (("added", self.added), ("removed", self.removed), ("changed", self.changed))
            if names
        ]
        told += [f"{self.rejected} rejected"] if self.rejected else []
        told += [f"not refreshed: {error.message}" for error in self.stale]
        return ", ".join(told)


class FollowedInventory:
    """The targets of some sources, as they were when it was last refreshed.

    It holds them all in memory, for a service; a scan streams its own. A refresh blocks: an event loop makes
    it in a thread. `targets` is replaced as a whole, so whoever iterates over it is not disturbed.
    """

    def __init__(self, sources: Sequence[str], options: InventoryOptions | None = None) -> None:
        self._sources = tuple(sources)
        self._feeds = Feeds()
        self._options = replace(options or InventoryOptions(), feeds=self._feeds)
        self._read = False
        self.targets: Mapping[str, Target] = {}  # by id, in the order of the sources

    def refresh(self) -> Refreshed:
        """Read every source again, and say what is different.

        The first reading raises InventoryError where a source cannot be read. After that a source that fails
        keeps the targets that it gave before, and is named in `stale`; where that cannot be (a file is gone,
        a strict inventory has a bad line) all of them stay.
        """
        stale = tuple(self._feeds.refresh())
        complaints: list[InventoryError] = []
        try:
            inventory = Inventory(self._sources, self._options, complaints.append)
            found = {target.id: target for target in inventory}
        except InventoryError as error:
            if not self._read:
                raise
            return Refreshed(total=len(self.targets), stale=(*stale, error))
        before, self.targets, self._read = self.targets, found, True
        return Refreshed(
            added=tuple(name for name in found if name not in before),
            removed=tuple(name for name in before if name not in found),
            changed=tuple(
                name for name, target in found.items() if name in before and _differs(target, before[name])
            ),
            total=len(found),
            stale=stale,
            complaints=tuple(complaints[:MAX_COMPLAINTS]),
            rejected=inventory.counts.rejected,
        )


def _differs(one: Target, other: Target) -> bool:
    """Whether a scan would do anything else; a line that moved within its file is the same."""
    return replace(one, origin="") != replace(other, origin="")
