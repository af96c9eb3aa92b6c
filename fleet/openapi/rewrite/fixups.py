"""Fixups: declared repairs of published descriptions, made in each tree before anything reads it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from typing import Any

from fleet.errors import ConfigError
from fleet.frozen import frozen
from fleet.pointer import steps_of

_GLOB = re.compile(r"[*?]")
_OUTSIDE = frozenset(  # what stays beside `anyOf` when a schema becomes one of two
    {
        "title",
        "description",
        "default",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "externalDocs",
    }
)


@frozen
class Fixup:
    """One repair, made at every place that `at` matches in every document that `documents` matches.

    `at` is a JSON pointer whose steps may hold `*` (any text, but no slash) and `?`, and may be `**` (any
    number of steps); "" is the whole document. `documents` is a glob on the end of a document's URI
    (`Task*.yaml`); "" is every document. Then, in this order: `drop` removes keys, `rename` renames them,
    `set` writes keys and `add` writes those that are absent; `nullable` lets a schema be null, beside a
    `$ref` too; `headers` declares headers of an answer (a header object, or the name of a type); `answers`
    gives an operation statuses it lacks. `reason` is for people. Raises `ConfigError` for a pointer that is
    none, and where there is nothing to do.
    """

    at: str = ""
    documents: str = ""
    drop: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, Any] = field(default_factory=dict)
    nullable: bool = False
    headers: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        if self.at and not self.at.startswith("/"):
            raise ConfigError(f"a JSON pointer begins with '/', not as {self.at!r}")
        if not (
            self.drop or self.rename or self.set or self.add or self.nullable or self.headers or self.answers
        ):
            raise ConfigError(f"the fixup at {self.at or 'the whole document'!r} says nothing to do")

    def concerns(self, uri: str) -> bool:
        """Whether it is about the document of that URI."""
        return not self.documents or fnmatchcase(uri, f"*{self.documents}")


def repair(fixup: Fixup, tree: Any) -> tuple[Any, int]:
    """A tree with one fixup made, and how many places changed. What YAML aliases share is told apart: only
    the places that match change. The given tree is not to be used any more."""
    steps = steps_of(fixup.at)
    version = str(tree.get("openapi") or tree.get("swagger") or "") if isinstance(tree, dict) else ""
    root = _Entry(tree, None, "")
    owned: set[int] = set()
    changed = 0
    for entry in list(_matching(root, steps)):
        if not isinstance(entry.node, dict):
            continue
        made = _repaired(fixup, entry.node, version)
        if made != entry.node:
            changed += 1
            entry.replace(made, owned)
    return root.node, changed


class _Entry:
    """A value, and what it stands in. There is one of each place."""

    __slots__ = ("_inner", "above", "key", "node")

    def __init__(self, node: Any, above: _Entry | None, key: Any) -> None:
        self.node, self.above, self.key = node, above, key
        self._inner: list[_Entry] | None = None

    def inner(self) -> list[_Entry]:
        """The entries of a mapping or a list."""
        if self._inner is None:
            node = self.node
            items = (
                node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
            )
            self._inner = [_Entry(value, self, key) for key, value in items]
        return self._inner

    def replace(self, made: Any, owned: set[int]) -> None:
        """Puts another value in its place, in copies of what was not copied before."""
        self.node = made
        owned.add(id(made))
        entry = self
        while entry.above is not None:
            above = entry.above
            if id(above.node) in owned:
                above.node[entry.key] = entry.node
                return
            above.node = copy.copy(above.node)
            owned.add(id(above.node))
            above.node[entry.key] = entry.node
            entry = above


def _matching(root: _Entry, steps: list[str]) -> Iterator[_Entry]:
    """The entries that a pointer with globs leads to, each once, inner ones after those they stand in."""
    todo: list[tuple[_Entry, int]] = [(root, 0)]
    seen: set[tuple[int, int]] = set()
    found: set[int] = set()
    while todo:
        entry, at = todo.pop()
        if at == len(steps):
            if id(entry) not in found:
                found.add(id(entry))
                yield entry
            continue
        step = steps[at]
        if step == "**":
            if (id(entry), at) in seen:
                continue
            seen.add((id(entry), at))
            todo.extend((child, at) for child in reversed(entry.inner()))
            todo.append((entry, at + 1))
            continue
        todo.extend((child, at + 1) for child in reversed(entry.inner()) if _fits(str(child.key), step))


def _fits(key: str, step: str) -> bool:
    return key == step or (_GLOB.search(step) is not None and fnmatchcase(key, step.replace("[", "[[]")))


def _repaired(fixup: Fixup, node: Mapping[str, Any], version: str) -> dict[str, Any]:
    """One object, repaired."""
    made = {key: value for key, value in node.items() if key not in fixup.drop}
    if fixup.rename:
        made = {_renamed(key, made, fixup.rename): value for key, value in made.items()}
    made.update(fixup.set)
    for key, value in fixup.add.items():
        made.setdefault(key, value)
    if fixup.nullable:
        made = _nullable(made, version)
    if fixup.headers:
        made["headers"] = _headers(made.get("headers"), fixup.headers, old=version.startswith("2."))
    if fixup.answers:
        declared = made.get("responses")
        declared = declared if isinstance(declared, dict) else {}
        made["responses"] = {
            **declared,
            **{key: fixup.answers[key] for key in fixup.answers if key not in declared},
        }
    return made


def _renamed(key: str, node: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The new name of a key, unless that is taken."""
    name = names.get(key, key)
    return key if name in node else name


def _headers(declared: Any, wanted: Mapping[str, Any], *, old: bool) -> dict[str, Any]:
    made = dict(declared) if isinstance(declared, dict) else {}
    known = {name.lower() for name in made}
    for name, value in wanted.items():
        if name.lower() not in known:
            kind = {"type": value}
            made[name] = value if isinstance(value, Mapping) else kind if old else {"schema": kind}
    return made


def _nullable(node: dict[str, Any], version: str) -> dict[str, Any]:
    """A schema that may be null: in its version's words where the document names one, else in words that
    every version knows."""
    word = {"2": "x-nullable", "3.0": "nullable"}.get(version[:1] if version[:1] == "2" else version[:3])
    kind, enum = node.get("type"), node.get("enum")
    if (
        "null" in (kind if isinstance(kind, list) else [kind])
        or node.get(word or "") is True
        or _has_null(node)
    ):
        return node
    if version and "$ref" not in node and isinstance(kind, str | list):
        made = dict(node)
        if word:
            made[word] = True
        else:
            made["type"] = [*(kind if isinstance(kind, list) else [kind]), "null"]
        if isinstance(enum, list) and None not in enum:
            made["enum"] = [*enum, None]
        return made
    outside = {key: value for key, value in node.items() if key in _OUTSIDE}
    inside = {key: value for key, value in node.items() if key not in _OUTSIDE}
    return {**outside, "anyOf": [inside, {"enum": [None]}]} if inside else node


def _has_null(node: Mapping[str, Any]) -> bool:
    branches = node.get("anyOf")
    return isinstance(branches, list) and any(
        isinstance(branch, dict) and branch.get("enum") == [None] for branch in branches
    )
