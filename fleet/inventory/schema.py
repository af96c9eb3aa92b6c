"""JSON Schemas, for editors, of files that a person writes: credentials and proxies; sources of targets."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from fleet.inventory.credentials.model import AuthsFile
from fleet.inventory.feeds.model import SourceModel


def auths_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file of credentials and proxies."""
    return _headed("fleet auths file", AuthsFile)


def sources_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an inventory that consists of others."""
    made = _headed("fleet inventory of sources", SourceModel)
    own = {name: made.pop(name) for name in ("type", "properties", "additionalProperties", "description")}
    one = {**own, "minProperties": 1, "maxProperties": 1}
    text = {"type": "string", "description": "A file beside this one, something to ask, or a target."}
    members = {"type": "array", "minItems": 1, "items": {"anyOf": [text, one]}}
    whole = {"type": "object", "properties": {"sources": members}, "required": ["sources"]}
    return {**made, **whole, "additionalProperties": False}


def _headed(title: str, model: type[Any]) -> dict[str, Any]:
    made = TypeAdapter(model).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}
