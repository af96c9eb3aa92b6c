"""Spec files: found, read, checked, described by a JSON Schema. What needs pydantic comes when it is asked
for: commands that only want to know the built-in names do not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.config.builtin import builtin_directory, builtin_of, installed_here, list_builtin_specs
from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.config.load import find_spec, load_spec, loads_spec
    from fleet.config.model import InfoSpec, SpecFile
    from fleet.config.outside import SpecOutside
    from fleet.config.schema import spec_schema

__all__ = [
    "InfoSpec",
    "SpecFile",
    "SpecOutside",
    "builtin_directory",
    "builtin_of",
    "find_spec",
    "installed_here",
    "list_builtin_specs",
    "load_spec",
    "loads_spec",
    "spec_schema",
]

load_lazily(
    __name__,
    {
        "load": ("find_spec", "load_spec", "loads_spec"),
        "model": ("InfoSpec", "SpecFile"),
        "outside": ("SpecOutside",),
        "schema": ("spec_schema",),
    },
)
