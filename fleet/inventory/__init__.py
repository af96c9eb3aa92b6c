"""Where targets come from, and which credential and which proxy each of them gets.

Targets are streamed: nothing here holds an inventory in memory. Reading blocks, so an event loop reads
from a thread.

    sources      what an argument is; `read` takes it all the way to targets
    formats      text, tables and file_sd: the files that hold targets
    feeds        what is asked for targets: NetBox, Ansible, programs, service discovery
    ranges       expressions that stand for many hosts; `folding` makes them of many hosts
    match        which targets a condition means; `choice`, `order`, `spread` and `shard` choose some of them
    credentials  names and their values: an auths file, helpers, Vault
    proxy        which proxy a target goes through

The names load when first used: most scans need no choice, no feeds and no models of credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.inventory.choice import Sample
    from fleet.inventory.credentials.auths import load_auths
    from fleet.inventory.credentials.credentials import COMMAND_LINE, Credentials
    from fleet.inventory.credentials.model import AuthModel, AuthsFile, ProxyModel, VaultModel
    from fleet.inventory.credentials.secrets import WAYS, SecretReader, is_reference
    from fleet.inventory.feeds.store import Feeds
    from fleet.inventory.folding import FoldedSet, Folder, fold, natural
    from fleet.inventory.following import FollowedInventory, Refreshed
    from fleet.inventory.formats.rows import address_of, format_target
    from fleet.inventory.match import (
        TARGET_FIELDS,
        Condition,
        HostSet,
        fields_of,
        parse_condition,
        parse_match,
        place_of,
        split_commas,
    )
    from fleet.inventory.proxy import Proxies, parse_proxy_url
    from fleet.inventory.read import Inventory, InventoryCounts, InventoryOptions, read_targets
    from fleet.inventory.schema import auths_schema, sources_schema
    from fleet.inventory.shard import Shard
    from fleet.inventory.sources import absolute_source, asks, is_target, rereadable
    from fleet.inventory.spread import Spread

__all__ = [
    "COMMAND_LINE",
    "TARGET_FIELDS",
    "WAYS",
    "AuthModel",
    "AuthsFile",
    "Condition",
    "Credentials",
    "Feeds",
    "FoldedSet",
    "Folder",
    "FollowedInventory",
    "HostSet",
    "Inventory",
    "InventoryCounts",
    "InventoryOptions",
    "Proxies",
    "ProxyModel",
    "Refreshed",
    "Sample",
    "SecretReader",
    "Shard",
    "Spread",
    "VaultModel",
    "absolute_source",
    "address_of",
    "asks",
    "auths_schema",
    "fields_of",
    "fold",
    "format_target",
    "is_reference",
    "is_target",
    "load_auths",
    "natural",
    "parse_condition",
    "parse_match",
    "parse_proxy_url",
    "place_of",
    "read_targets",
    "rereadable",
    "sources_schema",
    "split_commas",
]

load_lazily(
    __name__,
    {
        "credentials.auths": ("load_auths",),
        "choice": ("Sample",),
        "credentials.credentials": ("COMMAND_LINE", "Credentials"),
        "feeds.store": ("Feeds",),
        "folding": ("FoldedSet", "Folder", "fold", "natural"),
        "following": ("FollowedInventory", "Refreshed"),
        "match": (
            "TARGET_FIELDS",
            "Condition",
            "HostSet",
            "fields_of",
            "parse_condition",
            "parse_match",
            "place_of",
            "split_commas",
        ),
        "credentials.model": ("AuthModel", "AuthsFile", "ProxyModel", "VaultModel"),
        "proxy": ("Proxies", "parse_proxy_url"),
        "read": ("Inventory", "InventoryCounts", "InventoryOptions", "read_targets"),
        "formats.rows": ("address_of", "format_target"),
        "schema": ("auths_schema", "sources_schema"),
        "credentials.secrets": ("SecretReader", "WAYS", "is_reference"),
        "shard": ("Shard",),
        "sources": ("absolute_source", "asks", "is_target", "rereadable"),
        "spread": ("Spread",),
    },
)
