"""YAML files of people: read within a limit, fitted to a model, and told what is wrong with them, and where.

Every file that an operator writes comes in by here; what it means belongs to the package that owns its model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.yamlfile.complaint import Complaint, first_complaint
    from fleet.yamlfile.read import YamlFile, parse_file, read_yaml

__all__ = ["Complaint", "YamlFile", "first_complaint", "parse_file", "read_yaml"]

load_lazily(
    __name__, {"complaint": ("Complaint", "first_complaint"), "read": ("YamlFile", "parse_file", "read_yaml")}
)
