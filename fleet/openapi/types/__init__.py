"""Pydantic types made of schemas. Imported when a type is first asked for: pydantic comes with it."""

from fleet.openapi.types.model import SchemaModel, SchemaRoot, SchemaType
from fleet.openapi.types.plain import untyped
from fleet.openapi.types.registry import Types

__all__ = ["SchemaModel", "SchemaRoot", "SchemaType", "Types", "untyped"]
