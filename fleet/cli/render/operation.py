"""One operation of a description in words, and a call of it to start from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pprint import pformat
from typing import TYPE_CHECKING, Any

from fleet.cli.render.tables import aligned
from fleet.openapi import TYPES, Shape, alternatives, sample, shape_of

if TYPE_CHECKING:
    from fleet.openapi import Answer, Document, Media, Operation, Parameter, Place

_MAX_ROWS = 60  # properties of one schema that are shown
_MAX_DEPTH = 2  # objects in objects that are shown

Row = tuple[str, ...]


def lines(document: Document, reference: str, source: str) -> Iterator[str]:
    """What there is to know about an operation. Raises `SpecError` for an unknown one."""
    operation = document.operation(reference)
    head = f"{operation.method} {operation.template}"
    name = "" if operation.name == head else f"  {operation.name}"
    tags = f"  [{', '.join(operation.tags)}]" if operation.tags else ""
    yield f"{head}{name}{tags}" + ("  (deprecated)" if operation.deprecated else "")
    for text in (operation.summary, operation.description):
        for line in text.strip().splitlines():
            yield f"  {line}".rstrip()
    yield from _section("parameters", aligned([_parameter(document, p) for p in operation.parameters]))
    body = operation.body
    if body is not None:
        need = "required" if body.required else "optional"
        yield from _section(f"body ({need})", _contents(document, body.media))
    if operation.answers:
        yield ""
        yield "answers:"
        for answer in operation.answers:
            yield from _answer(document, answer)
    needed = operation.requirements
    yield from _section("security", [alternatives(needed, document.schemes) if needed else "nothing"])
    yield from _section("call", examples(document, operation, source))


def _section(title: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield ""
        yield f"{title}:"
        for row in rows:
            yield f"  {row}".rstrip()


def _parameter(document: Document, parameter: Parameter) -> Row:
    usual = {"path": ("simple", False), "query": ("form", True), "header": ("simple", False)}
    shape = None if parameter.schema is None else shape_of(document, parameter.schema)
    notes = [parameter.description.strip().partition("\n")[0]]
    if usual.get(parameter.location, ("form", True)) != (parameter.style, parameter.explode) and (
        shape is None or shape.types is None or shape.types & {"array", "object"}
    ):
        notes.append(f"written {parameter.style}{', exploded' if parameter.explode else ''}")
    if parameter.default is not None:
        notes.append(f"default {_shown(parameter.default)}")
    if parameter.deprecated:
        notes.append("deprecated")
    need = "required" if parameter.required else "optional"
    kind = parameter.media or (_type(document, parameter.schema) if parameter.schema else "any")
    return parameter.name, parameter.location, need, kind, "; ".join(note for note in notes if note)


def _answer(document: Document, answer: Answer) -> Iterator[str]:
    words = " ".join(answer.description.split())
    yield f"  {answer.status}  {words}".rstrip()
    headers = [
        (f"{header.name}:", _type(document, header.schema) if header.schema else "any",
         header.description.strip().partition("\n")[0])
        for header in answer.headers
    ]  # fmt: skip
    for row in aligned(headers):
        yield f"       {row}"
    shown = answer.status[:1] == "2"
    for row in _contents(document, answer.media, inside=shown):
        yield f"       {row}"


def _contents(document: Document, media: tuple[Media, ...], *, inside: bool = True) -> list[str]:
    """Media types with their schemas; those that have the same schema on one line."""
    groups: dict[int, list[Media]] = {}
    for entry in media:
        place = entry.schema or entry.item_schema
        groups.setdefault(0 if place is None else id(place.value), []).append(entry)
    rows = []
    for entries in groups.values():
        place = entries[0].schema or entries[0].item_schema
        kind = "" if place is None else _type(document, place)
        if place is not None and entries[0].schema is None:
            kind = f"sequence of {kind}"
        rows.append(f"{', '.join(entry.type for entry in entries)}  {kind}".rstrip())
        if inside and place is not None:
            rows.extend(f"  {row}" for row in aligned(list(_properties(document, place))[:_MAX_ROWS]))
    return rows


def _properties(
    document: Document, place: Place, depth: int = 0, above: frozenset[int] = frozenset()
) -> Iterator[Row]:
    """The properties of an object, or of the objects in a list, each a row."""
    shape = shape_of(document, place)
    if not shape.properties and "items" in shape.inner:
        shape = shape_of(document, shape.inner["items"])
    if id(place.value) in above or depth >= _MAX_DEPTH:
        return
    for name, inner in shape.properties.items():
        found = shape_of(document, inner)
        notes = [" ".join(str(found.said.get("description", "")).split()).partition(". ")[0][:100]]
        notes += [_shown_limits(found)]
        notes += [
            word for word, on in (("read-only", found.read_only), ("write-only", found.write_only)) if on
        ]
        need = "required" if name in shape.required else ""
        yield "  " * depth + name, _type(document, inner), need, "; ".join(note for note in notes if note)
        if not _name_of(inner) and not _name_of(found.inner.get("items", inner)):
            yield from _properties(document, inner, depth + 1, above | {id(place.value)})


def _shown_limits(shape: Shape) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in shape.limits.items())


def _name_of(place: Place) -> str:
    ref = place.value.get("$ref") if isinstance(place.value, Mapping) else None
    return str(ref).rpartition("/")[2] if isinstance(ref, str) else ""


def _type(document: Document, place: Place) -> str:
    """The type of a schema in a few words: a named object by its name, values by type and enumeration."""
    shape = shape_of(document, place)
    name = _name_of(place)
    if name and (shape.properties or shape.types is None or "object" in shape.types):
        return name
    if shape.enum is not None:
        values = "|".join(map(_shown, shape.enum))
        return values if len(values) <= 80 else f"one of {len(shape.enum)} values"
    if shape.branches:
        listed = [entry for entries in shape.branches.values() for entry in entries][:5]
        return " or ".join(dict.fromkeys(_type(document, entry) for entry in listed))
    kinds = [kind for kind in TYPES if kind in (shape.types or ())]
    if "number" in kinds:
        kinds.remove("integer")
    words = [kind if kind != "array" else _list_of(document, shape) for kind in kinds]
    if form := shape.exact.get("format"):
        words = [f"{word} ({form})" if word in {"string", "integer", "number"} else word for word in words]
    return " or ".join(words) or "any"


def _list_of(document: Document, shape: Shape) -> str:
    items = shape.inner.get("items")
    return "array" if items is None else f"array of {_type(document, items)}"


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def examples(document: Document, operation: Operation, source: str) -> list[str]:
    """A `fleet call` line for what only reads, and the call in Python; placeholders for what is required."""
    needed = [parameter for parameter in operation.parameters if parameter.required]
    made = []
    if operation.method in {"GET", "HEAD"}:
        words = ["fleet", "call", "HOST", operation.name, "--spec", source]
        for parameter in needed:
            words += ["-p", f"{parameter.name}={_placeholder(parameter)}"]
        made.append(shlex.join(words))
    plain = operation.name.isidentifier()
    callee = (
        f"api._.{operation.name}" if plain else f'api._["{operation.template}", "{operation.method.lower()}"]'
    )
    given = {parameter.name: _value(document, parameter) for parameter in needed}
    body = operation.body
    arguments = [pformat(given, sort_dicts=False, width=100)] if given or body is not None else []
    if body is not None and body.media and body.media[0].schema is not None:
        arguments.append(pformat(sample(document, body.media[0].schema), sort_dicts=False, width=100))
    return [*made, *f"await {callee}({', '.join(arguments)})".splitlines()]


def _placeholder(parameter: Parameter) -> Any:
    return parameter.name.upper() if parameter.default is None else parameter.default


def _value(document: Document, parameter: Parameter) -> Any:
    if parameter.default is not None or parameter.schema is None:
        return _placeholder(parameter)
    found = sample(document, parameter.schema)
    return _placeholder(parameter) if found in ("", None) else found
