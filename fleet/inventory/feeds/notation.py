"""How a source that is asked is written, and what it becomes.

    http_sd:https://cmdb.example/targets            Prometheus' HTTP service discovery
    netbox:https://netbox.example?site=dc1          the query is NetBox's own filter
    ansible:inventory.yml?groups=bmcs&labels=site   the query sets groups, labels and address
    exec:./list.sh prod                             words as a shell splits them; no shell runs them

In YAML it is a mapping with the same word as its one key (`fleet.inventory.feeds.model`).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl

from pydantic import ValidationError

from fleet.errors import InventoryError
from fleet.guess import closest
from fleet.inventory.credentials.secrets import SecretReader
from fleet.inventory.feeds.ansible import Ansible
from fleet.inventory.feeds.feed import Feed
from fleet.inventory.feeds.http_sd import HttpSd
from fleet.inventory.feeds.listing import ProgramListing
from fleet.inventory.feeds.model import Kind, SourceModel
from fleet.inventory.feeds.netbox import NetBox

KINDS: tuple[str, ...] = get_args(Kind)
_OF_ANSIBLE = ("groups", "labels", "address")


def parse(text: str, home: Path | None = None) -> tuple[str, SourceModel]:
    """A source written as text: its name and its model. `home` is where its relative paths begin. Raises
    InventoryError."""
    kind, _, rest = text.partition(":")
    if not rest.strip():
        raise InventoryError(f"{kind}: names nothing to ask", hint=_example(kind))
    try:
        return text, _anchored(SourceModel.model_validate({kind: _value(kind, rest)}), home or Path())
    except ValidationError as error:
        raise InventoryError(f"{kind}: {_first(error)}", hint=_example(kind)) from None


def named(model: SourceModel, home: Path) -> tuple[str, SourceModel]:
    """A source of a YAML file: how messages call it, and its model with its paths made absolute."""
    kind = next(kind for kind in KINDS if getattr(model, kind) is not None)
    part = getattr(model, kind)
    match kind:
        case "ansible":
            rest = part.inventory
        case "exec":
            rest = shlex.join(part.command)
        case _:
            rest = part.url
    return f"{kind}:{rest}", _anchored(model, home)


def feed_of(name: str, model: SourceModel, secrets: SecretReader) -> Feed:
    """What is asked for a source. Raises InventoryError."""
    if model.http_sd is not None:
        return HttpSd(name, model.http_sd, secrets)
    if model.netbox is not None:
        return NetBox(name, model.netbox, secrets)
    if model.ansible is not None:
        return Ansible(name, model.ansible)
    assert model.exec is not None  # noqa: S101  (the model has one of the four)
    return ProgramListing(name, model.exec)


def _value(kind: str, rest: str) -> Any:
    if kind == "exec":
        try:
            return shlex.split(rest)
        except ValueError:
            raise InventoryError("exec: a quote is not finished") from None
    if kind != "ansible":
        return {"url": rest}
    path, mark, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if mark and (wrong := next((name for name in options if name not in _OF_ANSIBLE), None)) is not None:
        near = closest(wrong, _OF_ANSIBLE)
        raise InventoryError(
            f"ansible: there is no option {wrong!r}",
            hint=f"did you mean {near}?" if near else f"the options are {', '.join(_OF_ANSIBLE)}",
        )
    return {"inventory": path, **options}


def _anchored(model: SourceModel, home: Path) -> SourceModel:
    """The model with its relative paths made to start at `home`."""
    changed: dict[str, Any] = {}
    for kind in ("http_sd", "netbox"):
        if (web := getattr(model, kind)) is not None:
            moved = {name: _from(home, getattr(web, name, None)) for name in ("token", "password")}
            moved["ca_file"] = str(home / web.ca_file) if web.ca_file is not None else None
            changed[kind] = web.model_copy(update={k: v for k, v in moved.items() if v is not None})
    if model.ansible is not None:
        inventory = model.ansible.inventory
        if "," not in inventory:  # `host1,host2,` is Ansible's own list of hosts
            inventory = str((home / Path(inventory).expanduser()).absolute())
        command = _beside(home, model.ansible.command)
        changed["ansible"] = model.ansible.model_copy(update={"inventory": inventory, "command": command})
    if model.exec is not None:
        changed["exec"] = model.exec.model_copy(update={"command": _beside(home, model.exec.command)})
    return model.model_copy(update=changed)


def _beside(home: Path, command: Any) -> tuple[str, ...]:
    program, *arguments = command
    return (str((home / Path(program).expanduser()).absolute()) if "/" in program else program, *arguments)


def _from(home: Path, reference: str | None) -> str | None:
    if reference is None or not reference.startswith("file:"):
        return reference
    return f"file:{home / Path(reference[5:]).expanduser()}"


def _first(error: ValidationError) -> str:
    """The first complaint; what was found is not repeated."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"][1:] if not isinstance(step, int))
    message = (
        "not a URL without user and fragment" if first["type"] == "string_pattern_mismatch" else first["msg"]
    )
    return f"{where}: {message}" if where else message


def _example(kind: str) -> str:
    rest: Mapping[str, str] = {
        "http_sd": "https://cmdb.example/targets",
        "netbox": "https://netbox.example?site=dc1",
        "ansible": "inventory.yml",
        "exec": "./list.sh",
    }
    return f"write for example {kind}:{rest[kind]}"
