"""What option values look like: durations, sizes, rates, shares, pairs."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import click

from fleet.quantities import parse_duration, parse_rate, parse_size

AUTO = "auto"

if TYPE_CHECKING:
    ValueType = click.ParamType[Any]
else:
    ValueType = click.ParamType  # in older versions of click it takes no type parameter


class Duration(ValueType):
    """`20s`, `5m`, `1m30s`, `500ms`; a bare number is seconds. Gives seconds, above zero."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
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
        try:
            return parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PerSecond(ValueType):
    """`200`, `200/s`, `100/m`, `5000/h`. Gives a number per second, above zero."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return parse_rate(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


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


UNKNOWN = "unknown"


class TooMany(ValueType):
    """How many failed targets are too many: `none`, `any`, `all`, a number `N` or a share `N%`. Gives the
    text, checked."""

    name = "none|any|N|N%|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip().lower()
        if not _is_rule(text):
            self.fail(f"{value!r}: write none, any, all, a number above 0 or a share like 5%", param, ctx)
        return text


class FailOn(ValueType):
    """What makes exit status 1. Of targets `none`, `any`, `all`, a number `N` or a share `N%`; of checks,
    alone or after a comma, `info`, `warning` or `critical`. Gives the text, checked: a rule for targets
    (`all` where none is given), and perhaps one for checks after a comma."""

    name = "none|any|N|N%|all[,SEVERITY]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from fleet.outcome import SEVERITIES

        parts = [part.strip() for part in str(value).lower().split(",")]
        of_checks = [part for part in parts if part in SEVERITIES]
        of_targets = [part for part in parts if part not in SEVERITIES]
        if len(of_checks) > 1 or len(of_targets) > 1 or not all(map(_is_rule, of_targets)):
            self.fail(
                f"{value!r}: write none, any, all, a number above 0 or a share like 5%; "
                f"for checks that failed also one of {', '.join(SEVERITIES)}: critical, or 5%,warning",
                param,
                ctx,
            )
        return ",".join(of_targets or ["all"]) + "".join(f",{severity}" for severity in of_checks)


class FailOnChecks(ValueType):
    """What makes exit status 1: `none`; `info`, `warning` or `critical` for a check that failed; `unknown`,
    alone or after a comma, for one that could not be judged. Gives the names as a set."""

    name = "none|info|warning|critical[,unknown]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        if isinstance(value, frozenset):
            return value
        from fleet.outcome import SEVERITIES

        parts = frozenset(part.strip() for part in str(value).lower().split(","))
        if parts == {"none"}:
            return frozenset()
        if not parts <= {*SEVERITIES, UNKNOWN}:
            known = ", ".join((*SEVERITIES, UNKNOWN))
            self.fail(f"{value!r}: write none, or one of {known}; critical,unknown for both", param, ctx)
        return parts


def _is_rule(text: str) -> bool:
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    if share is not None:
        return 0 < float(share[1]) <= 100
    return text in {"none", "any", "all"} or re.fullmatch(r"[1-9]\d*", text) is not None
