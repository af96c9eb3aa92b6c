"""What sources that are asked over HTTP have in common."""

from __future__ import annotations

from fleet.client import Web
from fleet.errors import InventoryError
from fleet.inventory.feeds.feed import MAX_LIST_BYTES
from fleet.inventory.feeds.model import WebModel
from fleet.quantities import parse_duration


def web_of(name: str, model: WebModel) -> Web:
    """Where the source `name` is asked, within its time-out; a fault is an InventoryError that names it."""
    return Web(
        model.url,
        what=name,
        error=InventoryError,
        seconds=parse_duration(model.timeout),
        most=MAX_LIST_BYTES,
        ca_file=model.ca_file,
    )
