"""Spec files: found, read, checked, described by a JSON Schema. What needs pydantic comes when it is asked
for: commands that only want to know the built-in names do not wait for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fleet.config.builtin import builtin_directory, list_builtin_specs

if TYPE_CHECKING:
    from fleet.config.complain import placed
    from fleet.config.load import find_spec, load_spec, loads_spec
    from fleet.config.model import InfoSpec, SpecFile
    from fleet.config.outside import SpecOutside
    from fleet.config.schema import SCHEMA_FILE, spec_schema, write_spec_schema

__all__ = [
    "SCHEMA_FILE",
    "InfoSpec",
    "SpecFile",
    "SpecOutside",
    "builtin_directory",
    "find_spec",
    "list_builtin_specs",
    "load_spec",
    "loads_spec",
    "placed",
    "spec_schema",
    "write_spec_schema",
]

_WHERE = {
    "SCHEMA_FILE": "schema",
    "InfoSpec": "model",
    "SpecFile": "model",
    "SpecOutside": "outside",
    "find_spec": "load",
    "load_spec": "load",
    "loads_spec": "load",
    "placed": "complain",
    "spec_schema": "schema",
    "write_spec_schema": "schema",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    return found
