"""What NetBox knows, by what it is looked up with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from fleet.export.netbox import ITEMS_OF, NetBox, by_fold, text_in
from fleet.export.seen import SeenDevice
from fleet.frozen import frozen

Object = Mapping[str, Any]


@frozen(kw_only=True)
class Known:
    """The lists that a device and its items refer to, by name and slug in lower case, and all devices."""

    sites: Mapping[str, Object]
    roles: Mapping[str, Object]
    item_roles: Mapping[str, Object]
    manufacturers: Mapping[str, Object]
    types: Mapping[tuple[str, str], Object]  # manufacturer and model
    custom_fields: Mapping[str, Object]
    by_serial: Mapping[str, Sequence[Object]]
    by_name: Mapping[str, Sequence[Object]]
    count: int

    def find(self, device: SeenDevice) -> tuple[Object | None, str]:
        """The device in NetBox that is meant, and by what it was found; None, and why it cannot be told where
        several are, or where its name is another one's."""
        if device.serial is not None:
            found = self.by_serial.get(device.serial.casefold(), ())
            if len(found) > 1:
                numbers = ", ".join(str(one["id"]) for one in found[:5])
                return None, f"serial {device.serial!r} is that of several devices in NetBox: {numbers}"
            if found:
                return found[0], "serial"
        found = self.by_name.get(device.name.casefold(), ()) if device.name else ()
        if len(found) > 1:
            return None, f"name {device.name!r} is that of several devices in NetBox"
        if not found:
            return None, ""
        there = text_in(found[0], "serial")
        if device.serial is not None and there:
            return None, (
                f"device {found[0]['id']} in NetBox has the name {device.name!r} and another serial: "
                f"{there!r}, not {device.serial!r}: was the machine replaced?"
            )
        return found[0], "name"


async def read_known(netbox: NetBox, *, roles: Sequence[str]) -> Known:
    """Read all that a comparison needs but the items. Raises UsageError."""
    devices = await netbox.every("devices", exclude="config_context")
    by_serial: dict[str, list[Object]] = defaultdict(list)
    by_name: dict[str, list[Object]] = defaultdict(list)
    for device in devices:
        if serial := text_in(device, "serial").strip():
            by_serial[serial.casefold()].append(device)
        if name := text_in(device, "name").strip():
            by_name[name.casefold()].append(device)
    types = await netbox.every("device_types")
    return Known(
        sites=by_fold(await netbox.every("sites"), "slug", "name"),
        roles=by_fold(await netbox.every("roles"), "slug", "name"),
        item_roles=by_fold(await netbox.every("item_roles"), "slug") if roles else {},
        manufacturers=by_fold(await netbox.every("manufacturers"), "name", "slug"),
        types={
            (text_in(one, "manufacturer", "name").casefold(), text_in(one, "model").casefold()): one
            for one in types
        },
        custom_fields=by_fold(await netbox.every("custom_fields"), "name"),
        by_serial=by_serial,
        by_name=by_name,
        count=len(devices),
    )


async def read_items(netbox: NetBox, devices: Sequence[int]) -> dict[int, list[Object]]:
    """The inventory items of some devices, by the number of their device. Raises UsageError."""
    found: dict[int, list[Object]] = {number: [] for number in devices}
    for start in range(0, len(devices), ITEMS_OF):
        some = list(devices[start : start + ITEMS_OF])
        for item in await netbox.every("items", device_id=some):
            if (owner := item["device"]["id"]) in found:  # a filter that is not honoured shows all
                found[owner].append(item)
    return found
