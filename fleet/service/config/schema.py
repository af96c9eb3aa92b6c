"""The JSON Schema of a service's configuration, for editors: `docs/reference/serve.schema.json`."""

from __future__ import annotations

from typing import Any

from fleet.service.config.model import ServiceConfig


def config_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12)."""
    made = ServiceConfig.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "fleet serve configuration",
        "patternProperties": {"^x-": {}},
    }
