"""Rows, and what a `$name` sees from where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.pipeline.language.closures import Getter
from fleet.pipeline.language.names import Name
from fleet.secret import Secret
from fleet.target import Target


@dataclass(slots=True, eq=False)
class Row:
    """One row while its target is scanned. Its resource is let go when no step below reads it."""

    step: str
    uri: str
    parent: Row | None
    order: tuple[int, ...]
    key: tuple[str, ...] = ()
    resource: Any = None
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        """Its `@key`: the first key output that has a value, as text."""
        for name in self.key:
            value = self.outputs.get(name)
            if value is not None and value != "" and not isinstance(value, (list, dict)):
                return str(value)
        return None


@dataclass(slots=True)
class Scope:
    """Where an expression stands: below `above`, on `target`, before the reply of `headers`, beside the line
    of a baseline that `lookup` is."""

    target: Target
    inputs: Mapping[str, Any]
    above: Row | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())
    lookup: Mapping[str, Any] | None = None


def getter_for(name: Name) -> Getter:
    """How the value of one name is read from a `Scope`. Whether it can have one is checked by the plan."""
    words = name.words
    if name.family == "up":
        return _from_row(words[0], words[1])
    if name.family == "inputs":
        return lambda scope: scope.inputs.get(words[0])
    if name.family == "response":
        return _from_header(words[1]) if words[0] == "header" else lambda scope: scope.status
    if name.family == "lookup":
        return _from_lookup(words[0])
    if name.family == "credential":
        return _from_credential(words[0])
    if words[0] == "labels":
        return lambda scope: scope.target.labels.get(words[1])
    return (lambda scope: scope.target.id) if words[0] == "id" else (lambda scope: scope.target.url)


def _from_row(step: str, output: str) -> Getter:
    def read(scope: Scope) -> Any:
        row = scope.above
        while row is not None:
            if row.step == step:
                if output.startswith("@"):
                    return row.uri if output == "@uri" else row.name
                return row.outputs.get(output)
            row = row.parent
        return None

    return read


def _from_lookup(column: str) -> Getter:
    def read(scope: Scope) -> Any:
        return None if scope.lookup is None else scope.lookup.get(column)

    return read


def _from_credential(part: str) -> Getter:
    def read(scope: Any) -> Any:
        value = getattr(scope, part)
        return value.reveal() if isinstance(value, Secret) else value

    return read


def _from_header(header: str) -> Getter:
    wanted = header.lower()

    def read(scope: Scope) -> Any:
        return next((value for name, value in scope.headers if name == wanted), None)

    return read
