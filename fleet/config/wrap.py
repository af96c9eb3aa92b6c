"""An API description given where a spec is expected: each chosen operation becomes a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import SpecError
from fleet.guess import guess

if TYPE_CHECKING:
    from fleet.openapi import Document, Operation

_VARIABLE = re.compile(r"\{([^{}/]+)\}")  # undeclared ones are parameters, too
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]+")


def wrap_description(
    tree: Mapping[str, Any], path: Path, operations: Sequence[str], *, called: bool = False
) -> tuple[dict[str, Any], int]:
    """The tree of a spec that asks these operations and keeps each answer whole, and how many were left out.

    None named: every GET that needs no parameter, but for those that are documented to answer with no JSON.
    Raises SpecError when there is nothing to ask. `called`: one operation will be called in place of the
    steps, so that any GET will do.
    """
    from fleet.openapi import load  # noqa: PLC0415  (most specs are no description)

    document = load(b"", source=str(path), parse=lambda _data, _uri: tree)
    readable = list(_readable(document))
    found = {operation.name: operation.template for operation in readable}
    left = 0
    if operations:
        chosen = list(dict.fromkeys(operations))
        for operation in chosen:
            if operation not in found and operation.partition(" ")[0] not in {"GET", "HEAD"}:
                raise SpecError(
                    f"there is no GET operation {operation!r} that needs no parameter",
                    file=str(path),
                    hint=guess(operation, found),
                )
    else:
        chosen = [operation.name for operation in readable if _gives_json(operation)]
        left = len(readable) - len(chosen)
    steps: dict[str, Any] = {
        name: {"operation": operation, "outputs": {"answer": "@"}}
        for name, operation in _named(chosen).items()
    }
    if not steps and called:
        steps = _placeholder(document)
    if not steps:
        raise SpecError(
            "the API description has no GET that needs no parameter" + (" and gives JSON" if left else ""),
            file=str(path),
            hint="write a spec file whose steps give the parameters",
        )
    said = tree.get("info")
    info: dict[str, Any] = said if isinstance(said, dict) else {}
    wrapped = {
        "fleet": "1",
        "info": {"title": str(info.get("title") or path.stem), "version": str(info.get("version") or "0")},
        "api": str(path),
        "steps": steps,
    }
    return wrapped, left


def _placeholder(document: Document) -> dict[str, Any]:
    """A step for a plan that is never walked, where there is any operation for it."""
    for operation in document.operations.values():
        if operation.method != "GET":
            continue
        try:
            required = [parameter.name for parameter in operation.parameters if parameter.required]
        except SpecError:  # said where it is called
            continue
        needed = {key: {"expr": "@"} for key in [*_VARIABLE.findall(operation.template), *required]}
        return {"called": {"operation": operation.name, "parameters": needed}}
    return {}


def _gives_json(operation: Operation) -> bool:
    """Whether its good answers may be JSON by what is documented of them."""
    from fleet.openapi import is_json  # noqa: PLC0415

    for status in ("2", "default"):
        answers = [answer for answer in operation.answers if answer.status.startswith(status)]
        kinds = [media.type for answer in answers for media in answer.media]
        if kinds:
            return any(is_json(kind) or "*" in kind for kind in kinds)
    return True


def _readable(document: Document) -> Iterator[Operation]:
    """Every GET without required parameters, whatever version describes it."""
    for operation in document.operations.values():
        if operation.method != "GET" or "{" in operation.template:
            continue
        try:
            required = any(parameter.required for parameter in operation.parameters)
        except (
            SpecError
        ):  # of another file, say: whoever compiles the spec reads that, and says what is wrong
            required = False
        if not required:
            yield operation


def _named(operations: Sequence[str]) -> dict[str, str]:
    """A step name for each operation."""
    steps: dict[str, str] = {}
    for operation in operations:
        plain = _NOT_A_NAME.sub("_", operation.removeprefix("GET ")).strip("_") or "root"
        name = plain if not plain[0].isdigit() else f"step_{plain}"
        number = 2
        while name in steps:
            name = f"{plain}_{number}"
            number += 1
        steps[name] = operation
    return steps
