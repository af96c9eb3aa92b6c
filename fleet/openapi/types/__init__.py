"""Pydantic types made of schemas. Imported when a type is first asked for: pydantic comes with it."""

from fleet.openapi.types.model import SchemaModel, SchemaRoot
from fleet.openapi.types.plain import untyped
from fleet.openapi.types.registry import Types

__all__ = ["SchemaModel", "SchemaRoot", "Types", "untyped"]
