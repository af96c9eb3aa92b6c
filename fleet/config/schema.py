"""The JSON Schema of a spec file, for editors: `docs/reference/spec.schema.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fleet.config.model import Sections
from fleet.pipeline import adapter

SCHEMA_FILE = Path("docs") / "reference" / "spec.schema.json"


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


def write_spec_schema(root: Path) -> Path:
    """Write the schema into a checkout; returns the file."""
    path = root / SCHEMA_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(spec_schema(), indent=2) + "\n", encoding="utf-8")
    return path
