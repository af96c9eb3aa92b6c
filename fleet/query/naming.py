"""Names that SQL can hold: unique whatever their case, and in an order that does not depend on who answered
first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

MAX_NAME = 120  # characters
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE | re.ASCII)

# What cannot stand unquoted as the name of a table or a column, in DuckDB or in SQLite.
RESERVED = frozenset({
    "add", "all", "alter", "always", "analyse", "analyze", "and", "anti", "any", "array", "as", "asc",
    "asof", "asymmetric", "between", "both", "by", "case", "cast", "check", "collate", "column",
    "commit", "constraint", "create", "cross", "current_date", "current_time", "current_timestamp",
    "default", "deferrable", "delete", "desc", "describe", "distinct", "do", "drop", "else", "end",
    "escape", "except", "exists", "false", "fetch", "filter", "for", "foreign", "from", "full", "glob",
    "group", "having", "if", "in", "index", "initially", "inner", "insert", "intersect", "into", "is",
    "isnull", "join", "lambda", "lateral", "leading", "left", "like", "limit", "match", "natural",
    "not", "nothing", "notnull", "null", "offset", "on", "only", "or", "order", "outer", "pivot",
    "pivot_longer", "pivot_wider", "placing", "positional", "primary", "qualify", "raise", "references",
    "replace", "returning", "right", "select", "semi", "set", "show", "similar", "some", "summarize",
    "symmetric", "table", "then", "to", "trailing", "transaction", "true", "union", "unique", "unpivot",
    "update", "using", "values", "variadic", "when", "where", "window", "with",
})  # fmt: skip


def quoted(name: str) -> str:
    """A name as it always may stand in SQL."""
    return '"' + name.replace('"', '""') + '"'


def written(name: str) -> str:
    """A name as a person writes it: quoted only where it must be."""
    return name if _PLAIN.fullmatch(name) and name.lower() not in RESERVED else quoted(name)


def unique(wanted: str, taken: Collection[str]) -> str:
    """A name close to the wanted one that is not among `taken`, which are folded; `_2`, `_3` tell them apart.
    What does not print is a `_`."""
    name = "".join(char if char.isprintable() else "_" for char in wanted[:MAX_NAME]) or "_"
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def unique_names(wanted: Iterable[str]) -> list[str]:
    """A name for each, the first ones as they are wanted."""
    taken: set[str] = set()
    names = []
    for want in wanted:
        names.append(unique(want, taken))
        taken.add(names[-1].casefold())
    return names


def merged(shapes: Iterable[tuple[str, ...]]) -> list[str]:
    """All names of some sequences in one order that follows each of them as far as they agree.

    The order depends on which sequences there are, not on which came first: runs over the same machines have
    their columns in the same order.
    """
    order: list[str] = []
    for shape in sorted(set(shapes), key=lambda shape: (-len(shape), shape)):
        at = 0
        for name in shape:
            if name in order:
                at = order.index(name) + 1
            else:
                order.insert(at, name)
                at += 1
    return order
