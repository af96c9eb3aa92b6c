"""Who may be asked: the targets of an inventory, found by identity and never by the text of an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Any

from fleet.errors import InventoryError
from fleet.inventory import address_of, natural
from fleet.target import Target

MAX_NAME = 2048  # characters of a name that somebody asks for
SORTED_BY = 120  # characters of a name that it is sorted by; a digest stands for the rest


class Members:
    """The targets of one job, in the order of its inventory."""

    def __init__(self, targets: Iterable[Target], *, scheme: str) -> None:
        self._scheme = scheme
        self._by_id = {target.id: target for target in targets}
        self._by_url = {target.url: target for target in self._by_id.values()}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Target]:
        return iter(self._by_id.values())

    def __contains__(self, identity: object) -> bool:
        return identity in self._by_id

    @cached_property
    def in_order(self) -> tuple[Target, ...]:
        """The targets by id, bmc2 before bmc10: an order in which none moves when others come and go."""
        return tuple(sorted(self._by_id.values(), key=lambda target: natural(short(target.id))))

    def find(self, text: str) -> Target | None:
        """The target that a text names: its id, or its address in any spelling that an inventory may use. The
        text is brought to the one spelling that targets have, and then compared; nothing is looked up, opened
        or connected."""
        if len(text) > MAX_NAME:
            return None
        found = self._by_id.get(text)
        if found is not None:
            return found
        try:
            return self._by_url.get(address_of(text, scheme=self._scheme))
        except InventoryError:
            return None

    def service_discovery(self, extra: Mapping[str, str]) -> list[dict[str, Any]]:
        """The targets as Prometheus' http_sd wants them, one group each; `extra` labels are added."""
        return [
            {"targets": [target.id], "labels": {**target.labels, **extra}} for target in self._by_id.values()
        ]


def short(name: str) -> str:
    """A name of bounded length, and a different one for every name."""
    if len(name) <= SORTED_BY:
        return name
    return f"{name[:SORTED_BY]}~{blake2b(name.encode(), digest_size=16).hexdigest()}"
