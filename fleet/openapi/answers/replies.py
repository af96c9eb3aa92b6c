"""Bodies of answers: JSON as it should be, and JSON as devices send it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate
from typing import Any

import orjson

from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Limits

MAX_DEPTH = 256  # of one body's nesting
MAX_FURTHER = 100  # JSON values after the first, in one body
_MAX_VALUES = Limits().values
_SPACE = re.compile(r"[ \t\r\n]*")
_PIECE = 64 * 1024  # bytes: taken apart whole, a body of quotes would cost thirty times its size
_SPACES = b" \t\r\n"
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS = bytes(b"0"[0] if sign in b"0123456789" else b" "[0] for sign in range(256))
_SHORT = 19  # digits of an integer, its sign included, that surely fits into 64 bits
_MAX_DIGITS = 4000  # of one that is read exactly: int() is quadratic, and refuses more than 4,300
_LONG = b"0" * _SHORT
_STEPS = [1 if sign in b"[{" else -1 for sign in range(256)]


def read_json(
    body: bytes, *, max_depth: int = MAX_DEPTH, max_values: int = _MAX_VALUES, exact: bool = False
) -> tuple[Any, tuple[str, ...]]:
    """The value of a JSON body, and what had to be forgiven to read it, in this order:

    `bom`, `latin1` (not UTF-8, read as Latin-1), `control_characters` (raw ones in strings), `nan` (NaN or
    Infinity; they become None), `concatenated` (further JSON values follow; the last object counts, because
    devices put an error or a notice before the answer), `trailing_bytes` (anything else follows).

    Integers of more than 64 bits are floats, which is what sinks can store; `exact` keeps them.

    Raises `RequestFailed` with BODY_NOT_JSON, BODY_TOO_DEEP, BODY_TOO_LARGE (more than `max_values` values,
    which is seen before any of them is made), or BODY_ENCODING (UTF-16 and UTF-32).
    """
    if len(body) > max_values and _signs(body) >= max_values and _values(body) > max_values:
        message = f"the JSON holds more than {max_values:,} values"
        raise RequestFailed(FailureKind.BODY_TOO_LARGE, message)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _lenient(body, max_depth, exact)
    if (
        len(body) > 2 * max_depth  # each level takes two brackets
        and _opened(body) > max_depth
        and _depth(body) > max_depth
    ):
        raise _too_deep(max_depth)
    if exact and _LONG in body.translate(_DIGITS):
        with suppress(ValueError):  # more digits than Python turns into an integer
            value = json.loads(body)
    return value, ()


def _lenient(body: bytes, max_depth: int, exact: bool) -> tuple[Any, tuple[str, ...]]:
    forgiven: list[str] = []
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in body[:4]:
        raise RequestFailed(FailureKind.BODY_ENCODING, "the body is UTF-16 or UTF-32; JSON is UTF-8")
    if body.startswith(b"\xef\xbb\xbf"):
        forgiven.append("bom")
        body = body[3:]
    if not body.strip():
        raise RequestFailed(FailureKind.BODY_NOT_JSON, "the body is empty")
    if _depth(body) > max_depth:
        raise _too_deep(max_depth)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
        forgiven.append("latin1")
    value, end = _value_at(text, _past_space(text, 0), forgiven, exact)
    concatenated = False
    with suppress(RequestFailed):
        for _ in range(MAX_FURTHER):
            if end == len(text):
                break
            further, end = _value_at(text, end, forgiven, exact)
            concatenated = True
            if isinstance(further, dict):
                value = further
    if concatenated:
        forgiven.append("concatenated")
    if end < len(text):
        forgiven.append("trailing_bytes")
    return value, tuple(dict.fromkeys(forgiven))


def _value_at(text: str, start: int, forgiven: list[str], exact: bool) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and where it and the space behind it end."""
    strange: list[str] = []

    def constant(name: str) -> None:
        strange.append(name)

    for strict in (True, False):
        decoder = json.JSONDecoder(
            strict=strict,
            parse_constant=constant,
            parse_int=_integer(strange, _MAX_DIGITS if exact else _SHORT),
            parse_float=_real(strange),
        )
        strange.clear()
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if not strict:
            forgiven.append("control_characters")
        if strange:
            forgiven.append("nan")
        return _encodable(value), _past_space(text, end)
    head = ascii(text[start : start + 24])
    raise RequestFailed(FailureKind.BODY_NOT_JSON, f"the body is not JSON; it begins {head}")


def _past_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found is not None else start


def _encodable(value: Any) -> Any:
    """The value with `?` where a string holds half a surrogate pair: no UTF-8 can carry that."""
    try:
        orjson.dumps(value)
    except TypeError:
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    return value


def _integer(strange: list[str], longest: int) -> Callable[[str], int | float | None]:
    real = _real(strange)
    return lambda digits: int(digits) if len(digits) <= longest else real(digits)


def _real(strange: list[str]) -> Callable[[str], float | None]:
    def real(digits: str) -> float | None:
        value = float(digits)
        if value in {float("inf"), float("-inf")}:
            strange.append(digits)
            return None
        return value

    return real


def _signs(text: bytes) -> int:
    """Signs that a value stands behind: one less than the values of a JSON text, or more than that."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _opened(body: bytes) -> int:
    """How many brackets it opens, those in strings included. Brackets are far between: to take them out costs
    a quarter of `bytes.count`, which looks at each byte by itself."""
    return 2 * len(body) - len(body.replace(b"[", b"")) - len(body.replace(b"{", b""))


def _values(body: bytes) -> int:
    """The values of a JSON text, keys left out; exact for valid JSON."""
    bare = _bare(body).translate(None, _SPACES)
    return 1 + _signs(bare) - bare.count(b"[]") - bare.count(b"{}")


def _bare(body: bytes) -> bytes:
    """A JSON text with `0` for what its strings hold; also for a last one that never ends."""
    text = body.replace(rb"\\", b"").replace(rb"\"", b"")  # hence every quote begins or ends a string
    outside = True
    kept = []
    for start in range(0, len(text), _PIECE):
        parts = text[start : start + _PIECE].split(b'"')
        kept.append(b"0".join(parts[::2] if outside else [b"", *parts[1::2]]))
        outside ^= len(parts) % 2 == 0
    return b"".join(kept)


def _depth(body: bytes) -> int:
    """The deepest nesting of a JSON text; exact for valid JSON, a bound for anything else.

    A loop over brackets in Python would take nine seconds for the largest body; this takes one.
    """
    brackets = _bare(body).translate(None, _NO_BRACKET)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _too_deep(limit: int) -> RequestFailed:
    return RequestFailed(FailureKind.BODY_TOO_DEEP, f"the JSON nests deeper than {limit} levels")
