"""Objects of 2.0 and 3.0 in the words of 3.1: schemas above all, which 3.1 leaves to JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.openapi.lower.parts import mapping
from fleet.openapi.rewrite.grammar import SECTIONS_OF_3, Kind

_OF_PARAMETER = frozenset(
    {"name", "in", "required", "description", "allowEmptyValue", "collectionFormat", "schema"}
)
_FLOWS = {"application": "clientCredentials", "accessCode": "authorizationCode"}
_COMBINED = ("allOf", "anyOf", "oneOf", "not")
_BESIDE = ("description", "summary")  # beside a `$ref`: the rest meant nothing, and would from now on
_OUTSIDE = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")


def upgraded(kind: Kind, node: dict[str, Any]) -> dict[str, Any]:
    """One object of a description of 3.0, as 3.1 says it. Its parts are not looked at."""
    if kind == "schema":
        return schema(node)
    if isinstance(node.get("$ref"), str) and kind in SECTIONS_OF_3 and kind != "pathItem":
        return {key: node[key] for key in ("$ref", *_BESIDE) if key in node}
    if kind == "media":
        return _media(node)
    return node


def schema(node: dict[str, Any]) -> dict[str, Any]:
    """One schema of 2.0 or 3.0 as one of JSON Schema 2020-12 that allows the same values.

    `nullable` (and 2.0's `x-nullable`) counts beside `$ref` and combinations too, as its authors mean it.
    """
    null = node.get("nullable") is True or node.get("x-nullable") is True
    if isinstance(node.get("$ref"), str):
        made = {key: node[key] for key in ("$ref", *_BESIDE) if key in node}
        return _or_null(made) if null else made
    made = {key: value for key, value in node.items() if key not in {"nullable", "x-nullable"}}
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        flag = made.get(exclusive)
        if isinstance(flag, bool):
            made = _exclusive(made, limit, exclusive, flag=flag)
    if "example" in made:
        made = {("examples" if key == "example" else key): value for key, value in made.items()}
        made["examples"] = [made["examples"]]
    if isinstance(made.get("discriminator"), str):  # 2.0
        made["discriminator"] = {"propertyName": made["discriminator"]}
    made = _content(made)
    return _nullable(made) if null else made


def _exclusive(node: dict[str, Any], limit: str, exclusive: str, *, flag: bool) -> dict[str, Any]:
    """A boolean `exclusiveMinimum` beside `minimum` as the number that 2020-12 has."""
    made = {key: value for key, value in node.items() if key != exclusive}
    if flag and limit in made:
        made = {(exclusive if key == limit else key): value for key, value in made.items()}
    return made


def _content(node: dict[str, Any]) -> dict[str, Any]:
    """Bytes: formats before 3.1, `contentEncoding` and `contentMediaType` from then on."""
    if node.get("type") == "file":  # 2.0
        made = {key: value for key, value in node.items() if key not in {"type", "format"}}
        return {**made, "contentMediaType": "application/octet-stream"}
    if node.get("type") != "string" or node.get("format") not in ("byte", "base64", "binary"):
        return node
    made = {key: value for key, value in node.items() if key != "format"}
    if node["format"] == "binary":
        return {**made, "contentMediaType": "application/octet-stream"}
    return {**made, "contentEncoding": "base64"}


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    made = dict(node)
    enum = made.get("enum")
    if isinstance(enum, list) and None not in enum:
        made["enum"] = [*enum, None]
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return _or_null(made) if any(key in made for key in _COMBINED) else made


def _or_null(node: dict[str, Any]) -> dict[str, Any]:
    outside = {key: value for key, value in node.items() if key in _OUTSIDE}
    inside = {key: value for key, value in node.items() if key not in _OUTSIDE}
    return {**outside, "anyOf": [inside, {"type": "null"}]}


def _media(node: dict[str, Any]) -> dict[str, Any]:
    """A body that is nothing but bytes has no schema from 3.1 on: its media type says all."""
    held = node.get("schema")
    if isinstance(held, dict) and held.keys() == {"type", "format"} and held["format"] == "binary":
        return {key: value for key, value in node.items() if key != "schema"}
    return node


def schema_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that a parameter or a header of 2.0 also is."""
    made = {
        key: value for key, value in node.items()
        if key not in _OF_PARAMETER and (not key.startswith("x-") or key == "x-nullable")
    }  # fmt: skip
    items: Any = made
    while isinstance(items, dict) and "items" in items:  # written as commas all the way down
        items["items"] = {
            key: value for key, value in mapping(items["items"]).items() if key != "collectionFormat"
        }
        items = items["items"]
    return made


def scheme_of(node: Any) -> Any:
    """A security scheme of 2.0 as 3.x says it."""
    found = mapping(node)
    if found.get("type") == "basic":
        return {"type": "http", "scheme": "basic", **{k: v for k, v in found.items() if k != "type"}}
    if found.get("type") != "oauth2":
        return node
    urls = {key: found[key] for key in ("authorizationUrl", "tokenUrl") if key in found}
    flow = {**urls, "scopes": found.get("scopes", {})}
    rest = {key: value for key, value in found.items() if key not in {"flow", "scopes", *urls}}
    return {**rest, "flows": {_FLOWS.get(str(found.get("flow")), str(found.get("flow"))): flow}}
