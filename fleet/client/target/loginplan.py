"""How a family of APIs opens and closes sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fleet.client.message import Reply
from fleet.client.target.credential import Credential
from fleet.frozen import frozen

if TYPE_CHECKING:
    from fleet.openapi import Operation


@frozen
class LoginPlan:
    """How a family of APIs opens and closes sessions, with every name resolved. Shared by all targets.

    `body` makes the login's body from the credential (it reveals the password: call it at the last moment).
    `token` and `session` read the token and the session's link from the reply and its parsed body (None
    when it is not JSON). `collection_from` reads, from the resource that the operation named `source`
    answered, the link to POST to; it is tried before the operation's own path, `alternatives` after it.
    The answers `unavailable` lead to the next of them, and in the end to the scheme `fallback`.
    """

    operation: Operation
    body: Callable[[Credential], Any]
    token: Callable[[Reply, Any], object]
    scheme: str
    session: Callable[[Reply, Any], object] | None = None
    source: str | None = None
    collection_from: Callable[[Any], object] | None = None
    alternatives: tuple[str, ...] = ()
    logout: str = "DELETE"
    unavailable: frozenset[int] = frozenset({404, 405, 501})
    fallback: str | None = None
