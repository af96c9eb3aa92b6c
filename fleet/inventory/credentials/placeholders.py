"""Texts that name a part of the target: `bmc/{host}`, `{site}`.

The names are those of conditions (`fleet.inventory.match`): `id`, `url` (or `target`), `host`, `auth`,
`proxy`, and `port`; every other name is a label. What stands in braces and is no name stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fleet.errors import SecretError
from fleet.inventory.address import shown
from fleet.inventory.match import host_port_of
from fleet.target import Target

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Template:
    """A text with placeholders, filled for one target at a time."""

    __slots__ = ("_parts", "text")

    def __init__(self, text: str) -> None:
        self.text: str = text
        self._parts = _NAME.split(text)  # text, name, text, name, ..., text

    @property
    def own(self) -> bool:
        """Whether it has placeholders: it differs from target to target."""
        return len(self._parts) > 1

    def fill(self, target: Target | None, quote: Callable[[str], str] = str) -> str:
        """The text for a target, each value through `quote`. Raises SecretError for a label that it does not
        have."""
        if target is None or not self.own:
            return self.text
        parts = [quote(_value(part, target)) if index % 2 else part for index, part in enumerate(self._parts)]
        return "".join(parts)


def _value(name: str, target: Target) -> str:
    match name:
        case "id":
            return target.id
        case "url" | "target":
            return target.url
        case "host":
            return host_port_of(target.url).host
        case "port":
            return str(host_port_of(target.url).port)
        case "auth":
            value = target.auth
        case "proxy":
            value = target.proxy
        case _:
            value = target.labels.get(name)
    if not value:
        raise SecretError(
            f"{{{name}}}: {shown(target.id)} has no {name}",
            hint="placeholders are id, url, host, port or labels",
        )
    return value
