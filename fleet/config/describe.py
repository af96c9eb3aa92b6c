"""An API description given where a spec is expected: each chosen operation becomes a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fleet.errors import SpecError
from fleet.guess import guess

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]+")


def wrap_description(tree: Mapping[str, Any], path: Path, operations: Sequence[str]) -> dict[str, Any]:
    """The tree of a spec that asks these operations (none named: every GET that needs no parameter) and
    keeps each answer whole. Raises SpecError when there is nothing to ask."""
    found = dict(_readable(tree))
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
        chosen = list(found)
    if not chosen:
        raise SpecError(
            "the API description has no GET that needs no parameter",
            file=str(path),
            hint="write a spec file whose steps give the parameters",
        )
    said = tree.get("info")
    info: dict[str, Any] = said if isinstance(said, dict) else {}
    return {
        "fleet": "1",
        "info": {"title": str(info.get("title") or path.stem), "version": str(info.get("version") or "0")},
        "api": str(path),
        "steps": {
            name: {"operation": operation, "outputs": {"answer": "@"}}
            for name, operation in _named(chosen).items()
        },
    }


def _readable(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and template of every GET without required parameters."""
    paths = tree.get("paths")
    for template, item in paths.items() if isinstance(paths, dict) else ():
        get = item.get("get") if isinstance(item, dict) else None
        if not isinstance(get, dict) or "{" in template:
            continue
        parameters = [*_list(item.get("parameters")), *_list(get.get("parameters"))]
        if any(_required(tree, parameter) for parameter in parameters):
            continue
        name = get.get("operationId")
        yield (name if isinstance(name, str) and name else f"GET {template}"), template


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _required(tree: Mapping[str, Any], parameter: Any) -> bool:
    """Whether a parameter is required; a reference out of the file counts as one that is not."""
    reference = parameter.get("$ref") if isinstance(parameter, dict) else None
    if isinstance(reference, str) and reference.startswith("#/"):
        parameter = tree
        for part in reference[2:].split("/"):
            parameter = parameter.get(part) if isinstance(parameter, dict) else None
    return isinstance(parameter, dict) and parameter.get("required") is True


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
