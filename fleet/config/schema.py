"""The JSON Schema of a spec file, for editors: `docs/reference/spec.schema.json`."""

from __future__ import annotations

from typing import Any

from fleet.config.model import Sections
from fleet.pipeline import adapter


def spec_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a spec file."""
    made = adapter(Sections).json_schema(by_alias=True)
    needed = made.pop("required")  # what a spec that extends another one may leave to it
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "fleet spec file",
        "patternProperties": {"^x-": {}},
        "required": ["fleet"],
        "anyOf": [{"required": ["extends"]}, {"required": needed}],
    }
