"""What the description makes of an answer: whether it breaks its schema, and its type."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, cast

import anyio

from fleet.client.calls.answer import documented
from fleet.client.message import Reply
from fleet.errors import RequestFailed, SpecError
from fleet.openapi import is_json
from fleet.outcome import FailureKind

if TYPE_CHECKING:
    from fleet.client.calls.conversation import Conversation
    from fleet.client.errors import HTTPStatusError
    from fleet.openapi import Place
    from fleet.policy import Validate

Violations: TypeAlias = tuple[tuple[str, str], ...]
_MAX_SHOWN = 10
_INDEX = re.compile(r"/[0-9]+(?=/|\Z)")
_LOGGER = logging.getLogger("fleet.OpenAPI")


class Verdict:
    """The final answer of one conversation, as its description has it."""

    __slots__ = ("_document", "_of", "_operation", "_reply", "_validate")

    def __init__(self, conversation: Conversation) -> None:
        self._of = conversation
        self._operation = conversation.described
        self._document = conversation.api.document
        self._reply = cast(Reply, conversation.reply)
        self._validate: Validate = conversation.api._sessions.validate

    @property
    def content_type(self) -> str:
        """What the answer says it is, else what the operation documents; empty where neither tells."""
        said, operation = self._reply.header("content-type") or "", self._operation
        return said or ("" if operation is None else documented(operation, self._reply.status))

    def schema(self) -> Place | None:
        """The schema that the answer is typed by; None where it stays as it was decoded: what is no JSON, and
        where nothing is documented."""
        operation = None if self._validate == "off" else self._operation
        if operation is None or not self._reply.body or self._reply.status == 204:
            return None
        kind = _bare(self.content_type)
        return operation.answer_schema(self._reply.status, kind) if is_json(kind) else None

    def item_schema(self) -> Place | None:
        """The schema of each item of a sequence."""
        if self._validate == "off" or self._operation is None:
            return None
        return self._operation.item_schema(self._reply.status, self.content_type)

    def typed(self, value: object, schema: Place | None) -> object:
        """A decoded value as the type of its schema. Raises `SchemaMismatch` where it breaks it and is to
        `fail`; with `warn` it is the best that can be made of it."""
        if schema is None:
            if said := self._unpromised:
                self._mismatched(said, ())
            return value
        violations = self._document.types.violations(schema, value)
        if violations:
            self._mismatched(_described(violations), violations)
        try:
            return self._document.types.typed(schema, value)
        except RecursionError:
            deep = RequestFailed(FailureKind.BODY_TOO_DEEP, "the answer is nested too deeply to be typed")
            raise self._of.unread(deep, "schema") from None

    async def awaited(self, value: object, schema: Place | None) -> object:
        """`typed`; the first of its kind in a thread."""
        if self._ready(schema):
            return self.typed(value, schema)
        return await anyio.to_thread.run_sync(self.typed, value, schema)

    def explain(self, failed: HTTPStatusError) -> None:
        """Gives the data of a status that is an error the type that is documented for it. What breaks that,
        or cannot be typed, stays as it was decoded: the status is the news."""
        with suppress(SpecError, RequestFailed, RecursionError):
            schema = None if isinstance(failed.data, bytes) else self.schema()
            if schema is not None and not self._document.types.violations(schema, failed.data):
                failed.data = self._document.types.typed(schema, failed.data)

    async def explained(self, failed: HTTPStatusError) -> None:
        """`explain`, in a thread where that compiles."""
        if self._ready(self.schema()):
            self.explain(failed)
        else:
            await anyio.to_thread.run_sync(self.explain, failed)

    def _ready(self, schema: Place | None) -> bool:
        """Whether typing reads no file, compiles and imports nothing: else it belongs in a thread."""
        has_types = "types" in vars(self._document)
        if schema is None:
            return has_types or not self._unpromised
        return has_types and self._document.types.judge.knows(schema)

    @property
    def _unpromised(self) -> str:
        """What is wrong with the media type of an answer that was read whole: that it is no JSON, where
        nothing else is documented."""
        reply, operation = self._reply, self._operation
        if self._validate == "off" or operation is None or not self._of.whole:
            return ""
        if not reply.body or not 200 <= reply.status < 300:
            return ""
        kind = _bare(reply.header("content-type") or "")
        if not kind or is_json(kind):
            return ""
        promised = operation.media_types(reply.status)
        if not promised or not all(map(is_json, promised)):
            return ""
        return f"the answer is {_printable(kind)}, and the description has only {', '.join(promised)}"

    def _mismatched(self, said: str, violations: Violations) -> None:
        """Raises what it is, or logs the first of each operation of a description."""
        if self._validate == "fail":
            raise self._of.mismatch(said, violations)
        operation = self._of.operation.name
        if self._document.types.first(operation):
            origin, status = self._of.api.endpoint.origin, self._reply.status
            _LOGGER.warning("%s: %s answered %d, and %s", origin, operation, status, said)


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _described(violations: Violations) -> str:
    """Pointers and rules, never values. Pointers hold names that the service chose: no control characters.
    What the items of a list have in common is told once, of the first of them."""
    alike: dict[tuple[str, str], list[str]] = {}
    for pointer, rule in violations:
        alike.setdefault((_INDEX.sub("/0", pointer), _wanted(rule)), []).append(pointer)
    told = [
        f"{_printable(found[0]) or '/'} ({wanted}"
        + (f", and {len(found) - 1} like it)" if len(found) > 1 else ")")
        for (_, wanted), found in islice(alike.items(), _MAX_SHOWN)
    ]
    left = sum(map(len, islice(alike.values(), _MAX_SHOWN, None)))
    return f"the answer breaks its schema at {', '.join(told)}{f' and {left} more' if left else ''}"


def _wanted(rule: str) -> str:
    expected = getattr(rule, "expected", "")
    return f"{rule}: {_printable(expected)}" if expected else rule


def _printable(pointer: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in pointer)[:200]
