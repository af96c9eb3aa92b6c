"""YAML files with `sources:`: an inventory that consists of others."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.address import shown
from fleet.inventory.feeds.model import URL, SourceModel
from fleet.yamlfile import YamlFile

_SHAPE = "a source: a text, or a mapping with one of http_sd, netbox, ansible and exec"
_PATTERNS = {URL: "not a URL without user and fragment"}


def read_sources(file: YamlFile) -> Iterator[str | SourceModel]:
    """The sources of such a file, in order. Raises InventoryError with its place, which repeats nothing that
    may be a secret."""
    tree = file.tree
    if not isinstance(tree, dict) or "sources" not in tree:
        raise file.complaint("neither a list of {targets, labels} groups, nor `sources:`")
    if (other := next((name for name in tree if name != "sources"), None)) is not None:
        raise file.complaint(f"unknown key {shown(str(other))}", [other], "`sources:` stands alone")
    members = tree["sources"]
    if not isinstance(members, list) or not members:
        raise file.complaint("sources: a list of at least one", ["sources"])
    for number, member in enumerate(members):
        if isinstance(member, str):
            yield member
        else:
            yield file.fit(SourceModel, shape=_SHAPE, under=("sources", number), patterns=_PATTERNS)
