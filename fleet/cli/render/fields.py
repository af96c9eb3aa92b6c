"""What `--list-fields` shows: the names that an expression may use, with types and examples."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.where import Record, outcome_fields
from fleet.cli.render.cells import text_of

if TYPE_CHECKING:
    from fleet.cli.shell import Shell

FIELDS = 200  # of outcomes told apart
LOOKED = 2_000  # outcomes looked at: later ones seldom have fields of their own
_CLOSED = ("steps", "samples", "checks", "errors", "violations", "skipped")  # named, and not looked into
_TYPES = {bool: "true/false", int: "number", float: "number", list: "list", dict: "object"}


@dataclass(slots=True)
class Field:
    """What one column holds: on how many rows it has a value, of which types, and the first one."""

    rows: int = 0
    types: dict[str, None] = field(default_factory=dict)
    example: Any = None

    def see(self, value: Any) -> None:
        """Count one value."""
        if value is None:
            return
        if not self.rows:
            self.example = value
        self.rows += 1
        self.types[_TYPES.get(type(value), "text")] = None


def outcomes_of(run: Path) -> Iterator[dict[str, Any]]:
    """The fields of the first outcomes of a run. Raises UsageError and SinkError."""
    from itertools import islice

    from fleet.report import head_of, last_outcomes

    _, journal = head_of(run)
    return map(outcome_fields, islice(last_outcomes(run, journal), LOOKED))


def tell_fields(shell: Shell, records: Iterable[Record], *, of: str) -> None:
    """Write what there is to name in some records, a line each."""
    fields: dict[str, Field] = {}
    for record in records:
        for name, value in _flat(record):
            if name in fields or len(fields) < FIELDS:
                fields.setdefault(name, Field()).see(value)
    if fields:
        tell(shell, fields, of=of)
    else:
        shell.say(f"there are no {of}")


def tell(shell: Shell, fields: Mapping[str, Field], *, of: str) -> None:
    """Write fields, a line each: the plain ones first."""
    from fleet.cli.render.tables import aligned
    from fleet.observe import safe

    lines = [("field", "type", of, "example")]
    lines += [
        (
            safe(name, 60),
            ", ".join(field.types) or "empty",
            f"{field.rows:,}",
            safe(text_of(field.example), 60),
        )
        for name, field in sorted(fields.items(), key=lambda item: "." in item[0])
    ]
    for line in aligned(lines):
        click.echo(line)
    sys.stdout.flush()
    shell.say("in --where a name with other characters than letters, digits and _ is quoted: '\"@uri\"'")


def _flat(record: Record) -> Iterator[tuple[str, Any]]:
    """The fields of a record; those of what lies in it by `outer.inner`."""
    for name, value in record.items():
        if isinstance(value, Mapping) and name not in _CLOSED:
            for inner, held in value.items():
                yield f"{name}.{inner}", held
        elif name == "steps" and isinstance(value, Mapping):
            for inner, held in value.items():
                yield f"steps.{inner}.complete", held.get("complete")
                yield f"steps.{inner}.rows", held.get("rows")
        else:
            yield name, value
