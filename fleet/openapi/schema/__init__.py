"""The judge: JSON Schema in each dialect of OpenAPI, compiled for jsonschema-rs."""

from fleet.openapi.schema.check import (
    MAX_VIOLATIONS,
    Check,
    compile_check,
    compile_checks,
    media_for,
    no_check,
)
from fleet.openapi.schema.expected import Keyword
from fleet.openapi.schema.keywords import Direction

__all__ = [
    "MAX_VIOLATIONS",
    "Check",
    "Direction",
    "Keyword",
    "compile_check",
    "compile_checks",
    "media_for",
    "no_check",
]
