"""What pydantic found wrong, in words: the section, what was found, what is allowed, a guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from fleet.frozen import frozen
from fleet.guess import closest, guess

Path = tuple[str | int, ...]

# The shapes of YAML, in its own words and not in Python's.
_SHAPES = {
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        "a date, as 2026-12-31",
    ),
}
_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}


@frozen
class Complaint:
    """One fault: where it stands (as deep as the file goes), and a sentence about it. Values of the file
    are never repeated: a misplaced secret must not be printed."""

    path: Path
    message: str
    hint: str | None = None


def first_complaint(
    wrong: ValidationError,
    model: type[Any],
    tree: Mapping[str, Any],
    *,
    patterns: Mapping[str, str] | None = None,
) -> Complaint:
    """The first fault; the hint counts the others. `patterns` says in words what a regular expression of the
    model wants, where that can be said: `{NAME: "a name is letters and digits"}`. The model is one of
    pydantic, or a dataclass whose fields know their types."""
    errors = wrong.errors(include_url=False, include_input=False)
    error = errors[0]
    if error["type"] == "missing":  # a key that was mistyped is missing too, and says more
        error = next((other for other in errors if _mistyped(other, str(error["loc"][-1]))), error)
    location = tuple(error["loc"])
    path = _in_tree(location, tree)
    hint = None
    if error["type"] in _UNKNOWN:
        message = f"unknown key {location[-1]!r}"
        hint = guess(str(location[-1]), _keys_at(model, location[:-1]))
    elif error["type"] == "missing":
        message = f"the key {location[-1]!r} is missing"
    elif error["type"] == "too_short":
        message = "at least one entry is needed"
    elif error["type"] == "string_pattern_mismatch":
        wanted = error["ctx"]["pattern"]
        message = (patterns or {}).get(wanted, f"not a valid name: it must match {wanted}")
    elif error["type"] in _SHAPES:
        message = f"must be {_SHAPES[error['type']]}"
        hint = _misshapen(path, tree, _SHAPES[error["type"]])
    elif error["type"] == "literal_error":
        message = f"must be {error['ctx']['expected']}"
        hint = _unquoted(path, tree)
    else:
        message = error["msg"].removeprefix("Value error, ")
        message = message if message[1:2].isupper() else message[:1].lower() + message[1:]
    places = {_in_tree(tuple(other["loc"]), tree) for other in errors} - {path}
    if places:
        count = f"and {len(places)} more {'fault' if len(places) == 1 else 'faults'} in this file"
        hint = f"{hint}; {count}" if hint else count
    return Complaint(path, message, hint)


def _unquoted(path: Path, tree: Any) -> str | None:
    """A number or a boolean where a word is wanted is often a word without its quotes."""
    for part in path:
        tree = tree[part]
    return "write it in quotes" if isinstance(tree, int | float) else None


def _misshapen(path: Path, tree: Any, wanted: str) -> str | None:
    """Nothing stands behind a key, often, where what belongs to it is not indented; and a list where each
    entry should have been a key."""
    for part in path:
        tree = tree[part]
    if tree is None:
        return "it is empty: indent what belongs to it"
    if isinstance(tree, list) and wanted == "a mapping":
        return "it is a list: write each entry as a key, `name:`, without a dash"
    return None


def _mistyped(error: Mapping[str, Any], wanted: str) -> bool:
    return error["type"] in _UNKNOWN and closest(str(error["loc"][-1]), {wanted}) is not None


def _in_tree(location: tuple[str | int, ...], tree: Any) -> Path:
    """The part of a location that exists in the file; what follows names types of a union."""
    found: list[str | int] = []
    for part in location:
        if part == "[key]":
            continue
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            break
        found.append(part)
    return tuple(found)


def _keys_at(model: type[Any], location: tuple[str | int, ...]) -> set[str]:
    """The keys that are allowed at a location."""
    models: set[type[Any]] = {model}
    mapped: list[Any] = []
    for part in location:
        inner = [
            annotation
            for owner in models
            for name, key, annotation in _fields_of(owner)
            if part in (name, key)
        ]
        candidates = inner or mapped
        if not candidates:
            continue
        models = {found for annotation in candidates for found in _models_in(annotation)}
        mapped = [] if inner else mapped
    return {key for owner in models for _, key, _ in _fields_of(owner)}


def _fields_of(owner: type[Any]) -> Iterator[tuple[str, str, Any]]:
    """Each field's name, its key in a file, and its type."""
    if issubclass(owner, BaseModel):
        for name, info in owner.model_fields.items():
            yield name, info.alias or name, info.annotation
        return
    for one in fields(owner):
        said = getattr(one.type, "__metadata__", ())
        alias = next((info.alias for info in said if isinstance(info, FieldInfo) and info.alias), None)
        yield one.name, alias or one.name, one.type


def _models_in(annotation: Any) -> Iterator[type[Any]]:
    """The models that a type annotation can hold, containers opened."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models_in(get_args(annotation)[0])
    elif origin in (Union, UnionType) or origin is not None:
        for part in get_args(annotation):
            yield from _models_in(part)
    elif isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        yield annotation
