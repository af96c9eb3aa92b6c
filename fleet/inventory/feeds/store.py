"""What sources that are asked have given, kept for as long as it is needed."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.errors import InventoryError
from fleet.inventory.credentials.secrets import SecretReader

if TYPE_CHECKING:
    from fleet.inventory.feeds.feed import Feed, Listing
    from fleet.inventory.feeds.model import SourceModel

_ASKED = re.compile(r"(?:http_sd|netbox|ansible|exec):(?!\d+$)", re.DOTALL)  # `exec:8443` is a host


def is_asked(source: str) -> bool:
    """Whether a source argument names something to ask, and no file and no target."""
    return _ASKED.match(source) is not None


class Feeds:
    """The listings of sources, by name: a scan reads its inventory twice, and must read the same.

    Each is asked when it is first needed, and again by `refresh`. Threads may share it.
    """

    def __init__(self, secrets: SecretReader | None = None) -> None:
        self._secrets = secrets or SecretReader()
        self._feeds: dict[str, Feed] = {}
        self._listings: dict[str, Listing] = {}
        self._lock = threading.Lock()
        self.version: int = 0  # how often a refresh has found another list

    def check(self, source: str) -> None:
        """Raise InventoryError for a source that is written wrong. Nothing is asked."""
        self._written(source)

    def written(self, source: str) -> Listing:
        """What a source gives that stands in an argument. Raises InventoryError."""
        self._written(source)
        return self._listing(source)

    def of_model(self, model: SourceModel, home: Path) -> tuple[str, Listing]:
        """The name, and what it gives, of a source in a YAML file. Raises InventoryError."""
        from fleet.inventory.feeds.notation import feed_of, named  # noqa: PLC0415

        name, anchored = named(model, home)
        key = f"{name}\n{anchored!r}"  # two sources may differ in what their names do not say
        with self._lock:
            if key not in self._feeds:
                self._feeds[key] = feed_of(name, anchored, self._secrets)
        return name, self._listing(key)

    def refresh(self) -> list[InventoryError]:
        """Ask everybody again who was asked before. Who fails keeps what it gave; these errors say why."""
        failed: list[InventoryError] = []
        for key, feed in list(self._feeds.items()):
            if key in self._listings:
                try:
                    listing = feed.fetch()
                except InventoryError as error:
                    failed.append(error)
                    continue
                self.version += listing != self._listings[key]
                self._listings[key] = listing
        return failed

    def _written(self, source: str) -> None:
        from fleet.inventory.feeds.notation import feed_of, parse  # noqa: PLC0415  (pydantic, where one is asked)

        with self._lock:
            if source not in self._feeds:
                name, model = parse(source)
                self._feeds[source] = feed_of(name, model, self._secrets)

    def _listing(self, key: str) -> Listing:
        if (listing := self._listings.get(key)) is None:
            listing = self._listings[key] = self._feeds[key].fetch()
        return listing
