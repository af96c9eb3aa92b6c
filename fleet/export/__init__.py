"""Runs beside what other systems hold: what they would have to change. Nothing here changes it.

`mapping` says which outputs are which fields, `seen` is what a run saw in those words, `netbox` reads NetBox
and `known` is what it knows; `compare` puts one beside the other, and `preview` is what comes of it.
"""

from fleet.export.export import preview_netbox
from fleet.export.mapping import NetBoxMapping, load_mapping
from fleet.export.netbox import RETRY, NetBoxAccess
from fleet.export.preview import Preview, Problem, ProposedChange, Unknown, preview_schema

__all__ = [
    "RETRY",
    "NetBoxAccess",
    "NetBoxMapping",
    "Preview",
    "Problem",
    "ProposedChange",
    "Unknown",
    "load_mapping",
    "preview_netbox",
    "preview_schema",
]
