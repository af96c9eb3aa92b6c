"""Who a scan is to a target: a named credential, and how another one is got where it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

from fleet.client.message import Request
from fleet.frozen import frozen
from fleet.secret import Secret

if TYPE_CHECKING:
    from fleet.openapi import Document

Prepare = Callable[[], Request]


@frozen
class Credential:
    """One named credential. `schemes` holds values for security schemes by name; for every other scheme of a
    description, `username` and `password` answer HTTP Basic, and `token` answers bearer and apiKey.
    `version` tells its values from others that it had, or that other targets have, under the same name."""

    name: str
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    schemes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    version: str = ""

    @property
    def pair(self) -> tuple[str, Secret] | None:
        """User and password, if it has both."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password

    def values(self, document: Document) -> dict[str, Any]:
        """What it offers to a description's security schemes, by scheme name."""
        offered: dict[str, Any] = {}
        for name, scheme in document.schemes.items():
            if name in self.schemes:
                offered[name] = self.schemes[name]
            elif scheme.kind == "basic" and self.pair is not None:
                offered[name] = self.pair
            elif scheme.kind in {"bearer", "apiKey"} and self.token is not None:
                offered[name] = self.token
        return offered


# Gives a target's credential: with None the one it begins with; with one that was refused another, if there
# is any by now. Raises RequestFailed (auth.unavailable) where it cannot be had.
Renewal: TypeAlias = Callable[[Credential | None], Awaitable[Credential | None]]
