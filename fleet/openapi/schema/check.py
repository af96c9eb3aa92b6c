"""One schema, judged by: violations of a value, where they are and which keyword they break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

from fleet.errors import SpecError
from fleet.openapi.model import Dialect, Media, is_json
from fleet.openapi.reading.refs import Library, Place
from fleet.openapi.schema.bundle import bundle
from fleet.openapi.schema.effort import MAX_CHAIN, MAX_STACK
from fleet.openapi.schema.expected import Keyword, causes, expected_of
from fleet.openapi.schema.keywords import Direction, Reading
from fleet.pointer import pointer_of

MAX_VIOLATIONS = 100  # of one value
MAX_DEPTH = 255  # of a value's nesting, beyond which jsonschema-rs does not say what is wrong with it
TOO_DEEP = Keyword("maxDepth", "less nested values")
MAX_BACKTRACKS = 100_000  # of one regular expression on one text; beyond, the text does not match

Check: TypeAlias = Callable[[Any], tuple[tuple[str, Keyword], ...]]
"""A JSON value to its violations: JSON pointer and the keyword that is violated, with what it wants.

`TOO_DEEP` stands for the keyword where a value is deeper than the validator goes, and not known to be valid.
Raises ValueError for what is no JSON value.
"""


def no_check(value: Any) -> tuple[tuple[str, Keyword], ...]:
    """Nothing is known about the value: no violations."""
    return ()


def _unheard(message: str) -> None:
    pass


def compile_check(
    library: Library,
    schema: Place | None,
    dialect: Dialect,
    direction: Direction = "answer",
    *,
    strict: bool = False,
    warn: Callable[[str], None] = _unheard,
) -> Check:
    """A check for one schema and everything that it refers to.

    By default it advises, as scans need it: published schemas are stricter than the devices they describe,
    so extra properties are always allowed, `oneOf` is judged as `anyOf`, `unevaluated*` does not count,
    and keywords that the dialect does not have are understood. Inside of `not` and `if` nothing is relaxed:
    what the schema accepts, the check accepts.

    With `strict` a schema means exactly what its dialect says: 2020-12 is JSON Schema 2020-12 (with the
    vocabularies that `$schema` or `jsonSchemaDialect` chooses, where that metaschema can be read); 3.0 and
    2.0 have the keywords that their specifications list, and nothing beside `$ref`. But null passes wherever
    `nullable` (2.0: `x-nullable`) is said, beside `$ref`, `allOf` and an `enum` without null too, and in 3.1:
    it has no effect there, and generators write it to say just that.

    In both: answers owe nothing that is write-only, bodies nothing that is read-only;
    `x-patternProperties` count as `patternProperties`; formats are not asserted; a reference that cannot be
    followed accepts anything; so does a keyword whose value makes no sense, such as `required: true` or a
    regular expression that nobody can read, and `warn` is told of the first of them. Raises `SpecError` for
    what is too deep to be used.
    """
    return compile_checks(library, schema, dialect, direction, strict=strict, warn=warn)[0][1]


def compile_checks(
    library: Library,
    schema: Place | None,
    dialect: Dialect,
    direction: Direction = "answer",
    *,
    strict: bool = False,
    warn: Callable[[str], None] = _unheard,
) -> list[tuple[Any, Check]]:
    """The check of a schema, and after it those of the schemas that it refers to, where they come with it:
    each with the node that it judges by.

    Schemas that lead to one another all lead to the same ones. A validator for each of 600 such schemas
    would be 600 times all of them; so a large closure is one validator, which is told by what to judge.
    """
    if schema is None or schema.value is True or schema.value == {}:
        return [(None if schema is None else schema.value, no_check)]
    validator, names, chain = _validator(library, schema, Reading(dialect, direction, strict), warn)
    deepest: int | None = min(MAX_STACK // max(chain, 1), MAX_DEPTH)
    if direction == "answer" and deepest == MAX_DEPTH:
        deepest = None  # `read_json` lets none through that are deeper, and looking costs time
    if not names:
        return [(schema.value, _judging(validator, "", deepest, strict=strict))]
    return [(node, _judging(validator, name, deepest, strict=strict)) for name, node in names.items()]


def _judging(validator: Any, name: str, deepest: int | None, *, strict: bool) -> Check:
    """The check by one of the schemas of a validator, or by its only one where it has no name; of values
    that are nested at most `deepest` times, where that is not known of them. A strict one tells what is wrong
    inside the alternative that was meant."""
    is_valid, iter_errors = validator.is_valid, validator.iter_errors
    above = 1 if name else 0  # levels that are none of the value's

    def found(held: Any) -> Iterator[Any]:
        for error in iter_errors(held):
            yield from causes(error) if strict else (error,)

    def check(value: Any) -> tuple[tuple[str, Keyword], ...]:
        if deepest is not None and _is_deeper(value, deepest):
            return (("", TOO_DEEP),)
        held = {name: value} if name else value
        try:
            if is_valid(held):
                return ()
            return tuple(
                (pointer_of(error.instance_path[above:]), _keyword(error))
                for error in islice(found(held), MAX_VIOLATIONS)
            )
        except ValueError:
            if _is_deeper(value, MAX_DEPTH - above):
                return (("", TOO_DEEP),)
            raise

    return check


def _validator(
    library: Library, schema: Place, reading: Reading, warn: Callable[[str], None]
) -> tuple[Any, dict[str, Any], int]:
    """The validator, the nodes that it can judge by, and the stack that it takes at one place of a value."""
    import jsonschema_rs  # noqa: PLC0415  (2 MB of machine code that only validation needs)

    refusals = (ValueError, TypeError, jsonschema_rs.ReferencingError)
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS)

    def made(whole: Any) -> Any:
        return jsonschema_rs.Draft202012Validator(whole, pattern_options=options, offline=True)

    def bundled(reading: Reading) -> tuple[Any, dict[str, Any], int]:
        whole, names, chain = bundle(library, schema, reading)
        if chain > MAX_CHAIN:
            raise SpecError("its schemas lead to one another too many times", file=schema.uri)
        return made(whole), names, chain

    @cache
    def reads(pattern: str) -> bool:
        try:
            made({"pattern": pattern})
        except refusals:
            return False
        return True

    try:
        try:
            return bundled(reading)
        except refusals as error:
            found = bundled(replace(reading, reads=reads))
            warn(f"what makes no sense in it is left out: {_first_line(error)}")
            return found
    except RecursionError:
        raise SpecError("a schema is nested too deeply to be used", file=schema.uri) from None
    except refusals as error:
        raise SpecError(f"not a usable schema: {_first_line(error)}", file=schema.uri) from None


def media_for(media: tuple[Media, ...], content_type: str | None) -> Media | None:
    """The entry for a Content-Type: exact, then `type/*`, then `*/*`, then for JSON of any name the one that
    is JSON; without a type that as well."""
    if not media:
        return None
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        for entry in media:
            if entry.type == wanted:
                return entry
    return next((entry for entry in media if is_json(entry.type)), None) if is_json(kind) else None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and mappings are nested in a value more than `limit` times."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for held in level
            for inner in (held.values() if isinstance(held, dict) else held if isinstance(held, list) else ())
        ]
    return bool(level)


def _keyword(error: Any) -> Keyword:
    """The keyword at the end of a path into a schema (`anyOf/1/enum` gives `enum`)."""
    found = next((step for step in reversed(error.schema_path) if isinstance(step, str)), "false")
    return Keyword(found, expected_of(error.kind))
