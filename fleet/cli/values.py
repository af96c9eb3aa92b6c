"""What option values look like: durations, sizes, rates, shares, pairs."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import click

from fleet.durations import UNITS, parse_duration

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?", re.IGNORECASE)
_FACTORS = {"": 1, **{unit: 1000 ** (n + 1) for n, unit in enumerate("kmgt")}}
_FACTORS |= {f"{unit}i": 1024 ** (n + 1) for n, unit in enumerate("kmgt")}

AUTO = "auto"

if TYPE_CHECKING:
    ValueType = click.ParamType[Any]
else:
    ValueType = click.ParamType  # the older clicks have it, and nothing in its brackets


class Duration(ValueType):
    """`20s`, `5m`, `1m30s`, `500ms`; a bare number is seconds. Gives seconds, above zero."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip().lower()
        try:
            seconds = float(text)
        except ValueError:
            try:
                seconds = parse_duration(text)
            except ValueError as error:
                self.fail(str(error), param, ctx)
        if not (math.isfinite(seconds) and seconds > 0):
            self.fail(f"{value!r}: a duration is longer than zero", param, ctx)
        return seconds


class Count(ValueType):
    """A whole number of at least `least`."""

    name = "number"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).replace("_", "").replace(",", "")
        if not (text.isascii() and text.isdigit() and int(text) >= self.least):
            self.fail(f"{value!r} is not a whole number of at least {self.least}", param, ctx)
        return int(text)


class AutoCount(Count):
    """`auto`, or a whole number of at least `least`. Gives `AUTO` or the number."""

    name = "auto|number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return AUTO if str(value).strip().lower() == AUTO else super().convert(value, param, ctx)


class Size(ValueType):
    """`16MiB`, `64KiB`, `1MB`; a bare number is bytes. Gives bytes, above zero."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is not a size: write 16MiB, 64KiB or a number of bytes", param, ctx)
        size = int(float(found[1]) * _FACTORS[(found[2] or "").lower()])
        if size < 1:
            self.fail(f"{value!r}: a size is at least one byte", param, ctx)
        return size


class PerSecond(ValueType):
    """`200`, `200/s`, `100/m`, `5000/h`. Gives a number per second, above zero."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number, _, unit = str(value).partition("/")
        try:
            rate = float(number) / UNITS[unit.strip() or "s"]
        except (ValueError, KeyError):
            rate = math.nan
        if not (math.isfinite(rate) and rate > 0):
            self.fail(f"{value!r} is not a rate: write 200, 200/s or 100/m", param, ctx)
        return rate


class Pair(ValueType):
    """`name=value`, the value possibly empty. Gives (name, value)."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not name=value", param, ctx)
        return name, text


class FailOn(ValueType):
    """`none`, `any`, `all`, a number of targets `N`, or a share `N%`. Gives the text, checked."""

    name = "none|any|N|N%|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip().lower()
        if text in {"none", "any", "all"} or re.fullmatch(r"[1-9]\d*", text):
            return text
        if (share := re.fullmatch(r"(\d+(?:\.\d+)?)%", text)) and 0 < float(share[1]) <= 100:
            return text
        return self.fail(f"{value!r}: write none, any, all, a number above 0 or a share like 5%", param, ctx)
