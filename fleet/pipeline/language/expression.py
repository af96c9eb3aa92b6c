"""Expressions: JMESPath compiled once, evaluated with guards.

Most expressions of a spec are a chain of field names (`Status.Health`): those are looked up directly,
which costs a tenth of what jmespath's interpreter does. The rest runs as closures. An evaluation never
raises: what cannot be evaluated has no value, and is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Any

import jmespath.exceptions
import jmespath.parser

from fleet.frozen import frozen
from fleet.guess import closest
from fleet.pipeline.language.closures import Getter, Run, Unknown, closure, truthy
from fleet.pipeline.language.functions import Functions, arities
from fleet.pipeline.language.names import PLACEHOLDER, Name, lift

MAX_LENGTH = 4000  # characters of one expression
MAX_DEPTH = 100  # levels of its tree: each costs the interpreter three frames
MAX_NODES = 500  # of one expression; with no variables in the language, time is bounded by nodes x data

_CHAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")

_NO_VALUE = (
    jmespath.exceptions.JMESPathError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


@frozen
class Expression:
    """One compiled expression. `names` are what it binds; `get` holds a getter for each, in order."""

    text: str
    names: tuple[Name, ...]
    path: tuple[str, ...] | None
    tree: Any
    run: Run = field(compare=False)

    def bind(self, getter: Callable[[Name], Getter]) -> Expression:
        """The same expression, with a getter for each of its names."""
        if not self.names:
            return self
        getters = tuple(getter(name) for name in self.names)
        return replace(self, run=closure(self.tree, getters, Functions()))

    def value(self, data: Any, scope: Any = None, notes: Counter[str] | None = None) -> Any:
        """The value on `data`, or None: nothing there, or (counted in `notes`) it cannot be evaluated."""
        if self.path is not None:
            for key in self.path:
                if not isinstance(data, dict):
                    return None
                data = data.get(key)
            return data
        try:
            return self.run(data, scope)
        except Unknown:
            return None
        except _NO_VALUE:
            if notes is not None:
                notes["expression_errors"] += 1
            return None

    def holds(self, data: Any, scope: Any = None, notes: Counter[str] | None = None) -> bool:
        """Whether the value counts as true in JMESPath (numbers do, empty things do not)."""
        return truthy(self.value(data, scope, notes))

    @property
    def literal(self) -> Any:
        """Its value on any data, where it is a literal and nothing else; None for all others."""
        return self.tree["value"] if self.tree["type"] == "literal" else None

    def fields(self) -> frozenset[str]:
        """The first names that it reads from its data, as far as they can be told without running it."""
        return frozenset(_first_fields(self.tree))

    def all_fields(self) -> frozenset[str] | None:
        """The names that it reads from its data, where its value follows from theirs and from what it binds
        alone; None where that cannot be told."""
        plain = all(node["type"] in _PLAIN for node, _ in _nodes(self.tree))
        return self.fields() if plain else None


def compile_expression(text: str, *, three_valued: bool = False) -> Expression:
    """Compile. Raises ValueError with a sentence that says what is wrong.

    `three_valued`: a comparison with a value that is not there is unknown, so the whole has no value,
    unless it compares with the literal `null`.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the expression has {len(text)} characters, more than {MAX_LENGTH}")
    path = text.split(".")
    if len(path) < MAX_NODES and _CHAIN.fullmatch(text):
        tree = _chain(path)
        return Expression(text, (), tuple(path), tree, closure(tree, (), Functions()))
    lifted, names = lift(text)
    try:
        parsed = jmespath.parser.Parser().parse(lifted).parsed
    except jmespath.exceptions.JMESPathError as wrong:
        raise ValueError(f"{text!r} is not a JMESPath expression: {_reason(wrong)}") from None
    except RecursionError:
        raise ValueError("the expression nests too deep") from None
    _check_size(parsed)
    tree = _rewritten(parsed, {PLACEHOLDER.format(at): at for at in range(len(names))}, three_valued)
    for node, _ in _nodes(tree):
        if node["type"] == "function_expression":
            _check_call(node)
    unbound = tuple(_unbound for _ in names)
    return Expression(text, names, _field_path(tree), tree, closure(tree, unbound, Functions()))


def _chain(path: list[str]) -> dict[str, Any]:
    """What jmespath's parser makes of field names with dots between them. Nearly all expressions of a spec
    are that, and it takes ten times as long."""
    fields = [{"type": "field", "children": list[Any](), "value": name} for name in path]
    return fields[0] if len(fields) == 1 else {"type": "subexpression", "children": fields}


def _unbound(_: Any) -> Any:
    """A name that nothing binds has no value."""


def _reason(wrong: Exception) -> str:
    first = str(wrong).strip().splitlines()[0]
    for prefix in ("Bad jmespath expression: ", "Invalid jmespath expression: "):
        first = first.removeprefix(prefix)
    return first.rstrip(":. ").lower()


def _rewritten(node: Any, placeholders: dict[str, int], three_valued: bool) -> Any:
    """A copy of the tree (the parser caches its own) with bound names and three-valued comparisons."""
    if not isinstance(node, dict):
        return node
    children = [_rewritten(child, placeholders, three_valued) for child in node.get("children", ())]
    if node["type"] == "field" and node["value"] in placeholders:
        return {"type": "bound", "value": placeholders[node["value"]], "children": []}
    if three_valued and node["type"] == "comparator":
        asks_null = any(child["type"] == "literal" and child["value"] is None for child in children)
        if not asks_null:
            return {**node, "type": "known_comparator", "children": children}
    return {**node, "children": children}


def _nodes(node: Any) -> Iterator[tuple[dict[str, Any], int]]:
    """Every node of a tree, with its depth."""
    stack = [(node, 1)]
    while stack:
        current, depth = stack.pop()
        if isinstance(current, dict):
            yield current, depth
            stack.extend((child, depth + 1) for child in current.get("children", ()))


def _check_size(tree: Any) -> None:
    sizes = [depth for _, depth in _nodes(tree)]
    if len(sizes) > MAX_NODES:
        raise ValueError(f"the expression has {len(sizes)} parts, more than {MAX_NODES}")
    if max(sizes) > MAX_DEPTH:
        raise ValueError(f"the expression nests too deep: more than {MAX_DEPTH} levels")


def _check_call(node: dict[str, Any]) -> None:
    name, given = node["value"], len(node["children"])
    known = arities()
    if name not in known:
        near = closest(name, known)
        hint = f"did you mean {near}()?" if near else f"known are {', '.join(sorted(known))}"
        raise ValueError(f"unknown function {name}(); {hint}")
    wanted, more = known[name]
    if given < wanted or (given > wanted and not more):
        raise ValueError(f"{name}() takes {wanted}{' or more' if more else ''} arguments, not {given}")


def _field_path(node: Any) -> tuple[str, ...] | None:
    """The keys of an expression that is nothing but a chain of field names."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] == "subexpression":
        parts = [_field_path(child) for child in node["children"]]
        if all(part is not None for part in parts):
            return tuple(key for part in parts if part for key in part)
    return None


_SAME_DATA = frozenset(
    {
        "comparator",
        "known_comparator",
        "or_expression",
        "and_expression",
        "not_expression",
        "multi_select_dict",
        "multi_select_list",
        "key_val_pair",
        "function_expression",
    }
)
_PLAIN = (_SAME_DATA - {"multi_select_dict"}) | {"bound", "field", "literal", "subexpression"}
"""Nodes that look at nothing but fields by name, and at what is below them."""


def _first_fields(node: Any) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    if node["type"] == "field":
        yield node["value"]
    elif node["type"] in _SAME_DATA:
        for child in node["children"]:
            yield from _first_fields(child)
    elif node["type"] != "expref" and node.get("children"):
        yield from _first_fields(node["children"][0])
