"""What went wrong, or differently, on one target: bounded, and counted where it does not fit."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fleet.errors import RequestFailed
from fleet.outcome import Failure, Skipped, Violation
from fleet.pipeline.language.convert import storable
from fleet.pointer import steps_of
from fleet.policy import Limits

if TYPE_CHECKING:
    from fleet.openapi import Keyword

MAX_ACTUAL = 80  # characters of a value that breaks its schema
_INDEX = re.compile(r"(?<=/)[0-9]+(?=/|$)")
_SECRET = re.compile(r"passw|secret|token|credential|community|private|(^|[a-z_])key", re.IGNORECASE)
MAX_URI = 2048  # characters of one shown; a link that was refused can be anything


class Findings:
    """Errors, skipped resources, violations and notes of one target.

    `hide` masks the secrets that the target was sent in what it says: where a text of its own becomes a
    finding is the one place from which all that store and show findings have them.
    """

    def __init__(self, limits: Limits, hide: Callable[[str], str] = str) -> None:
        self._limits = limits
        self.hide: Callable[[str], str] = hide
        self.errors: list[Failure] = []
        self.skipped: list[Skipped] = []
        self._violations: dict[tuple[str, str, str, str], list[Any]] = {}  # each with how often
        self.notes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    @property
    def first(self) -> Failure | None:
        """The failure that came first."""
        return self.errors[0] if self.errors else None

    def failure(self, failed: RequestFailed, step: str | None, uri: str | None) -> Failure:
        """One failed request as data; the message is cut to its limit."""
        message = storable(self.hide(failed.message)[: self._limits.message])
        if uri is not None:
            uri = storable(self.hide(uri)[:MAX_URI])
        return Failure(
            failed.kind, message, step, uri, failed.status, failed.attempts, storable(failed.operation)
        )

    def fail(self, failed: RequestFailed, step: str | None, uri: str | None) -> None:
        """Record one failed request."""
        if len(self.errors) < self._limits.errors:
            self.errors.append(self.failure(failed, step, uri))
        else:
            self.dropped["errors"] += 1

    def skip(self, step: str, why: str, uri: str | None = None) -> None:
        """Record something that the target does not offer."""
        if len(self.skipped) < self._limits.errors:
            self.skipped.append(Skipped(step=step, why=storable(why), uri=uri))
        else:
            self.dropped["skipped"] += 1

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The ways in which answers do not match their schemas, in the order in which they came."""
        return tuple(
            violation if times == 1 else replace(violation, times=times)
            for violation, times in self._violations.values()
        )

    def violate(self, uri: str, operation: str, value: Any, found: Iterable[tuple[str, Keyword]]) -> None:
        """Record where a value, which `operation` gave, does not match its schema. Places that are alike are
        one violation, counted."""
        for pointer, rule in found:
            key = (operation, _INDEX.sub("*", pointer[:MAX_URI]), str(rule), rule.expected)
            held = self._violations.get(key)
            if held is not None:
                held[1] += 1
            elif len(self._violations) < self._limits.violations:
                self._violations[key] = [
                    Violation(
                        pointer=storable(self.hide(pointer)[:MAX_URI]),
                        rule=str(rule),
                        uri=storable(self.hide(uri)[:MAX_URI]),
                        operation=operation,
                        expected=storable(rule.expected),
                        actual=storable(self.hide(_actual(value, pointer))),
                    ),
                    1,
                ]
            else:
                self.dropped["violations"] += 1


def _actual(value: Any, pointer: str) -> str:
    """What stands at a pointer, in a few words; nothing of what may be a secret."""
    if _SECRET.search(pointer.rpartition("/")[2]):
        return "(withheld)"
    for key in steps_of(pointer):
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return ""
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value[:MAX_ACTUAL] if isinstance(value, str) else value, ensure_ascii=False)
    return text if len(text) <= MAX_ACTUAL else f"{text[: MAX_ACTUAL - 3]}..."
