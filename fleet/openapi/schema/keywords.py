"""What each dialect's schemas are made of, and the words of 2.0 and 3.0 in those of JSON Schema 2020-12."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from fleet.frozen import frozen
from fleet.openapi.model import Dialect

Direction: TypeAlias = Literal["answer", "body"]

_VALIDATION = frozenset({
    "type", "enum", "const", "multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum",
    "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties",
    "minProperties", "required", "dependentRequired", "maxContains", "minContains",
})  # fmt: skip
_ONE = frozenset({
    "items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties",
    "unevaluatedItems", "unevaluatedProperties",
})  # fmt: skip
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAP = frozenset({"properties", "patternProperties", "dependentSchemas"})
_INSIDE = frozenset({
    "items", "contains", "propertyNames", "additionalProperties", "unevaluatedItems", "unevaluatedProperties",
    "prefixItems", "properties", "patternProperties",
})  # fmt: skip
UNEVALUATED = frozenset({"unevaluatedItems", "unevaluatedProperties"})

_STANDARD = re.compile(
    r"https://json-schema\.org/draft/2020-12/(?:schema|meta/(?:core|applicator|unevaluated|validation|meta-data"
    r"|format-annotation|format-assertion|content))(?:#.*)?"
)

# What 2.0 and 3.0 took from JSON Schema ("Schema Object" of 2.0 and of 3.0.4); the rest means nothing there.
_V2 = (_VALIDATION - {"const", "dependentRequired", "maxContains", "minContains"}) | {
    "items", "allOf", "properties", "additionalProperties",
}  # fmt: skip
_OWN: dict[Dialect, frozenset[str]] = {
    "2.0": _V2,
    "3.0": _V2 | {"anyOf", "oneOf", "not"},
    "2020-12": _VALIDATION | _ONE | _LIST | _MAP,
}

_VOCABULARY = "https://json-schema.org/draft/2020-12/vocab/"
_OF_VOCABULARY = {
    f"{_VOCABULARY}applicator": (_ONE | _LIST | _MAP) - UNEVALUATED,
    f"{_VOCABULARY}unevaluated": UNEVALUATED,
    f"{_VOCABULARY}validation": _VALIDATION,
}


@frozen
class Reading:
    """How schemas are to be read.

    With `strict` a schema means what its dialect says. Without it the reading is that of an adviser:
    keywords of every dialect count, and extra properties are allowed.
    With `reads`, keywords whose values make no sense are left out, and regular expressions that it refuses.
    """

    dialect: Dialect
    direction: Direction = "answer"
    strict: bool = False
    reads: Callable[[str], bool] | None = None

    @property
    def old(self) -> bool:
        """Whether the dialect is older than 2020-12: nothing stands beside `$ref`, names mean nothing."""
        return self.dialect != "2020-12"

    @property
    def not_owed(self) -> str:
        """What marks a property that is not required in this direction."""
        return "writeOnly" if self.direction == "answer" else "readOnly"

    @property
    def known(self) -> frozenset[str]:
        """The keywords that count."""
        return _OWN[self.dialect] if self.strict else _OWN["2020-12"] - UNEVALUATED

    def plain(self, known: frozenset[str]) -> frozenset[str]:
        """Of these, those that hold no schemas."""
        return known & _VALIDATION

    def nullable(self, node: dict[str, Any]) -> bool:
        """Whether null passes too. In 2.0 `x-nullable` is what its authors agreed on; from 3.1 on there is no
        such word, and what was written for 3.0 goes on to say it."""
        if not self.strict:
            return node.get("nullable") is True or node.get("x-nullable") is True
        return node.get("x-nullable" if self.dialect == "2.0" else "nullable") is True


def is_standard(ref: str) -> bool:
    """Whether the validator has what a reference means: the metaschemas of this draft, and of no other."""
    return _STANDARD.fullmatch(ref) is not None


def holds_one(key: str) -> bool:
    """Whether the value of a keyword is a schema."""
    return key in _ONE


def holds_list(key: str) -> bool:
    """Whether it is a list of schemas."""
    return key in _LIST


def holds_map(key: str) -> bool:
    """Whether it is a mapping whose values are schemas."""
    return key in _MAP


def turns(key: str, node: dict[str, Any]) -> bool:
    """Whether a value is refused, or more is wanted of it, where the schema of this keyword accepts."""
    return key in {"not", "if"} or (key == "contains" and "maxContains" in node)


def judges_inside(key: str) -> bool:
    """Whether the schemas of a keyword judge what is inside a value, and not the value itself."""
    return key in _INSIDE


def left_out(vocabularies: Any) -> frozenset[str]:
    """The keywords that mean nothing under a metaschema with this `$vocabulary`."""
    if not isinstance(vocabularies, dict):
        return frozenset()
    return frozenset[str]().union(
        *(keywords for name, keywords in _OF_VOCABULARY.items() if name not in vocabularies)
    )


def translated(made: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    """The words of 2.0 and 3.0 in JSON Schema 2020-12's: where `nullable` is said, null passes."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        flag = made.get(exclusive)
        if isinstance(flag, bool):
            del made[exclusive]
            if flag and limit in made:
                made[exclusive] = made.pop(limit)
    kind = made.get("type")
    if kind == "file":  # 2.0's word for bytes: nothing that JSON could break
        del made["type"]
    if not nullable:
        return made
    if isinstance(kind, str) and kind != "file":
        made["type"] = [kind, "null"] if kind != "null" else kind
    enum = made.get("enum")
    if isinstance(enum, list) and None not in enum:
        made["enum"] = [*enum, None]
    if any(key in made for key in ("allOf", "anyOf", "oneOf", "not", "const")):
        return {"anyOf": [made, {"type": "null"}]}
    return made
