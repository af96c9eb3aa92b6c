"""`--where` on targets and outcomes: JMESPath over named fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fleet.cli.options.sections import Option, option
from fleet.cli.options.shared import expression
from fleet.errors import UsageError

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
