"""A spec that adds to another one: `extends: redfish`, and what stands beside it is added, or replaces.

Sections of named entries are joined by name: an entry of this file replaces the other's, and one that is null
takes it away. Lists are joined, the other's first. Everything else is this file's where it says it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi import locate
from fleet.pipeline import Place

KEY = "extends"
MAX_DEPTH = 5  # specs that extend one another
_NAMED = ("inputs", "refs", "steps", "pipelines", "metrics", "checks", "auths", "proxies")
_LISTS = ("fixups", "overlays")

Path_ = tuple[str | int, ...]


@frozen
class Source:
    """One spec file as it was read."""

    path: Path
    text: str
    tree: Mapping[str, Any]

    def place(self, path: Path_) -> Place:
        """File, line and column of what stands at `path`."""
        line, column = locate(self.text, path) if self.text else (None, None)
        return str(self.path), line, column


@frozen
class Extended:
    """A spec with all that it adds to. `bases` are the files it rests on, the nearest first."""

    own: Source
    tree: dict[str, Any]
    bases: tuple[Path, ...] = ()
    origins: Mapping[Path_, tuple[Source, Path_]] = field(default_factory=dict)
    """where an entry of the tree stands, where that is not in its own file at the same path"""

    def place(self, path: Path_) -> Place:
        """File, line and column of what stands at `path` of the tree."""
        for length in (2, 1):
            found = self.origins.get(path[:length])
            if found is not None:
                source, there = found
                return source.place((*there, *path[length:]))
        return self.own.place(path)


def extend(source: Source, read: Callable[[str, Path], Source], *, depth: int = 0) -> Extended:
    """The spec with what it extends; `read` is given the name of a spec and the directory where it starts.
    Raises SpecError at the `extends:` that leads nowhere."""
    tree = {key: value for key, value in source.tree.items() if not str(key).startswith("x-")}
    said = tree.get(KEY)
    if KEY not in tree:
        return Extended(source, tree)
    if not isinstance(said, str):
        _fail(source, "must be the name of a spec: a path, or a built-in")
    if depth >= MAX_DEPTH:
        _fail(source, f"more than {MAX_DEPTH} specs extend one another")
    try:
        base = extend(read(said, source.path.parent), read, depth=depth + 1)
    except SpecError as wrong:
        if wrong.line is not None:
            raise
        raise _placed(source, wrong.message, wrong.hint) from None
    return _joined(source, tree, base)


def _joined(source: Source, own: dict[str, Any], base: Extended) -> Extended:
    tree, origins = dict(base.tree), dict(base.origins)
    for section in base.tree:
        if section in _NAMED and isinstance(base.tree[section], dict):
            for name in base.tree[section]:
                origins.setdefault((section, name), (base.own, (section, name)))
        elif section in _LISTS and isinstance(base.tree[section], list):
            for at in range(len(base.tree[section])):
                origins.setdefault((section, at), (base.own, (section, at)))
        else:
            origins.setdefault((section,), (base.own, (section,)))
    _absolute(tree, base.own.path.parent)
    for section, value in own.items():
        held = tree.get(section)
        if section in _NAMED and isinstance(value, dict) and isinstance(held, dict):
            tree[section] = {name: entry for name, entry in (held | value).items() if entry is not None}
            for name in value:
                origins[section, name] = source, (section, name)
        elif section in _LISTS and isinstance(value, list) and isinstance(held, list):
            tree[section] = held + value
            for at in range(len(value)):
                origins[section, len(held) + at] = source, (section, at)
        else:
            tree[section] = value
            origins[section,] = source, (section,)
    return Extended(source, tree, (base.own.path, *base.bases), origins)


def _absolute(tree: dict[str, Any], base: Path) -> None:
    """What a spec names beside itself, named from anywhere."""
    tree["api"] = _from(base, tree.get("api"))
    if isinstance(refs := tree.get("refs"), dict):
        tree["refs"] = {prefix: _from(base, place) for prefix, place in refs.items()}
    if isinstance(checks := tree.get("checks"), dict):
        tree["checks"] = {name: _lookup(base, check) for name, check in checks.items()}


def _lookup(base: Path, check: Any) -> Any:
    lookup = check.get("lookup") if isinstance(check, dict) else None
    if not isinstance(lookup, dict) or "file" not in lookup:
        return check
    return {**check, "lookup": {**lookup, "file": _from(base, lookup["file"])}}


def _from(base: Path, place: Any) -> Any:
    if not isinstance(place, str) or urlsplit(place).scheme in {"http", "https", "file"}:
        return place
    return str((base / place).resolve()) + ("/" if place.endswith("/") else "")


def _placed(source: Source, message: str, hint: str | None = None) -> SpecError:
    file, line, column = source.place((KEY,))
    return SpecError(f"{KEY}: {message}", file=file, line=line, column=column, hint=hint)


def _fail(source: Source, message: str) -> NoReturn:
    raise _placed(source, message)
