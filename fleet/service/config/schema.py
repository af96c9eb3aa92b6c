"""The JSON Schema of a service's configuration, for editors: `docs/reference/serve.schema.json`."""

from __future__ import annotations

from typing import Any

from fleet.quantities import written_duration, written_size
from fleet.service.config.model import ServiceConfig


def config_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12)."""
    made = ServiceConfig.model_json_schema(by_alias=True)
    for model in (made, *made["$defs"].values()):
        for field in model.get("properties", {}).values():
            _say_default(field)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "fleet serve configuration",
        "patternProperties": {"^x-": {}},
    }


def _say_default(field: dict[str, Any]) -> None:
    """A default with a unit, as it would be written; one of a whole section is that of its keys."""
    default = field.get("default")
    if isinstance(default, dict):
        del field["default"]
    elif isinstance(default, float) and field.get("type") == "string":
        field["default"] = written_duration(default)
    elif isinstance(default, int) and {"type": "string"} in field.get("anyOf", ()):
        field["default"] = written_size(default)
