"""Spec files: found, read, checked, described by a JSON Schema."""

from fleet.config.builtin import builtin_directory, list_builtin_specs
from fleet.config.load import find_spec, load_spec, loads_spec
from fleet.config.model import InfoSpec, SpecFile
from fleet.config.schema import SCHEMA_FILE, spec_schema, write_spec_schema

__all__ = [
    "SCHEMA_FILE",
    "InfoSpec",
    "SpecFile",
    "builtin_directory",
    "find_spec",
    "list_builtin_specs",
    "load_spec",
    "loads_spec",
    "spec_schema",
    "write_spec_schema",
]
