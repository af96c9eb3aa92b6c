"""The rule about defaults: each fits the schema that it stands in."""

from __future__ import annotations

from typing import Any

from fleet.errors import SpecError
from fleet.openapi.reading.refs import Place
from fleet.openapi.rewrite.grammar import objects
from fleet.openapi.rules.finding import Findings, Severity
from fleet.openapi.schema.check import compile_check
from fleet.openapi.schema.expected import Keyword

MAX_JUDGED = 1000  # defaults of one description: each takes a validator of its own


def defaults(found: Findings) -> None:
    """Defaults that their schemas refuse, read as leniently as answers are. 2.0 and 3.0 demand that a default
    fits, JSON Schema recommends it; a null is what generators write where there is none. What a default
    leaves out may have defaults of its own."""
    old = found.document.front.dialect != "2020-12"
    kinds = {"schema", "parameter", "header"} if found.document.front.dialect == "2.0" else {"schema"}
    left = MAX_JUDGED
    for uri, tree in list(found.library.trees.items()):
        for kind, node in objects(tree):
            if kind not in kinds or node.get("default", {}) in ([], {}) or (old and "$ref" in node):
                continue
            left -= 1
            if left < 0:
                return
            if (why := _why_not(found, uri, node)) is not None:
                severity: Severity = "error" if old and node["default"] is not None else "warning"
                steps = [*found.steps(uri, node), "default"]
                found.add(severity, "default", f"the default does not fit its schema: {why}", uri, steps)


def _why_not(found: Findings, uri: str, node: dict[str, Any]) -> str | None:
    schema = {key: value for key, value in node.items() if key != "required"}
    try:
        check = compile_check(found.library, Place(uri, schema), found.document.front.dialect, "body")
        broken = [wrong for wrong in check(node["default"]) if wrong[1] != "required"]
    except SpecError:
        return None  # the schema is of no use, which another rule tells
    except ValueError:
        return "it is no JSON value"
    return _worded(*broken[0]) if broken else None


def _worded(pointer: str, rule: Keyword) -> str:
    words = f"{rule}: {rule.expected}" if rule.expected else str(rule)
    return f"{pointer} ({words})" if pointer else words
