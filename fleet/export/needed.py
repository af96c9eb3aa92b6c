"""What devices and items refer to: proposed once where NetBox does not have it, before those that need it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fleet.export.known import Known, Object
from fleet.export.netbox import text_in
from fleet.export.preview import ProposedChange

MANUFACTURERS = "/api/dcim/manufacturers/"
TYPES = "/api/dcim/device-types/"
ITEM_ROLES = "/api/dcim/inventory-item-roles/"
CUSTOM_FIELDS = "/api/extras/custom-fields/"

_FIELD_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "decimal"}


class Needed:
    """References, in the form that NetBox takes, and the proposals that they need."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._manufacturers: dict[str, ProposedChange] = {}
        self._types: dict[tuple[str, str], ProposedChange] = {}
        self._item_roles: dict[str, ProposedChange] = {}
        self._fields: dict[str, ProposedChange] = {}

    @property
    def changes(self) -> tuple[ProposedChange, ...]:
        """The proposals, in an order that can be applied."""
        kinds = (self._manufacturers, self._types, self._item_roles, self._fields)
        return tuple(change for kind in kinds for change in kind.values())

    def manufacturer(self, name: str) -> dict[str, str]:
        """A reference to a manufacturer, whatever the case of its name."""
        found = self._known.manufacturers.get(name.casefold())
        if found is not None:
            return {"slug": text_in(found, "slug")}
        slug = slug_of(name)
        self._manufacturers.setdefault(
            slug, create(MANUFACTURERS, {"slug": slug}, {"name": name, "slug": slug}, _NEEDED)
        )
        return {"slug": slug}

    def type(self, manufacturer: str, model: str) -> dict[str, Any]:
        """A reference to a device type."""
        found = self._known.types.get((manufacturer.casefold(), model.casefold()))
        maker = self.manufacturer(manufacturer)
        shown = {"manufacturer": maker, "model": text_in(found, "model") or model}
        if found is None:
            key = (maker["slug"], model.casefold())
            self._types.setdefault(key, create(TYPES, shown, {**shown, "slug": slug_of(model)}, _NEEDED))
        return shown

    def item_role(self, slug: str) -> dict[str, str]:
        """A reference to an inventory item role."""
        if slug.casefold() not in self._known.item_roles:
            body = {"name": slug.replace("-", " ").capitalize(), "slug": slug}
            why = "it tells which items in NetBox are this step's"
            self._item_roles.setdefault(slug, create(ITEM_ROLES, {"slug": slug}, body, why))
        return {"slug": slug}

    def custom_fields(self, fields: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        """Values of custom fields of one kind of object (`dcim.device`)."""
        for name, value in fields.items():
            known = self._known.custom_fields.get(name.casefold())
            kinds = set(known.get("object_types") or ()) if known is not None else set()
            proposed = self._fields.get(name)
            asked = set(proposed.after["object_types"]) if proposed is not None else kinds
            if kind not in asked:
                self._fields[name] = _field(name, value, known, kinds, asked | {kind})
        return fields


_NEEDED = "others refer to it"


def slug_of(name: str) -> str:
    """What NetBox would make of a name: `Dell Inc.` is `dell-inc`."""
    return re.sub(r"[^a-z0-9_]+", "-", name.casefold()).strip("-")[:100] or "unnamed"


def create(
    endpoint: str, match: Mapping[str, Any], after: Mapping[str, Any], why: str, target: str | None = None
) -> ProposedChange:
    """An object to create."""
    return ProposedChange(
        action="create",
        endpoint=endpoint,
        id=None,
        match=match,
        before={},
        after=after,
        target=target,
        why=why,
    )


def update(
    endpoint: str,
    there: Object,
    match: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    why: str,
    target: str | None = None,
) -> ProposedChange:
    """An object to change, as it was when it was read."""
    seen = {**match, "last_updated": there.get("last_updated")}
    return ProposedChange(
        action="update", endpoint=endpoint, id=there["id"], match=seen, before=before, after=after,
        target=target, why=why,
    )  # fmt: skip


def _field(name: str, value: Any, known: Object | None, kinds: set[Any], asked: set[Any]) -> ProposedChange:
    types = {"object_types": sorted(asked)}
    if known is not None:
        before = {"object_types": sorted(kinds)}
        return update(CUSTOM_FIELDS, known, {"name": name}, before, types, "it is not for these objects yet")
    body = {"name": name, "type": _FIELD_TYPES.get(type(value), "text"), **types}
    return create(CUSTOM_FIELDS, {"name": name}, body, "values of the run go there")
