"""JSON Pointers (RFC 6901): the way into a value, key by key."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote


def escape(key: str) -> str:
    """A key as a pointer writes it."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """The key that a pointer writes so; what needs no escape comes back as it is."""
    return token.replace("~1", "/").replace("~0", "~") if "~" in token else token


def pointer_of(steps: Iterable[str | int]) -> str:
    """The pointer that takes these keys and indexes; of none it is empty, and means the whole value."""
    return "".join(f"/{escape(str(step))}" for step in steps)


def steps_of(pointer: str) -> list[str]:
    """The keys and indexes that a pointer takes, all as text. What stands before its first `/` is no step."""
    return [unescape(token) for token in pointer.split("/")[1:]]


def steps_of_fragment(fragment: str) -> list[str]:
    """The steps of a pointer in a URI, behind its `#`, where it is percent-encoded as well."""
    return [unescape(unquote(token)) for token in fragment.split("/")[1:]]
