"""YAML files with `sources:`: an inventory that consists of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleet.inventory.address import shown
from fleet.inventory.feeds.model import URL, SourceModel
from fleet.yamlfile import YamlFile

_SHAPE = "a source: a text, or a mapping with one of http_sd, netbox, ansible and exec"
_OF_ANSIBLE = {"hosts", "children", "vars"}
_PATTERNS = {URL: "not a URL without user and fragment"}


def read_sources(file: YamlFile) -> Iterator[str | SourceModel]:
    """The sources of such a file, in order. Raises InventoryError with its place, which repeats nothing that
    may be a secret."""
    tree = file.tree
    if not isinstance(tree, dict) or "sources" not in tree:
        if _is_ansible(tree):
            hint = f"let Ansible read it: ansible:{file.name}"
            raise file.complaint("this is an inventory of Ansible's", hint=hint)
        hint = "write `sources:` and below it `- HOST` for each, or `- FILE`"
        raise file.complaint("neither a list of {targets, labels} groups, nor `sources:`", hint=hint)
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


def _is_ansible(tree: Any) -> bool:
    """Whether each key is a group as Ansible writes them: of `hosts`, `children` and `vars`."""
    return isinstance(tree, dict) and all(
        isinstance(group, dict) and group and group.keys() <= _OF_ANSIBLE for group in tree.values()
    )
