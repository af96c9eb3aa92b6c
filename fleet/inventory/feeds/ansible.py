"""Ansible inventories, as Ansible itself reads them: `ansible:inventory.yml`.

`ansible-inventory --list` resolves plugins, ranges, groups and variables; nothing of Ansible is imported. The
address is the first of the variables `fleet_host`, `bmc_address` and `ansible_host` that a host has, or its
name. `fleet_port`, `fleet_scheme`, `fleet_auth`, `fleet_proxy` say the rest; the host's name is its id.
Variables become labels only where `labels` names them: among them are passwords.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from fleet.errors import InventoryError
from fleet.inventory.address import shown
from fleet.inventory.feeds.feed import MAX_LIST_BYTES, Listing, Rows, plain
from fleet.inventory.feeds.model import AnsibleModel
from fleet.inventory.program import Program
from fleet.quantities import parse_duration

OWN = {"fleet_port": "port", "fleet_scheme": "scheme", "fleet_auth": "auth", "fleet_proxy": "proxy"}
# By itself it says success, and nothing, of a file that it cannot read: a fleet would be gone without a word.
STRICT = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1"}
EVERYBODY = ("all", "ungrouped")


class Ansible:
    """The hosts of one Ansible inventory."""

    def __init__(self, name: str, model: AnsibleModel) -> None:
        self._name = name
        self._model = model
        self._program = Program(
            (*model.command, "-i", model.inventory, "--list"),
            what=name,
            error=InventoryError,
            seconds=parse_duration(model.timeout),
            most=MAX_LIST_BYTES,
            prefixes=("ANSIBLE_",),
            settings=STRICT,
        )

    def fetch(self) -> Listing:
        try:
            told = orjson.loads(self._program.run())
        except orjson.JSONDecodeError:
            raise InventoryError(f"{self._name}: what ansible-inventory printed is not JSON") from None
        if not isinstance(told, dict):
            raise InventoryError(f"{self._name}: what ansible-inventory printed is not an object")
        meta = told.get("_meta")
        variables = meta.get("hostvars") if isinstance(meta, dict) else None
        variables = variables if isinstance(variables, dict) else {}
        groups = {name: group for name, group in told.items() if name != "_meta" and isinstance(group, dict)}
        members = {name: set(_members(groups, name)) for name in groups}
        wanted = self._wanted(members)
        hosts = dict.fromkeys([*variables, *(host for group in members.values() for host in sorted(group))])
        rows = Rows()
        for host in hosts:
            if wanted is None or host in wanted:
                belongs = sorted(name for name, group in members.items() if host in group)
                self._add(rows, host, variables.get(host), belongs)
        return rows.listing()

    def _wanted(self, members: Mapping[str, set[str]]) -> set[str] | None:
        """The hosts of the groups that are asked for; None where all are."""
        if not self._model.groups:
            return None
        unknown = [name for name in self._model.groups if name not in members]
        if unknown:
            known = ", ".join(sorted(set(members) - set(EVERYBODY)))[:300]
            raise InventoryError(
                f"{self._name}: there is no group {shown(unknown[0])}", hint=f"the groups are: {known}"
            )
        return set().union(*(members[name] for name in self._model.groups))

    def _add(self, rows: Rows, host: str, variables: Any, groups: list[str]) -> None:
        held = variables if isinstance(variables, dict) else {}
        address = next((held[name] for name in self._model.address if held.get(name)), host)
        labels = {name: held.get(name) for name in self._model.labels}
        odd = next((name for name, value in labels.items() if isinstance(value, dict | list)), None)
        if not isinstance(address, str) or odd is not None:
            what = f"{odd} is not a plain value" if odd is not None else "its address is not a text"
            rows.omit(f"host {shown(host)}: {what}")
            return
        named = plain((ours, held.get(theirs)) for theirs, ours in OWN.items())
        labels["groups"] = " ".join(name for name in groups if name not in EVERYBODY)
        identity = {"id": host} if address != host else {}
        rows.add({"host": address, **identity, **named, "labels": plain(labels.items())})


def _members(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    """The hosts of a group and of the groups below it, however those lead back to it."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        group = groups.get(here, {})
        yield from _names(group.get("hosts"))
        waiting.extend(_names(group.get("children")))


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
