"""Answers as the types of their schemas."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from fleet.openapi import is_json

if TYPE_CHECKING:
    from fleet.client.calls.conversation import Conversation
    from fleet.client.errors import HTTPStatusError
    from fleet.openapi import Document, Operation, Place

Violations: TypeAlias = tuple[tuple[str, str], ...]
_MAX_SHOWN = 10
_LOGGER = logging.getLogger("fleet.OpenAPI")


def schema_of(operation: Operation, status: int, content_type: str) -> Place | None:
    """The schema that an answer is typed by; None for what is no JSON, and where nothing is documented."""
    kind = content_type.partition(";")[0].strip().lower()
    if not is_json(kind):
        return None
    return operation.answer_schema(status, kind)


def is_ready(document: Document, schema: Place) -> bool:
    """Whether typing reads no file and compiles nothing: else it belongs in a thread."""
    return "types" in vars(document) and document.types.judge.knows(schema)


async def typed_value(conversation: Conversation, value: object, schema: Place | None) -> object:
    """`Conversation.typed`; the first answer of its kind is typed in a thread."""
    if conversation.ready(schema):
        return conversation.typed(value, schema)
    return await anyio.to_thread.run_sync(conversation.typed, value, schema)


async def explained(conversation: Conversation, failed: HTTPStatusError) -> HTTPStatusError:
    """`Conversation.explain`, in a thread where that compiles."""
    if conversation.ready(conversation.schema()):
        conversation.explain(failed)
    else:
        await anyio.to_thread.run_sync(conversation.explain, failed)
    return failed


def described(violations: Violations) -> str:
    """Pointers and rules, never values. Pointers hold names that the service chose: no control characters."""
    shown = ", ".join(
        f"{_printable(pointer) or '/'} ({_wanted(rule)})" for pointer, rule in violations[:_MAX_SHOWN]
    )
    more = f" and {len(violations) - _MAX_SHOWN} more" if len(violations) > _MAX_SHOWN else ""
    return f"the answer breaks its schema at {shown}{more}"


def _wanted(rule: str) -> str:
    expected = getattr(rule, "expected", "")
    return f"{rule}: {_printable(expected)}" if expected else rule


def unpromised(operation: Operation, status: int, content_type: str) -> str:
    """What is wrong with an answer's media type: that it is no JSON, where nothing else is documented."""
    kind = content_type.partition(";")[0].strip().lower()
    if not kind or is_json(kind):
        return ""
    promised = operation.media_types(status)
    if not promised or not all(map(is_json, promised)):
        return ""
    return f"the answer is {_printable(kind)}, and the description has only {', '.join(promised)}"


def warn_once(document: Document, operation: str, target: str, status: int, said: str) -> None:
    """Logs the first mismatch of each operation of a description."""
    if document.types.first(operation):
        _LOGGER.warning("%s: %s answered %d, and %s", target, operation, status, said)


def untyped(value: Any) -> Any:
    """What is to be sent without the types: dumped by JSON names, as far as it was set."""
    if not value or isinstance(value, str | bytes) or "pydantic" not in sys.modules:
        return value  # no type was ever made
    from fleet.openapi import untyped as plain  # noqa: PLC0415  (pydantic)

    return plain(value)


def is_loaded() -> bool:
    """Whether `untyped` imports nothing. What it needs is there as soon as one type was asked for."""
    return "pydantic" not in sys.modules or "fleet.openapi.types.registry" in sys.modules


def load_types() -> None:
    """Imports what `untyped` needs: in a thread, where there is an event loop."""
    from fleet.openapi import untyped as plain  # noqa: F401, PLC0415


def _printable(pointer: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in pointer)[:200]
