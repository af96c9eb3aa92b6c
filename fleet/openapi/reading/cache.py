"""Parsed trees as bytes and back: data only, self-checking, refused when anything about them is odd.

One header line (magic, format version, digest of the source, digest of the payload), then JSON. There is
nothing in it to execute; a file that somebody else wrote costs a parse of JSON at most.
"""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any

import orjson

from fleet.openapi.reading.yaml12 import collector_paused

MAGIC = b"fleet-tree"
FORMAT = 1  # of the file and of what the YAML reader makes: raise it when either changes
_HEADER = 256  # bytes in which the header line ends


def digest(data: bytes) -> str:
    """What a source is known by."""
    return sha256(data).hexdigest()


def encode(tree: Any, source: str) -> bytes | None:
    """A tree as bytes, bound to the digest of its source; None where JSON cannot hold it exactly."""
    try:
        payload = orjson.dumps(tree)
    except (orjson.JSONEncodeError, RecursionError):
        return None
    if _inexact(tree):
        return None
    return b"%s %d %s %s\n" % (MAGIC, FORMAT, source.encode(), digest(payload).encode()) + payload


def decode(data: bytes, source: str) -> tuple[Any] | None:
    """The tree in a one-tuple; None for anything but what `encode` made for that source."""
    header, end, _ = data[:_HEADER].partition(b"\n")
    expected = b"%s %d %s " % (MAGIC, FORMAT, source.encode())
    if not end or not header.startswith(expected):
        return None
    body = memoryview(data)[len(header) + 1 :]
    if sha256(body).hexdigest().encode() != header[len(expected) :]:
        return None
    try:
        with collector_paused():
            return (orjson.loads(body),)
    except orjson.JSONDecodeError:
        return None


def _inexact(tree: Any) -> bool:
    """Whether a tree holds a float that JSON has no word for."""
    todo, seen = [tree], set[int]()
    while todo:
        value = todo.pop()
        if isinstance(value, float):
            if not math.isfinite(value):
                return True
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            todo.extend(value.values() if isinstance(value, dict) else value)
    return False
