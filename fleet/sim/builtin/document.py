"""How documents of the built-in tree are written down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ROOT = "/redfish/v1"

Documents = dict[str, dict[str, Any]]


def link(path: str) -> dict[str, str]:
    """A reference to another resource; `path` is below the service root."""
    return {"@odata.id": f"{ROOT}/{path}" if path else f"{ROOT}/"}


def links(paths: Iterable[str]) -> list[dict[str, str]]:
    """References to several resources."""
    return [link(path) for path in paths]


def status(health: str | None = "OK", *, state: str = "Enabled", rollup: str | None = None) -> dict[str, Any]:
    """A Status object; without `rollup` it has no HealthRollup."""
    shown: dict[str, Any] = {"State": state, "Health": health}
    return {**shown, "HealthRollup": rollup} if rollup else shown


def resource(path: str, kind: str, name: str, **properties: Any) -> dict[str, Any]:
    """One resource: `kind` is its versioned type, `Processor.v1_20_0`."""
    return {
        "@odata.id": f"{ROOT}/{path}",
        "@odata.type": f"#{kind}.{kind.partition('.')[0]}",
        "Id": path.rpartition("/")[2],
        "Name": name,
        **properties,
    }


def collection(path: str, kind: str, members: Iterable[str], name: str = "") -> dict[str, Any]:
    """One collection; `members` are paths below the service root."""
    listed = links(members)
    return {
        "@odata.id": f"{ROOT}/{path}",
        "@odata.type": f"#{kind}Collection.{kind}Collection",
        "Name": name or f"{kind} Collection",
        "Members": listed,
        "Members@odata.count": len(listed),
    }


def add_collection(documents: Documents, path: str, kind: str, members: list[dict[str, Any]]) -> None:
    """Adds a collection and its members."""
    start = len(ROOT) + 1
    documents[path] = collection(path, kind, [member["@odata.id"][start:] for member in members])
    for member in members:
        documents[member["@odata.id"][start:]] = member
