"""Values whose JSON is published: the texts below their fields are what its schema says of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from fleet.frozen import frozen


@frozen(kw_only=True)
class Documented:
    """A frozen value; the texts below its fields are their descriptions in the published schema."""

    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}

    def to_json(self) -> dict[str, Any]:
        """The public JSON object, as `published_schema` says it."""
        return asdict(self)


def published_schema(form: type[Documented], name: str, version: int) -> dict[str, Any]:
    """The JSON Schema of a value as it is written, named and with its version `v`."""
    from pydantic import TypeAdapter  # noqa: PLC0415  (60 ms, for the reference only)

    schema = TypeAdapter(form).json_schema(mode="serialization")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fleet:{name}:{version}",
    }
    schema["properties"]["v"]["const"] = version
    return {**head, **schema}
