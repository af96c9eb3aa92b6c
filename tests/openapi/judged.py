"""Where a body to be sent breaks its schema, by the lenient reading that answers get, too."""

from __future__ import annotations

from typing import Any

from fleet.openapi import Document, Operation
from fleet.openapi.schema import compile_check


def body_violations(document: Document, operation: Operation, value: Any) -> tuple[tuple[str, str], ...]:
    """(JSON pointer, keyword) pairs; () where the operation takes no body with a schema."""
    schema = operation.body_schema()
    if schema is None:
        return ()
    return compile_check(document.library, schema, document.front.dialect, "body")(value)
