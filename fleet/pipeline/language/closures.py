"""Expression trees made into Python closures: what the interpreter does, at a third of its cost.

Only the node types that specs use most are written out; any other runs on the interpreter, with all that
is below it. Results are the interpreter's own, which a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jmespath.visitor

from fleet.pipeline.language.functions import Functions

Getter = Callable[[Any], Any]  # a scope -> the value of one name
Run = Callable[[Any, Any], Any]  # data, scope -> value


class Unknown(Exception):
    """A comparison met a value that is not there: the third truth value, on its way up."""


class Interpreter(jmespath.visitor.TreeInterpreter):
    """JMESPath's interpreter with two nodes more: bound names, and three-valued comparisons."""

    def __init__(self, scope: Any, getters: Sequence[Getter], functions: Functions) -> None:
        super().__init__(jmespath.visitor.Options(custom_functions=functions))
        self._scope = scope
        self._getters = getters

    def run(self, tree: Any, value: Any) -> Any:
        """Visit a tree, once."""
        try:
            return self.visit(tree, value)
        finally:
            vars(self)["_method_cache"].clear()  # its methods hold this interpreter, and all of its scope

    def visit_bound(self, node: dict[str, Any], value: Any) -> Any:
        return self._getters[node["value"]](self._scope)

    def visit_known_comparator(self, node: dict[str, Any], value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        return compared(node["value"], left, right)


_COMPARE = Interpreter.COMPARATOR_FUNC


def compared(operator: str, left: Any, right: Any) -> Any:
    """A comparison that raises `Unknown` when a side is not there."""
    if left is None or right is None:
        raise Unknown
    return _COMPARE[operator](left, right)


def truthy(value: Any) -> bool:
    """JMESPath's truth: everything but null, false, and empty text, lists and objects."""
    return not (value is None or value is False or (isinstance(value, (str, list, dict)) and not value))


def closure(node: dict[str, Any], getters: Sequence[Getter], functions: Functions) -> Run:
    """The tree as one callable. It raises what the interpreter raises."""
    kind = node["type"]
    if kind == "field":
        return _field(node["value"])
    if kind == "literal":
        literal = node["value"]
        return lambda data, scope: literal
    if kind == "bound":
        getter = getters[node["value"]]
        return lambda data, scope: getter(scope)
    if kind in {"current", "identity"}:
        return lambda data, scope: data
    maker = _MAKERS.get(kind)
    children = node.get("children", ())
    if maker is None or any(child.get("type") == "expref" for child in children):
        tree: Any = node
        return lambda data, scope: Interpreter(scope, getters, functions).run(tree, data)
    parts = [closure(child, getters, functions) for child in children]
    return maker(node, parts, functions)


def _field(name: str) -> Run:
    def run(data: Any, scope: Any) -> Any:
        return data.get(name) if isinstance(data, dict) else None

    return run


def _sequence(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    def run(data: Any, scope: Any) -> Any:
        for part in parts:
            data = part(data, scope)
        return data

    return run


def _or(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    first, second = parts

    def run(data: Any, scope: Any) -> Any:
        found = first(data, scope)
        return found if truthy(found) else second(data, scope)

    return run


def _and(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    first, second = parts

    def run(data: Any, scope: Any) -> Any:
        found = first(data, scope)
        return second(data, scope) if truthy(found) else found

    return run


def _equality(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    left, right = parts
    compare = _COMPARE[node["value"]]
    return lambda data, scope: compare(left(data, scope), right(data, scope))


def _ordering(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    left, right = parts
    compare = _COMPARE[node["value"]]

    def run(data: Any, scope: Any) -> Any:
        one, other = left(data, scope), right(data, scope)
        return compare(one, other) if _comparable(one) and _comparable(other) else None

    return run


def _comparison(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    make = _equality if node["value"] in {"eq", "ne"} else _ordering
    return make(node, parts, functions)


def _known_comparison(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    left, right = parts
    operator = node["value"]
    return lambda data, scope: compared(operator, left(data, scope), right(data, scope))


def _call(node: dict[str, Any], parts: list[Run], functions: Functions) -> Run:
    name = node["value"]
    return lambda data, scope: functions.call_function(name, [part(data, scope) for part in parts])


def _comparable(value: Any) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


_MAKERS: dict[str, Callable[[dict[str, Any], list[Run], Functions], Run]] = {
    "subexpression": _sequence,
    "pipe": _sequence,
    "or_expression": _or,
    "and_expression": _and,
    "comparator": _comparison,
    "known_comparator": _known_comparison,
    "function_expression": _call,
}
