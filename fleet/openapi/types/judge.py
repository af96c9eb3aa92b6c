"""Whether a value is accepted: the compiled JSON Schema decides, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from fleet.errors import SpecError
from fleet.openapi.model import Dialect
from fleet.openapi.reading.refs import Library, MissingDocument, Place
from fleet.openapi.schema import Check, Direction, compile_check, no_check
from fleet.openapi.types.parts import unwrapped
from fleet.openapi.types.plain import no_json_at
from fleet.pointer import pointer_of, steps_of

Violations = tuple[tuple[str, str], ...]


class Judge:
    """The exact checks of one description's schemas, compiled when first asked for and kept."""

    def __init__(self, library: Library, dialect: Dialect, warn: Callable[[str], None]) -> None:
        self._library = library
        self._dialect: Dialect = dialect
        self._warn = warn
        self._checks: dict[tuple[int, Direction], Check] = {}
        self._kept: list[Place] = []  # or another node could come to have its id

    def knows(self, place: Place, direction: Direction = "answer") -> bool:
        """Whether `check` would compile nothing: compiling may read files, and takes milliseconds."""
        return (id(place.value), direction) in self._checks

    def check(self, place: Place, direction: Direction = "answer") -> Check:
        """The check of a schema. One that cannot be used accepts anything, with a warning."""
        check = self._checks.get((id(place.value), direction))
        if check is None:
            self._kept.append(place)
            schema = unwrapped(self._library, self._dialect, place, nullable=False)
            check = self._checks.get((id(schema.value), direction)) or self._compiled(schema, direction)
            self._checks[id(schema.value), direction] = self._checks[id(place.value), direction] = check
        return check

    def _compiled(self, place: Place, direction: Direction) -> Check:
        try:
            return compile_check(self._library, place, self._dialect, direction, strict=True)
        except MissingDocument:
            return no_check
        except SpecError as error:
            self._warn(f"a schema cannot be used and accepts anything: {error}")
            return no_check

    def violations(self, places: Iterable[Place], value: Any, direction: Direction = "answer") -> Violations:
        """Where a JSON value breaks any of the schemas. Raises ValueError for what is no JSON value."""
        found: Violations = ()
        for place in places:
            found += self.check(place, direction)(value)
        return tuple(dict.fromkeys(found))


def refusal(title: str, violations: Violations, value: Any) -> ValidationError:
    """Pydantic's error for a value that a schema refuses: one entry per violation, where it is."""
    entries: list[InitErrorDetails] = []
    for pointer, rule in violations:
        steps, inner = _located(pointer, value)
        known = {"rule": str(rule), "expected": getattr(rule, "expected", "")}
        wants = ", which wants {expected}" if known["expected"] else ""
        kind = PydanticCustomError("json_schema", "Value breaks '{rule}' of its schema" + wants, known)
        entries.append({"type": kind, "loc": steps, "input": inner})
    return ValidationError.from_exception_data(title, entries)


def no_json(title: str, value: Any) -> ValidationError:
    """Pydantic's error for a value that is no JSON, at the first part that is none."""
    steps, inner = _located(pointer_of(no_json_at(value)), value)
    kind = PydanticCustomError("no_json", "Value is no JSON, nor anything that stands for it")
    return ValidationError.from_exception_data(title, [{"type": kind, "loc": steps, "input": inner}])


def _located(pointer: str, value: Any) -> tuple[tuple[str | int, ...], Any]:
    """The keys and indexes of a JSON pointer into a value, and what stands there."""
    steps: list[str | int] = []
    for key in steps_of(pointer):
        if isinstance(value, list | tuple):
            steps.append(int(key))
            value = value[int(key)]
        else:
            steps.append(key)
            value = value.get(key) if isinstance(value, dict) else None
    return tuple(steps), value
