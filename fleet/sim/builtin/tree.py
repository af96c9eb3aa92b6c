"""All documents of the built-in tree, and how many of each there are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fleet.sim.builtin.chassis import add_chassis
from fleet.sim.builtin.document import ROOT, Documents
from fleet.sim.builtin.service import add_service
from fleet.sim.builtin.system import add_systems

# What a walk over one host finds, absent parts included: (all, absent).
COUNTS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "system": (2, 0),
        "processor": (4, 0),
        "memory": (6, 2),
        "nic": (4, 0),
        "storage": (1, 0),
        "drive": (3, 1),
        "volume": (1, 0),
        "simple_storage": (1, 0),
        "simple_device": (3, 1),
        "chassis": (1, 0),
        "temperature": (3, 1),
        "fan": (2, 0),
        "sensor": (6, 0),
        "power_supply": (2, 0),
        "network_adapter": (1, 0),
        "manager": (1, 0),
        "manager_nic": (1, 0),
        "firmware": (3, 0),
        "software": (1, 0),
        "log_entry": (12, 0),
    }
)


def builtin_documents(*, expand: bool) -> Documents:
    """The documents by path (`/redfish/v1/Systems/1`, no trailing slash), with marks where hosts differ."""
    documents: Documents = {}
    add_service(documents, expand=expand)
    add_systems(documents)
    add_chassis(documents)
    return {f"{ROOT}/{path}".rstrip("/"): document for path, document in documents.items()}
