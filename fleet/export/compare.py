"""One run beside NetBox: what to create, what to update, and what neither of them can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anyio import to_thread

from fleet.export.known import Known, Object, read_items
from fleet.export.mapping import NetBoxMapping
from fleet.export.needed import Needed, create, update
from fleet.export.netbox import ITEMS_OF, NetBox, text_in
from fleet.export.preview import Problem, ProposedChange, Unknown
from fleet.export.seen import SeenDevice, SeenItem, Unseen, distinct, seen_by_some
from fleet.outcome import Record

DEVICES = "/api/dcim/devices/"
ITEMS = "/api/dcim/inventory-items/"


class Comparison:
    """Gathers proposals."""

    def __init__(self, known: Known, mapping: NetBoxMapping, repeated: frozenset[str]) -> None:
        self._known = known
        self._mapping = mapping
        self._repeated = repeated
        self._claimed: dict[int, str] = {}
        self._named: set[str] = set()
        self._needed = Needed(known)
        self.devices: list[ProposedChange] = []
        self.items: list[ProposedChange] = []
        self.deletions: list[ProposedChange] = []
        self.unknown: list[Unknown] = []
        self.problems: list[Problem] = []
        self.counts: Counter[str] = Counter()

    @property
    def changes(self) -> tuple[ProposedChange, ...]:
        """What to create and to update, in an order that can be applied."""
        return (*self._needed.changes, *self.devices, *self.items)

    async def run(self, outcomes: Iterable[Record], netbox: NetBox) -> None:
        """Compare all outcomes. Items are read for some devices at a time. Raises UsageError."""
        waiting: list[tuple[SeenDevice, Object]] = []
        left = iter(outcomes)
        while some := await to_thread.run_sync(seen_by_some, left, self._mapping):
            for found in some:
                self.counts["targets"] += 1
                for seen in found:
                    if isinstance(seen, Unseen):
                        self._unseen(seen)
                    elif (there := self._device(seen)) is not None:
                        waiting.append((seen, there))
            while len(waiting) >= ITEMS_OF:
                await self._items(waiting[:ITEMS_OF], netbox)
                del waiting[:ITEMS_OF]
        await self._items(waiting, netbox)

    def _unseen(self, seen: Unseen) -> None:
        found = self._known.by_name.get(seen.name.casefold(), ()) if seen.name else ()
        number = found[0]["id"] if len(found) == 1 else None
        self.unknown.append(
            Unknown(target=seen.target, endpoint=DEVICES if number else None, id=number, why=seen.why)
        )

    def _device(self, seen: SeenDevice) -> Object | None:
        """Compare a device, but for its items; gives the one in NetBox whose items are to be compared."""
        self.counts["devices"] += 1
        for problem in dict.fromkeys(seen.problems):
            self._problem(seen.target, problem)
        if seen.serial is not None and seen.serial.casefold() in self._repeated:
            self._problem(seen.target, f"serial {seen.serial!r} was seen on several devices of the run")
            return None
        there, how = self._known.find(seen)
        if there is None and how:
            self._problem(seen.target, how)
            return None
        if there is None:
            self._new_device(seen)
            return None
        if there["id"] in self._claimed:
            other = self._claimed[there["id"]]
            self._problem(seen.target, f"device {there['id']} in NetBox was taken for one of {other}")
            return None
        self._claimed[there["id"]] = seen.target
        self._update_device(seen, there, how)
        return there

    def _new_device(self, seen: SeenDevice) -> None:
        if seen.serial is None and seen.name is None:
            self._problem(seen.target, "a device without serial number and name cannot be found again")
            return
        site = self._known.sites.get((seen.site or "").casefold())
        role = self._known.roles.get((seen.role or "").casefold())
        lacking = [
            f"{what} {value!r} is not in NetBox" if value else f"the run says no {what}"
            for what, value, found in (("site", seen.site, site), ("role", seen.role, role))
            if found is None
        ]
        if seen.model is None or seen.manufacturer is None:
            lacking.append("manufacturer and model are not known")
        if lacking:
            self._problem(seen.target, f"a new device cannot be proposed: {', '.join(lacking)}")
            return
        after: dict[str, Any] = {
            "name": seen.name,
            "serial": seen.serial or "",
            "device_type": self._needed.type(str(seen.manufacturer), str(seen.model)),
            "role": {"slug": text_in(role, "slug")},
            "site": {"slug": text_in(site, "slug")},
            "status": "active",
        }
        if custom := self._needed.custom_fields(seen.custom_fields, "dcim.device"):
            after["custom_fields"] = custom
        match = {"serial": seen.serial} if seen.serial is not None else {"name": seen.name}
        why = "no device in NetBox has this serial number or name"
        if (name := (seen.name or "").casefold()) and name in self._named:
            self._problem(seen.target, f"a new device of this name, {seen.name!r}, is proposed already")
            return
        self._named.add(name)
        self.devices.append(create(DEVICES, match, after, why, seen.target))
        for item in distinct(seen.items, self._problem, seen.target):
            self._new_item(item, match, seen.target)

    def _update_device(self, seen: SeenDevice, there: Object, how: str) -> None:
        updated = self._mapping.device.update
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name in ("serial", "name"):
            wanted, has = getattr(seen, name), text_in(there, name)
            if name in updated and wanted is not None and wanted.casefold() != has.strip().casefold():
                before[name], after[name] = has, wanted
        if "site" in updated and seen.site is not None and seen.site.casefold() not in _called(there, "site"):
            if (site := self._known.sites.get(seen.site.casefold())) is not None:
                before["site"] = {"slug": text_in(there, "site", "slug")}
                after["site"] = {"slug": text_in(site, "slug")}
            else:
                self._problem(seen.target, f"site {seen.site!r} is not in NetBox")
        has = text_in(there, "device_type", "model")
        if (
            seen.model is not None
            and seen.manufacturer is not None
            and has.casefold() != seen.model.casefold()
        ):
            if "device_type" in updated:
                before["device_type"] = {"model": has}
                after["device_type"] = self._needed.type(seen.manufacturer, seen.model)
            else:
                self._problem(
                    seen.target, f"device {there['id']} is a {has!r} in NetBox, and says {seen.model!r}"
                )
        if "custom_fields" in updated:
            self._update_custom(seen.custom_fields, "dcim.device", there, before, after)
        if after:
            match = {how: text_in(there, how)}
            self.devices.append(update(DEVICES, there, match, before, after, _why(after), seen.target))

    async def _items(self, waiting: Sequence[tuple[SeenDevice, Object]], netbox: NetBox) -> None:
        if not waiting or not self._mapping.items:
            return
        there = await read_items(netbox, [device["id"] for _, device in waiting])
        for seen, device in waiting:
            self._compare_items(seen, device["id"], there[device["id"]])

    def _compare_items(self, seen: SeenDevice, device: int, there: Sequence[Object]) -> None:
        """Items of one device: by serial number, then by name within their role."""
        left = {item["id"]: item for item in there}
        unmatched: list[SeenItem] = []
        for item in distinct(seen.items, self._problem, seen.target):
            found = next((one for one in left.values() if _same_serial(item, one)), None)
            if found is None:
                unmatched.append(item)
            else:
                self._update_item(item, left.pop(found["id"]), "serial", seen.target)
        for item in unmatched:
            found = next((one for one in left.values() if _same_name(item, one)), None)
            if found is None:
                self._new_item(item, device, seen.target)
            elif text_in(found, "role", "slug") not in ("", item.role):
                self._problem(
                    seen.target,
                    f"item {found['id']} in NetBox is called {item.name!r}, and is no {item.role}",
                )
            else:
                self._update_item(item, left.pop(found["id"]), "name", seen.target)
        for one in left.values():
            self._missing_item(one, seen, device)

    def _missing_item(self, one: Object, seen: SeenDevice, device: int) -> None:
        """An item that was not seen. It is nobody's business where a person entered it."""
        role = text_in(one, "role", "slug")
        if role in seen.unsure:
            why = f"not seen: {seen.unsure[role]}"
            self.unknown.append(Unknown(target=seen.target, endpoint=ITEMS, id=one["id"], why=why))
        elif role in seen.whole and one.get("discovered") is True:
            match = {"device": device, "name": text_in(one, "name"), "last_updated": one.get("last_updated")}
            before = {"name": text_in(one, "name"), "serial": text_in(one, "serial"), "role": {"slug": role}}
            self.deletions.append(
                ProposedChange(
                    action="delete", endpoint=ITEMS, id=one["id"], match=match, before=before, after={},
                    target=seen.target, why="not seen, though its step is complete on this target",
                )
            )  # fmt: skip

    def _new_item(self, item: SeenItem, device: int | Mapping[str, Any], target: str) -> None:
        after: dict[str, Any] = {
            "device": device, "name": item.name, "serial": item.serial or "", "part_id": item.part_id or "",
            "role": self._needed.item_role(item.role), "discovered": True,
        }  # fmt: skip
        if item.manufacturer is not None:
            after["manufacturer"] = self._needed.manufacturer(item.manufacturer)
        if custom := self._needed.custom_fields(item.custom_fields, "dcim.inventoryitem"):
            after["custom_fields"] = custom
        match = (
            {"device": device, "serial": item.serial}
            if item.serial
            else {"device": device, "name": item.name}
        )
        self.items.append(create(ITEMS, match, after, f"a {item.role} that NetBox does not have", target))

    def _update_item(self, item: SeenItem, one: Object, how: str, target: str) -> None:
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name in ("serial", "part_id"):
            wanted, has = getattr(item, name), text_in(one, name)
            if wanted is not None and wanted.casefold() != has.casefold():
                before[name], after[name] = has, wanted
        self._update_custom(item.custom_fields, "dcim.inventoryitem", one, before, after)
        if after:
            match = {how: text_in(one, how)}
            self.items.append(update(ITEMS, one, match, before, after, _why(after), target))

    def _update_custom(
        self,
        fields: Mapping[str, Any],
        kind: str,
        there: Object,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        has = there.get("custom_fields")
        held: Mapping[str, Any] = has if isinstance(has, Mapping) else {}
        changed = {
            name: value
            for name, value in self._needed.custom_fields(fields, kind).items()
            if held.get(name) != value
        }
        if changed:
            before["custom_fields"] = {name: held.get(name) for name in changed}
            after["custom_fields"] = changed

    def _problem(self, target: str | None, why: str) -> None:
        self.problems.append(Problem(target=target, why=why))


def _same_serial(item: SeenItem, one: Object) -> bool:
    return item.serial is not None and item.serial.casefold() == text_in(one, "serial").strip().casefold()


def _same_name(item: SeenItem, one: Object) -> bool:
    return item.name.casefold() == text_in(one, "name").casefold()


def _why(after: Mapping[str, Any]) -> str:
    names = [name for name in after if name != "custom_fields"]
    return f"the run says otherwise: {', '.join([*names, *(after.get('custom_fields') or ())])}"


def _called(there: Object, name: str) -> set[str]:
    return {text_in(there, name, "slug").casefold(), text_in(there, name, "name").casefold()}
