"""What a run saw, in the words of NetBox: devices, and the parts in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from fleet.export.mapping import Fields, ItemMap, NetBoxMapping
from fleet.frozen import frozen
from fleet.outcome import Record
from fleet.report import places_above, rows_above

BATCH_OUTCOMES = 200  # outcomes at once

# How long NetBox lets a text be. A longer one is not cut: half a serial number is another one's.
LENGTHS = {"serial": 50, "name": 64, "part_id": 50, "model": 100, "manufacturer": 100}
CUSTOM = 500

Place = tuple[str, int]  # a row: its step and its number there


@frozen(kw_only=True)
class SeenItem:
    """A part that was seen in a device."""

    role: str
    name: str
    serial: str | None
    manufacturer: str | None
    part_id: str | None
    custom_fields: Mapping[str, Any]


@frozen(kw_only=True)
class SeenDevice:
    """A device that was seen. `items` are its parts; `whole` are the roles of the steps that were complete
    and offered: only of those does a part that was not seen mean anything."""

    target: str
    serial: str | None
    name: str | None
    manufacturer: str | None
    model: str | None
    site: str | None
    role: str | None
    custom_fields: Mapping[str, Any]
    items: Sequence[SeenItem] = ()
    whole: frozenset[str] = frozenset()
    unsure: Mapping[str, str] = field(default_factory=dict)  # role -> why not
    problems: Sequence[str] = ()


@frozen
class Unseen:
    """A target of which nothing can be said: no device of it was seen, and why."""

    target: str
    name: str | None
    why: str


def seen_of(record: Record, mapping: NetBoxMapping) -> Iterator[SeenDevice | Unseen]:
    """The devices of one outcome. A target whose device step is not complete is also unseen, with what was
    seen of it before."""
    steps: Mapping[str, Any] = record.get("steps") or {}
    wanted = mapping.device
    held = steps.get(wanted.from_) or {"complete": False, "rows": []}
    for at, row in enumerate(held["rows"]):
        place = (wanted.from_, at)
        data = {**_about(record, row, steps), "steps": {name: part["rows"] for name, part in steps.items()}}
        if wanted.where is None or wanted.where.holds(data):
            yield _device(record, data, place, mapping)
    if not held["complete"]:
        failure: Mapping[str, Any] = record.get("failure") or next(iter(record.get("errors") or ()), {})
        why = f"{wanted.from_} is not complete: {failure.get('kind') or record['status']}"
        yield Unseen(str(record["id"]), (record.get("labels") or {}).get("name") or _host(record), why)


def seen_by_some(outcomes: Iterator[Record], mapping: NetBoxMapping) -> list[list[SeenDevice | Unseen]]:
    """What some of the next outcomes saw: a thread reads them, the event loop is not to wait for a disk."""
    return [list(seen_of(record, mapping)) for record in islice(outcomes, BATCH_OUTCOMES)]


def repeated_serials(outcomes: Iterable[Record], mapping: NetBoxMapping) -> frozenset[str]:
    """Serial numbers, in lower case, that more than one device of a run has."""
    counts = Counter(
        seen.serial.casefold()
        for record in outcomes
        for seen in seen_of(record, mapping)
        if isinstance(seen, SeenDevice) and seen.serial is not None
    )
    return frozenset(serial for serial, count in counts.items() if count > 1)


def distinct(items: Sequence[SeenItem], problem: Any, target: str) -> Iterator[SeenItem]:
    """Items by names of their own: NetBox holds a name once in a device. Those that share one are called by
    their serial number too."""
    names = Counter(item.name.casefold() for item in items)
    for item in items:
        if names[item.name.casefold()] == 1:
            yield item
        elif item.serial is None:
            problem(target, f"{item.role} {item.name!r} is there twice, and has no serial number")
        else:
            name = f"{item.name} {item.serial}"
            yield replace(item, name=name if len(name) <= LENGTHS["name"] else item.serial)


def _device(record: Record, data: Mapping[str, Any], place: Place, mapping: NetBoxMapping) -> SeenDevice:
    wanted, steps = mapping.device, record.get("steps") or {}
    texts = _Texts(data)
    items: list[SeenItem] = []
    whole, unsure = set(), {}
    skipped = {skip.get("step") for skip in record.get("skipped") or ()}
    for part in mapping.items:
        held = steps.get(part.from_)
        if held is None:
            continue
        mine = [row for row in held["rows"] if place in places_above(steps, row)]
        if not held["complete"]:
            unsure[part.role] = f"{part.from_} is not complete on this target"
        elif part.from_ in skipped or (skipped and not mine):  # it, or perhaps what leads to it
            unsure[part.role] = f"this target may not offer {part.from_}"
        else:
            whole.add(part.role)
        for row in mine:
            items.extend(_item(_about(record, row, steps), part, texts.problems))
    return SeenDevice(
        target=str(record["id"]),
        **{name: texts.of(name, getattr(wanted, name)) for name in _DEVICE_TEXTS},
        custom_fields=texts.custom(wanted.custom_fields),
        items=items,
        whole=frozenset(whole),
        unsure=unsure,
        problems=texts.problems,
    )


_DEVICE_TEXTS = ("serial", "name", "manufacturer", "model", "site", "role")


def _item(data: Mapping[str, Any], part: ItemMap, problems: list[str]) -> Iterator[SeenItem]:
    if part.where is not None and not part.where.holds(data):
        return
    texts = _Texts(data, problems)
    serial = texts.of("serial", part.serial)
    name = texts.of("name", part.name) or serial
    if name is None:
        return
    yield SeenItem(
        role=part.role,
        name=name,
        serial=serial,
        manufacturer=texts.of("manufacturer", part.manufacturer),
        part_id=texts.of("part_id", part.part_id),
        custom_fields=texts.custom(part.custom_fields),
    )


class _Texts:
    """Values of expressions that NetBox can hold; what it cannot is a problem, and no value."""

    def __init__(self, data: Mapping[str, Any], problems: list[str] | None = None) -> None:
        self._data = data
        self.problems: list[str] = [] if problems is None else problems

    def of(self, name: str, asked: Any) -> str | None:
        value = asked.value(self._data) if asked is not None else None
        if value is None or isinstance(value, bool | list | dict):
            return None
        text = " ".join(str(value).split())
        return text if text and self._fits(name, text, LENGTHS.get(name, 100)) else None

    def custom(self, fields: Fields) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, asked in fields.items():
            value = asked.value(self._data)
            if isinstance(value, bool | int | float):
                found[name] = value
            elif (
                isinstance(value, str)
                and (text := " ".join(value.split()))
                and self._fits(name, text, CUSTOM)
            ):
                found[name] = text
        return found

    def _fits(self, name: str, text: str, limit: int) -> bool:
        if len(text) > limit:
            self.problems.append(f"{name} is longer than {limit} characters, and left out")
        elif not text.isprintable():
            self.problems.append(f"{name} holds what does not print, and is left out")
        else:
            return True
        return False


def _about(record: Record, row: Mapping[str, Any], steps: Mapping[str, Any]) -> dict[str, Any]:
    """What expressions see of a row."""
    above = dict(rows_above(steps, row))
    return {
        **above, "labels": record.get("labels") or {}, "target": record["id"], "host": _host(record), **row,
    }  # fmt: skip


def _host(record: Record) -> str | None:
    try:
        return urlsplit(str(record.get("target") or "")).hostname
    except ValueError:
        return None
