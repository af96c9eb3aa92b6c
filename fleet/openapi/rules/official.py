"""The official meta-schemas of OpenAPI, in readable words.

They are read from the resources of openapi-spec-validator; none of its code runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from fleet.openapi.rules.finding import Findings

_PACKAGE = "openapi_spec_validator"
_ALTERNATIVES = {"oneOf", "anyOf"}
_LEFT_OVER = {"additionalProperties", "unevaluatedProperties"}

Wrong = tuple[tuple[str | int, ...], str]
"""A path of keys and indexes, and what is wrong there."""


def official_schemas(package: str = _PACKAGE) -> Mapping[str, Path]:
    """The meta-schemas that are installed, by version ("2.0", "3.0", "3.1", "3.2"); none where the package
    that has them is not."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "resources" / "schemas"
    found = {version: folder / f"v{version}" / "schema.json" for version in ("2.0", "3.0", "3.1", "3.2")}
    return {version: path for version, path in found.items() if path.is_file()}


def official(found: Findings) -> None:
    """What the meta-schema of the document's version says, where no other rule has said it better."""
    path = official_schemas().get(str(found.tree.get("swagger") or found.tree.get("openapi", ""))[:3])
    if path is None:
        return
    for steps, message in judge(orjson.loads(path.read_bytes()), found.tree):
        if not found.knows(steps):
            found.error("official", message, *steps)


def judge(schema: dict[str, Any], tree: Any, limit: int = 1000) -> list[Wrong]:
    """What a meta-schema says of a tree: of alternatives only the one that was meant, of what follows from
    something else nothing."""
    import jsonschema_rs  # noqa: PLC0415  (2 MB of machine code that only validation needs)

    validator = jsonschema_rs.validator_for(schema, offline=True)
    errors: list[Any] = []
    for error in validator.iter_errors(tree):
        errors.extend(_meant(error))
        if len(errors) >= limit:
            break
    paths = [_path(tree, error.instance_path) for error in errors]
    within = {path[:length] for path in paths for length in range(1, len(path) + 1)}
    wrong: dict[Wrong, None] = {}
    for path, error in zip(paths, errors, strict=True):
        for steps, message in _said(path, error, within):
            wrong[steps, message] = None
    return list(wrong)


def _meant(error: Any) -> Iterator[Any]:
    """The error itself; of alternatives the errors of the one that was meant."""
    todo = [error]
    while todo:
        error = todo.pop()
        branches = getattr(error.kind, "context", None) if error.kind.name in _ALTERNATIVES else None
        if not branches:
            yield error
            continue
        ranked = sorted(branches, key=lambda branch: _rank(error, branch))
        if _rank(error, ranked[0])[0] and len(ranked) > 1:
            yield error  # none was meant
        else:
            todo.extend(reversed(ranked[0]))


def _rank(owner: Any, branch: Sequence[Any]) -> tuple[bool, bool, bool, int, int]:
    """How little an alternative was meant: what is a reference, or has another word in a key that tells
    alternatives apart (`in`, `type`), was not; then the deepest fault is the best sign, and few of them."""
    own = len(owner.instance_path)
    apart = reference = shallow = False
    depth = 0
    for error in branch:
        at = len(error.instance_path)
        kind = error.kind
        depth = max(depth, at)
        if kind.name in {"enum", "const"} and at == own + 1 and len(getattr(kind, "options", ())) <= 1:
            apart = True
        if kind.name == "required" and at == own and kind.property == "$ref":
            reference = True
        if kind.name == "type" and at == own:
            shallow = True
    return apart, reference, shallow, -depth, len(branch)


def _path(tree: Any, steps: Sequence[str | int]) -> tuple[str | int, ...]:
    """The path as the tree has it: the validator gives keys that look like numbers as numbers."""
    path: list[str | int] = []
    for step in steps:
        key: str | int = step
        if isinstance(tree, dict) and step not in tree:
            key = next((name for name in tree if name.isdecimal() and int(name) == step), str(step))
        path.append(key)
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            tree = None
    return tuple(path)


def _said(path: tuple[str | int, ...], error: Any, within: set[tuple[str | int, ...]]) -> Iterator[Wrong]:
    """An error in words. A key that is left over only because of what is wrong inside it is not told."""
    kind = error.kind
    where = _where(path)
    match kind.name:
        case "required":
            yield path, f"{where} has no {kind.property!r}"
        case name if name in _LEFT_OVER:
            for key in kind.unexpected:
                if (*path, key) not in within:
                    yield (*path, key), f"{key!r} does not belong here"
        case "enum":
            yield (
                path,
                f"{where} must be one of {', '.join(map(_word, kind.options))}, not {_word(error.instance)}",
            )
        case "const":
            yield path, f"{where} must be {_word(kind.expected_value)}, not {_word(error.instance)}"
        case "type":
            yield path, f"{where} must be {' or '.join(kind.types)}, not {_word(error.instance)}"
        case "pattern":
            yield path, f"{where} must match {kind.pattern}, and is {_word(error.instance)}"
        case "minProperties" | "minItems":
            yield path, f"{where} must not be empty"
        case "oneOf" | "anyOf":
            yield path, f"{where} is none of what may stand here{_apart(error)}"
        case "not":
            yield path, f"{where} holds what excludes each other"
        case _:
            yield path, f"{where} breaks {kind.name!r} of the meta-schema"


def _where(path: tuple[str | int, ...]) -> str:
    if not path:
        return "the document"
    return f"{path[-1]!r}" if isinstance(path[-1], str) else f"entry {path[-1]} of {path[-2]!r}"


def _apart(error: Any) -> str:
    """The words that would tell the alternatives apart, where that is what is wrong."""
    words: dict[str, list[str]] = {}
    for inner in (inner for branch in error.kind.context for inner in branch):
        if inner.kind.name in {"enum", "const"} and len(inner.instance_path) == len(error.instance_path) + 1:
            options = getattr(inner.kind, "options", None) or [getattr(inner.kind, "expected_value", None)]
            words.setdefault(str(inner.instance_path[-1]), []).extend(map(_word, options))
    return "".join(
        f": {key!r} must be one of {', '.join(dict.fromkeys(said))}" for key, said in words.items()
    )


def _word(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = orjson.dumps(value).decode() if not isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
