"""One operation of a description in words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fleet.openapi import alternatives

if TYPE_CHECKING:
    from fleet.openapi import Document, Operation, Parameter, Place


def lines(document: Document, reference: str, source: str) -> Iterator[str]:
    """What there is to know about an operation. Raises `SpecError` for an unknown one."""
    operation = document.operation(reference)
    yield f"{operation.method} {operation.template}" + ("  (deprecated)" if operation.deprecated else "")
    for text in (operation.summary, operation.description):
        if text:
            yield f"  {text.strip()}"
    yield from _section("parameters", [_parameter(p) for p in operation.parameters])
    body = operation.body
    if body is not None:
        need = "required" if body.required else "optional"
        kinds = [f"{media.type}  {_type(media.schema)}".rstrip() for media in body.media]
        yield from _section(f"body ({need})", kinds)
    answers = []
    for answer in operation.answers:
        kinds_of = ", ".join(f"{media.type} {_type(media.schema)}".rstrip() for media in answer.media)
        answers.append("  ".join(part for part in (answer.status, kinds_of, answer.description) if part))
    yield from _section("answers", answers)
    needed = operation.requirements
    yield from _section("security", [alternatives(needed, document.schemes) if needed else "nothing"])
    yield from _section("call", [example(operation, source)])


def _section(title: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield f"{title}:"
        for row in rows:
            yield "  " + " ".join(row.split("\n"))


def _parameter(parameter: Parameter) -> str:
    need = "required" if parameter.required else "optional"
    style = f"{parameter.style}{', exploded' if parameter.explode else ''}"
    fields = [parameter.name, f"in {parameter.location}", need, _type(parameter.schema), style]
    if parameter.default is not None:
        fields.append(f"default {json.dumps(parameter.default)}")
    fields.append(parameter.description.strip().partition("\n")[0])
    return "  ".join(field for field in fields if field)


def _type(place: Place | None) -> str:
    """The type of a schema in a word or two."""
    node = None if place is None else place.value
    if not isinstance(node, dict):
        return ""
    if isinstance(node.get("$ref"), str):
        return str(node["$ref"]).rpartition("/")[2]
    kind = node.get("type")
    return "|".join(map(str, kind)) if isinstance(kind, list) else str(kind or "")


def example(operation: Operation, source: str) -> str:
    """A `fleet call` line with placeholders for what is required."""
    words = ["fleet", "call", "HOST", operation.name, "--spec", source]
    for parameter in operation.parameters:
        if parameter.required:
            words += ["-p", f"{parameter.name}={_placeholder(parameter)}"]
    return shlex.join(words)


def _placeholder(parameter: Parameter) -> Any:
    return parameter.name.upper() if parameter.default is None else parameter.default
