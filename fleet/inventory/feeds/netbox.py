"""Devices of NetBox, by its REST API: `netbox:https://netbox.example?site=dc1&role=server`.

The address is the out-of-band one, else the primary one (`address` chooses); site, rack, role, model and the
like become labels, and so do tags. The device's name is its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fleet.errors import InventoryError
from fleet.inventory.address import shown
from fleet.inventory.credentials.secrets import SecretReader
from fleet.inventory.feeds.feed import Listing, Rows, plain
from fleet.inventory.feeds.model import NetBoxModel
from fleet.inventory.feeds.web import web_of
from fleet.secret import Secret

PAGE_DEVICES = 500  # devices
MAX_PAGES = 4000  # of one list: two million devices
_FIELDS = {"oob": "oob_ip", "primary": "primary_ip", "primary4": "primary_ip4", "primary6": "primary_ip6"}
_NAMED = ("site", "location", "tenant", "platform", "role")  # objects with a slug


class NetBox:
    """The devices that a filter leaves."""

    def __init__(self, name: str, model: NetBoxModel, secrets: SecretReader) -> None:
        self._name = name
        self._model = model
        self._secrets = secrets
        parts = urlsplit(model.url)
        self._base = parts.path.rstrip("/") + "/api/dcim/devices/"
        self._query = [*parse_qsl(parts.query, keep_blank_values=True), *_pairs(model.filter)]
        self._web = web_of(name, model)

    def fetch(self) -> Listing:
        rows = Rows()
        for device in self._devices():
            self._add(rows, device)
        return rows.listing()

    def _devices(self) -> Iterator[Any]:
        """All devices, page by page. Raises InventoryError unless it got as many as NetBox says there are."""
        headers = self._login()
        got = 0
        for _ in range(MAX_PAGES):
            page = self._page(got, headers)
            found, count = page.get("results"), page.get("count")
            if not isinstance(found, list) or not isinstance(count, int):
                raise InventoryError(f"{self._name}: the answer is no page of devices", hint="is it NetBox?")
            yield from found
            got += len(found)
            if page.get("next") is None:
                if got < count:
                    raise InventoryError(f"{self._name}: gave {got} of {count} devices")
                return
            if not found:
                raise InventoryError(f"{self._name}: an empty page, and more to come")
        raise InventoryError(f"{self._name}: more than {MAX_PAGES} pages")

    def _page(self, offset: int, headers: Mapping[str, str | Secret]) -> Mapping[str, Any]:
        own = [("limit", PAGE_DEVICES), ("offset", offset), ("ordering", "id"), ("exclude", "config_context")]
        reply = self._web.ask(f"{self._base}?{urlencode([*self._query, *own])}", headers=headers)
        if reply.status in {401, 403}:
            raise InventoryError(
                f"{self._name}: {reply.status}",
                hint="check its token (env:NETBOX_TOKEN), and that it may view devices",
            )
        value = self._web.json(reply)
        if reply.status != 200 or not isinstance(value, dict):
            why = f": {shown(_complaint(value), 200)}" if reply.status == 400 else ""
            raise InventoryError(f"{self._name}: answered with {reply.status}{why}")
        return value

    def _login(self) -> dict[str, str | Secret]:
        if self._model.token is None:
            return {}
        token = self._secrets.read(self._model.token, f"token of {self._name}").reveal()
        kind = "Bearer" if token.startswith("nbt_") else "Token"  # version 2 of tokens, since NetBox 4.5
        return {"Authorization": Secret(f"{kind} {token}")}

    def _add(self, rows: Rows, device: Any) -> None:
        if not isinstance(device, dict):
            rows.omit("an entry that is no device")
            return
        name = device.get("name") or f"netbox-{device.get('id')}"
        address = next((found for kind in self._model.address if (found := _address(device, kind))), None)
        if not isinstance(name, str) or address is None:
            rows.omit(f"device {shown(str(name))}: it has no {' or '.join(self._model.address)} address")
            return
        rows.add({"host": address, "id": name, "labels": plain(self._labels(device))})

    def _labels(self, device: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name in _NAMED:
            yield name, _of(device.get(name) or device.get(f"device_{name}"), "slug")
        yield "rack", _of(device.get("rack"), "name")
        kind = device.get("device_type")
        yield "model", _of(kind, "slug")
        yield "manufacturer", _of(kind.get("manufacturer") if isinstance(kind, dict) else None, "slug")
        yield "status", _of(device.get("status"), "value")
        yield "netbox_id", device.get("id") if isinstance(device.get("id"), int) else None
        tags = device.get("tags")
        slugs = [_of(tag, "slug") for tag in tags] if isinstance(tags, list) else []
        yield "tags", " ".join(sorted(slug for slug in slugs if slug))
        custom = device.get("custom_fields")
        for name in self._model.custom_fields:
            value = custom.get(name) if isinstance(custom, dict) else None
            yield name, value if isinstance(value, str | int | float) else _of(value, "label")


def _pairs(wanted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in wanted.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            yield name, str(one).lower() if isinstance(one, bool) else str(one)


def _address(device: Mapping[str, Any], kind: str) -> str | None:
    """An address of a device without its prefix length."""
    text = _of(device.get(_FIELDS[kind]), "address")
    if text is None:
        return None
    host = text.partition("/")[0]
    return f"[{host}]" if ":" in host else host


def _of(value: Any, name: str) -> str | None:
    held = value.get(name) if isinstance(value, dict) else None
    return held if isinstance(held, str) and held else None


def _complaint(value: Any) -> str:
    """What NetBox says of a filter that it does not know."""
    if isinstance(value, dict):
        return "; ".join(
            f"{name}: {why[0] if isinstance(why, list) and why else why}" for name, why in value.items()
        )
    return str(value)
