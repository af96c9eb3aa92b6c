"""What two failure messages have in common: the same words once all that is one host's own is taken out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

MAX_READ = 400  # characters of a message that are looked at
_REQUEST = re.compile(r"[A-Z]{3,7} (?:\S{1,300} )?\(([^()]{1,120})\): ")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,12}://[^\s'\"<>()]+")
_PATH = re.compile(r"(?<![\w*.])/[^\s'\"<>(),;]+")
_V6 = re.compile(r"\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\](?::[0-9]{1,5})?")
_NUMBERED = re.compile(r"[\w.%+-]*[0-9][\w.%+-]*")
_STATUS = re.compile(r"(?:login: )?([1-5][0-9]{2}): ")  # how messages about an answer begin
_SAME = re.compile(r"\*(?:[:/*-]+\*)+")


def operation_of(failure: Mapping[str, Any]) -> str | None:
    """The operation that failed; of a failure that does not say so itself the one that its message names:
    `getSystem` of `GET /redfish/v1/Systems/1 (getSystem): reset`."""
    if named := failure.get("operation"):
        return str(named)
    found = _REQUEST.match(str(failure.get("message", "")))
    return found[1] if found is not None else None


def cause_of(message: str, *, names: tuple[str, ...] = (), status: int | None = None) -> str:
    """A message without what is particular to one target: `Connection refused` of
    `GET / (getRoot): Connection refused`, `no route to *` of `no route to 10.0.0.7:443`.

    Its request, the target's own `names`, addresses, URLs, paths and everything with a digit are taken out;
    only the number that is the HTTP `status` stays. Where that is not given, it is the one that the message
    begins with.
    """
    text = message[:MAX_READ]
    found = _REQUEST.match(text)
    if found is not None:
        text = text[found.end() :]
    for name in names:
        if len(name) > 3:
            text = text.replace(name, "*")
    text = _V6.sub("*", _PATH.sub("PATH", _URL.sub("URL", text)))
    said = _STATUS.match(text)
    kept = str(status) if status is not None else said[1] if said is not None else ""
    text = _NUMBERED.sub(lambda number: number[0] if number[0] == kept else "*", text)
    return " ".join(_SAME.sub("*", text).split())


def cause_id(kind: str, cause: str, status: int | None, *, gap: bool = False) -> str:
    """A short name for one cause, the same in every run: `http.status-3f2a01`. `gap`: in partial targets."""
    text = f"{kind}\0{cause}\0{status}\0{gap}".encode("utf-8", "surrogatepass")
    return f"{kind}-{blake2b(text, digest_size=3).hexdigest()}"
