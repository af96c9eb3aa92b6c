"""Faults of collections and links: members elsewhere, pages that never end, $expand that does not work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.faults.behaviour import Behaviour, Normal
from fleet.sim.faults.status import ELSEWHERE
from fleet.sim.reply import Asked, Message, Reply, error
from fleet.sim.sessions import SESSIONS

Edit = Callable[[dict[str, Any]], None]


def _asks_expand(asked: Asked) -> bool:
    return "$expand" in asked.query or "%24expand" in asked.query


def _change_collection(asked: Asked, reply: Reply, change: Edit) -> Reply:
    """The answer with its document changed, when that is a collection (of anything but sessions)."""
    if reply.status != 200 or asked.key.startswith(SESSIONS):
        return reply
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply
    if not isinstance(document, dict) or not isinstance(document.get("Members"), list):
        return reply
    change(document)
    return replace(reply, body=orjson.dumps(document))


@frozen(slots=False)
class ForeignMember(Behaviour, name="link.foreign", kind=FailureKind.LINK_FOREIGN, aliases=("foreign-link",)):
    """Collections have one more member, at another origin, `to`. Causes link.foreign."""

    to: str = ELSEWHERE

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        def change(document: dict[str, Any]) -> None:
            document["Members"].append({"@odata.id": f"{self.to}{asked.key}/foreign"})

        return _change_collection(asked, normal(), change)


@frozen(slots=False)
class NextLinkLoop(Behaviour, name="link.limit", kind=FailureKind.LINK_LIMIT, aliases=("nextlink-loop",)):
    """Collections name themselves as their next page. Causes link.limit."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        def change(document: dict[str, Any]) -> None:
            document["Members@odata.nextLink"] = asked.target

        return _change_collection(asked, normal(), change)


@frozen(slots=False)
class EndlessPages(
    Behaviour, name="link.limit:endless-pages", kind=FailureKind.LINK_LIMIT, aliases=("endless-pages",)
):
    """Collections go on for ever, each page with a link of its own. Causes link.limit."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        page = int("0" + asked.query.rpartition("page=")[2]) if "page=" in asked.query else 1

        def change(document: dict[str, Any]) -> None:
            document["Members@odata.nextLink"] = f"{asked.path}?page={page + 1}"

        return _change_collection(asked, normal(), change)


@frozen(slots=False)
class OddMembers(Behaviour, name="odd-members"):
    """Members null or holding empty links, the count a string. Causes nothing: read as empty."""

    null: bool = False

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        def change(document: dict[str, Any]) -> None:
            document["Members"] = None if self.null else [{}, None, *document["Members"]]
            document["Members@odata.count"] = "99"

        return _change_collection(asked, normal(), change)


@frozen(slots=False)
class ExpandIgnored(Behaviour, name="expand-ignored"):
    """The root offers $expand, collections ignore it. Causes nothing."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        if _asks_expand(asked):
            asked.query = ""
        return normal()


@frozen(slots=False)
class ExpandRefused(Behaviour, name="expand-refused"):
    """The root offers $expand, collections answer it with `status`. Causes nothing: asked again without."""

    status: int = 400

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        if _asks_expand(asked):
            return error(
                self.status, Message("Base.1.18.QueryNotSupportedOnResource", "Querying is not supported.")
            )
        return normal()


@frozen(slots=False)
class ExpandBroken(Behaviour, name="expand-broken"):
    """The root offers $expand, and what it gives is not JSON. Causes nothing: asked again without."""

    def answer(self, asked: Asked, normal: Normal) -> Reply:
        reply = normal()
        if _asks_expand(asked):
            return replace(reply, body=reply.body.replace(b'","', b'""', 1))
        return reply


BEHAVIOURS: tuple[type[Behaviour], ...] = (
    ForeignMember,
    NextLinkLoop,
    EndlessPages,
    OddMembers,
    ExpandIgnored,
    ExpandRefused,
    ExpandBroken,
)
