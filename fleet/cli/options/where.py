"""`--where` on targets and outcomes: JMESPath over named fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from fleet.cli.options.given import expression
from fleet.cli.options.sections import Option, option
from fleet.errors import UsageError
from fleet.guess import no_such_field

if TYPE_CHECKING:
    from fleet.target import Target

Record = Mapping[str, Any]


def where_option(what: str) -> Option:
    """`--where` of a command, over outcomes."""
    return option("--where", metavar="JMESPATH", help=what)


list_fields_option: Option = option(
    "--list-fields", is_flag=True, help="What --where may name, with examples; nothing else is done."
)


def condition(text: str | None, *, of_outcomes: bool = True) -> Callable[[Record], bool] | None:
    """Whether an expression holds for an outcome, or for the fields of a target. Raises UsageError."""
    if text is None:
        return None
    try:
        compiled = expression(text, "--where")
    except UsageError as error:
        raise UsageError(f"{error}{hint_for(text)}") from None
    if wrong := no_such_field(compiled.fields(), _known(of_outcomes=of_outcomes)):
        raise UsageError(f"--where: {wrong}")
    return (lambda record: compiled.holds(outcome_fields(record))) if of_outcomes else compiled.holds


def _known(*, of_outcomes: bool) -> Collection[str]:
    """The names that an expression may read."""
    if not of_outcomes:
        from fleet.inventory import TARGET_FIELDS

        return TARGET_FIELDS
    from dataclasses import fields

    from fleet.outcome import Outcome

    return {"v", "url", "host", "port", *(field.name for field in fields(Outcome))}


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
    if not equals or value.startswith("=") or name.rstrip().endswith(("=", "!", "<", ">")):
        return ""
    if not name.isidentifier():
        return "\n  equal is written ==, and a text in single quotes: labels.site == 'a'"
    field = name if name in ("id", "url", "host", "auth", "proxy") else f"labels.{name}"
    return f"\n  --select writes it so; here it is {field} == '{value}'"


def outcome_fields(record: Record) -> dict[str, Any]:
    """What an expression sees of an outcome: what is stored, and the names that targets have."""
    from fleet.inventory import place_of

    url = str(record.get("target", ""))
    host, port = place_of(url)
    absent = {"auth": None, "proxy": None, "failure": None}
    return {**absent, **record, "url": url, "host": host, "port": port}
