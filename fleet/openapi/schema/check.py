"""One schema, judged by: violations of a value, where they are and which keyword they break."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, TypeAlias

from fleet.errors import SpecError
from fleet.openapi.model import Dialect, Media
from fleet.openapi.refs import Library, Place
from fleet.openapi.schema.bundle import bundle
from fleet.openapi.schema.keywords import Direction, Reading

MAX_VIOLATIONS = 100  # of one value
MAX_BACKTRACKS = 100_000  # of one regular expression on one text; beyond, the text does not match

Check: TypeAlias = Callable[[Any], tuple[tuple[str, str], ...]]
"""A value to its violations: JSON pointer and the keyword that is violated."""


def no_check(value: Any) -> tuple[tuple[str, str], ...]:
    """Nothing is known about the value: no violations."""
    return ()


def compile_check(
    library: Library,
    schema: Place | None,
    dialect: Dialect,
    direction: Direction = "answer",
    *,
    strict: bool = False,
) -> Check:
    """A check for one schema and everything that it refers to.

    By default it advises, as scans need it: published schemas are stricter than the devices they describe,
    so extra properties are always allowed, `oneOf` is judged as `anyOf`, `unevaluated*` does not count,
    `nullable` is understood wherever it stands, and so are keywords that the dialect does not have.

    With `strict` a schema means exactly what its dialect says: 2020-12 is JSON Schema 2020-12 (with the
    vocabularies that `$schema` or `jsonSchemaDialect` chooses, where that metaschema can be read); 3.0 and
    2.0 have the keywords that their specifications list, nothing beside `$ref`, and `nullable` (2.0:
    `x-nullable`) adds null to the `type` beside it and nothing else.

    In both: answers owe nothing that is write-only, bodies nothing that is read-only;
    `x-patternProperties` count as `patternProperties`; formats are not asserted; a reference that cannot be
    followed accepts anything. Raises `SpecError` when the schema is none.
    """
    if schema is None or schema.value is True or schema.value == {}:
        return no_check
    import jsonschema_rs  # noqa: PLC0415  (2 MB of machine code that only validation needs)

    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS)
    validator: Any = None
    for patterns in (True, False):  # a regular expression that the engine cannot read costs only the patterns
        try:
            whole = bundle(library, schema, Reading(dialect, direction, strict, patterns))
            validator = jsonschema_rs.Draft202012Validator(whole, pattern_options=options, offline=True)
            break
        except RecursionError:
            raise SpecError("a schema is nested too deeply to be used", file=schema.uri) from None
        except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
            if not patterns:
                why = str(error).partition("\n")[0]
                raise SpecError(f"not a usable schema: {why}", file=schema.uri) from None
    is_valid, iter_errors = validator.is_valid, validator.iter_errors

    def check(value: Any) -> tuple[tuple[str, str], ...]:
        if is_valid(value):
            return ()
        return tuple(
            (_pointer(error.instance_path), _rule(error.schema_path))
            for error in islice(iter_errors(value), MAX_VIOLATIONS)
        )

    return check


def media_for(media: tuple[Media, ...], content_type: str | None) -> Media | None:
    """The entry for a Content-Type: exact, then `type/*`, then `*/*`; without a type the JSON one."""
    if not media:
        return None
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        for entry in media:
            if entry.type == wanted:
                return entry
    return None


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _rule(path: list[str | int]) -> str:
    """The keyword at the end of a path into a schema (`anyOf/1/enum` gives `enum`)."""
    return next((step for step in reversed(path) if isinstance(step, str)), "false")
