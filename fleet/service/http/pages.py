"""Where the next page of a list begins: beside an entry that is known by its key, and never after a number of
them, so that a list that changes while it is read repeats nothing and loses nothing that stays.

A mark is what an answer's `next` and `previous` hold and `page=` takes: the name of the list, a direction and
a key, in letters that need no escape. It is short, for names stand in it as `members.short` has them, and
says nothing that its list does not say. Who makes one up gets another place of the same list, or is refused.
"""

from __future__ import annotations

import base64
import math
from binascii import Error
from typing import Any, NamedTuple

import orjson

from fleet.service.http.lookup import Refused
from fleet.service.http.routes import Parameter

FORWARD, BACK = "+", "-"

PAGE = Parameter("page", "`next` of an answer: the list goes on there. Default: from its beginning.")
EITHER_WAY = Parameter(
    "page", "`next` or `previous` of an answer: the list goes on there. Default: from its beginning."
)


class Mark(NamedTuple):
    """A place beside the entry with a key, which may be gone: right after it, or before it where it is the
    way `back`."""

    key: tuple[Any, ...]
    back: bool


def mark(of: str, *key: str | float, back: bool = False) -> str:
    """The mark beside an entry of the list `of`."""
    text = orjson.dumps([of, BACK if back else FORWARD, *key])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_mark(of: str, text: str | None, *types: type) -> Mark | None:
    """What a mark of the list `of` says, its key of these types; None for none. Raises Refused."""
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        made_of, way, *key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fits = made_of == of and way in (FORWARD, BACK) and len(key) == len(types)
    except (ValueError, TypeError, Error):
        fits = False
    if not fits or not all(_can_be(part, wanted) for part, wanted in zip(key, types, strict=True)):
        raise Refused(
            400,
            "page is not the `next` of an answer of this list, and no number: ask without it for the "
            "first page",
        )
    return Mark(tuple(key), way == BACK)


def _can_be(part: Any, wanted: type) -> bool:
    if isinstance(part, bool) or not isinstance(part, wanted):
        return False
    return not isinstance(part, int | float) or (math.isfinite(part) and abs(part) < 2**63)
