"""Texts of a known format as Python values that remember how they were written.

Formats are not asserted: a text that Python cannot read stays text. `date-time` may lack its offset, as
devices often leave it out; fractions of seconds count to the microsecond. Dumps give the text that came.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, TypeAlias, TypeVar
from uuid import UUID

from pydantic_core import SchemaSerializer, core_schema

TextReader: TypeAlias = Callable[[str], Any]
"""A text to its value; the text itself where it does not fit."""


def text_of(value: Any) -> str:
    """The text of a date, a time, a duration, a UUID or bytes: as it was sent, else as its format has it.

    Raises TypeError for anything else.
    """
    text = getattr(value, "text", None)  # arithmetic gives values of these classes that nobody sent
    if isinstance(text, str):
        return text
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, date | time):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, timedelta):
        return _DURATIONS.to_python(value, mode="json")  # type: ignore[no-any-return]
    raise TypeError(f"no JSON for {type(value).__name__}")


_DURATIONS = SchemaSerializer(core_schema.timedelta_schema(), {"ser_json_timedelta": "iso8601"})


# pydantic-core asks a value for its own serializer first: so these dump as text wherever they stand.
_AS_TEXT = SchemaSerializer(
    core_schema.any_schema(serialization=core_schema.plain_serializer_function_ser_schema(text_of))
)


class Written:
    """What the classes below share: `text` is what was sent."""

    __slots__ = ()
    __pydantic_serializer__: ClassVar[SchemaSerializer] = _AS_TEXT
    text: str

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _again, (type(self), text_of(self))

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Timestamp(Written, datetime):
    """A `date-time`."""

    __slots__ = ("text",)


class Day(Written, date):
    """A `date`."""

    __slots__ = ("text",)


class Clock(Written, time):
    """A `time`."""

    __slots__ = ("text",)


class Duration(Written, timedelta):
    """A `duration` in weeks, days, hours, minutes and seconds: years and months have no fixed length."""

    __slots__ = ("text",)


class Id(Written, UUID):
    """A `uuid`."""

    __slots__ = ("text",)

    def __setattr__(self, name: str, value: Any) -> None:  # type: ignore[override]
        if name != "text" or hasattr(self, "text"):
            raise TypeError("UUID objects are immutable")
        object.__setattr__(self, name, value)


class Octets(Written, bytes):
    """The bytes of a base64 text (`byte`, `contentEncoding`)."""

    text: str


_Value = TypeVar("_Value", bound=Written)
_DURATION = re.compile(
    r"P(?!$)(?:(\d{1,6})W|(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?)",
    re.ASCII,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _written(value: _Value, text: str) -> _Value:
    value.text = text
    return value


def _timestamp(text: str) -> Any:
    if len(text) < 16 or text[10] not in "Tt ":
        return text
    try:
        return _written(Timestamp.fromisoformat(text), text)
    except ValueError:
        return text


def _day(text: str) -> Any:
    if len(text) != 10:
        return text
    try:
        return _written(Day.fromisoformat(text), text)
    except ValueError:
        return text


def _clock(text: str) -> Any:
    if len(text) < 5 or text[2] != ":":
        return text
    try:
        return _written(Clock.fromisoformat(text), text)
    except ValueError:
        return text


def _duration(text: str) -> Any:
    found = _DURATION.fullmatch(text)
    if found is None:
        return text
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        made = Duration(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return text
    return _written(made, text)


def _uuid(text: str) -> Any:
    return _written(Id(text), text) if _UUID.fullmatch(text) else text


def _base64(text: str) -> Any:
    try:
        return _written(Octets(base64.b64decode(text, validate=True)), text)
    except (binascii.Error, ValueError):
        return text


def _base64url(text: str) -> Any:
    if "+" in text or "/" in text:
        return text
    try:
        data = base64.b64decode(text.translate(_FROM_URL) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return text
    return _written(Octets(data), text)


_FROM_URL = str.maketrans("-_", "+/")
_FORMATS: Mapping[str, TextReader] = {
    "date-time": _timestamp,
    "date": _day,
    "time": _clock,
    "duration": _duration,
    "uuid": _uuid,
    "byte": _base64,
}
_ENCODINGS: Mapping[str, TextReader] = {"base64": _base64, "base64url": _base64url}
_PYTHON: Mapping[str, type] = {
    "date-time": datetime, "date": date, "time": time, "duration": timedelta, "uuid": UUID, "byte": bytes,
}  # fmt: skip


def text_reader(node: Mapping[str, Any]) -> TextReader | None:
    """How texts of a schema are read, None where they stay what they are."""
    found = _FORMATS.get(node["format"]) if isinstance(node.get("format"), str) else None
    if found is None and isinstance(node.get("contentEncoding"), str):
        found = _ENCODINGS.get(node["contentEncoding"].lower())
    return found


def python_type(node: Mapping[str, Any]) -> type | None:
    """The Python type that texts of a schema have where they fit their format."""
    known = node.get("format")
    return _PYTHON.get(known) if isinstance(known, str) else None


_READERS: Mapping[type, TextReader] = {
    Timestamp: _timestamp, Day: _day, Clock: _clock, Duration: _duration, Id: _uuid,
}  # fmt: skip


def _again(kind: type[Written], text: str) -> Any:
    if kind is Octets:
        made = _base64(text)
        return made if isinstance(made, Octets) else _base64url(text)
    return _READERS[kind](text)
