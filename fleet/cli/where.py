"""`--where` on targets and outcomes: JMESPath over named fields, and `--list-fields`, which names them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.cells import text_of
from fleet.cli.options import expression
from fleet.cli.sections import Option, option
from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.cli.records import Field
    from fleet.cli.shell import Shell
    from fleet.target import Target

FIELDS = 200  # of outcomes told apart
LOOKED = 2_000  # outcomes looked at: later ones seldom have fields of their own
_CLOSED = ("steps", "samples", "checks", "errors", "violations", "skipped")  # named, and not looked into

Record = Mapping[str, Any]


def where_option(what: str) -> Option:
    """`--where` of a command, over outcomes."""
    return option("--where", metavar="JMESPATH", help=what)


list_fields_option: Option = option(
    "--list-fields", is_flag=True, help="What --where may name, with examples; nothing else is done."
)


def condition(text: str | None, *, of_outcomes: bool = True) -> Callable[[Record], bool] | None:
    """Whether an expression holds for an outcome, or for fields as they are. Raises UsageError."""
    if text is None:
        return None
    try:
        holds = expression(text, "--where").holds
    except UsageError as error:
        raise UsageError(f"{error}{hint_for(text)}") from None
    return (lambda record: holds(outcome_fields(record))) if of_outcomes else holds


def target_condition(text: str | None) -> Callable[[Target], bool] | None:
    """Whether an expression holds for a target of an inventory. Raises UsageError."""
    holds = condition(text, of_outcomes=False)
    if holds is None:
        return None
    from fleet.inventory import fields_of

    return lambda target: holds(fields_of(target))


def hint_for(text: str) -> str:
    """What to write in place of a condition that `--select` takes."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or value.startswith("="):
        return ""
    field = name if name in ("id", "url", "host", "auth", "proxy") else f"labels.{name}"
    return f"\n  --select writes it so; here it is {field} == '{value}'"


def outcome_fields(record: Record) -> dict[str, Any]:
    """What an expression sees of an outcome: what is stored, and the names that targets have."""
    from fleet.inventory import place_of

    url = str(record.get("target", ""))
    host, port = place_of(url)
    absent = {"auth": None, "proxy": None, "failure": None}
    return {**absent, **record, "url": url, "host": host, "port": port}


def outcomes_of(run: Path) -> Iterator[dict[str, Any]]:
    """The fields of the first outcomes of a run. Raises UsageError and SinkError."""
    from itertools import islice

    from fleet.report import head_of, last_outcomes

    _, journal = head_of(run)
    return map(outcome_fields, islice(last_outcomes(run, journal), LOOKED))


def tell_fields(shell: Shell, records: Iterable[Record], *, of: str) -> None:
    """Write what there is to name in some records, a line each."""
    from fleet.cli.records import Field

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
    from fleet.cli.tables import aligned
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
