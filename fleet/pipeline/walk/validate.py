"""Answers judged by their schemas. Validators are compiled in a thread, once per operation and scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from fleet.client import Reply
    from fleet.openapi import Document, Operation
    from fleet.pipeline.plan import Plan


class Validators:
    """Shared by all targets of a scan, in one event loop."""

    def __init__(self, plan: Plan) -> None:
        self._document: Document = plan.document
        self._mode = plan.settings.validate
        self._ready: set[str] = set()
        self._lock: anyio.Lock | None = None

    @property
    def server_path(self) -> str:
        """The path of the description's server: a part of every path it describes."""
        return self._document.server_path

    @property
    def wanted(self) -> bool:
        """Whether answers are judged at all."""
        return self._mode != "off"

    @property
    def fail(self) -> bool:
        """Whether a violation costs the resource."""
        return self._mode == "fail"

    async def violations(
        self, operation: Operation | None, method: str, path: str, reply: Reply, value: Any
    ) -> tuple[tuple[str, str], ...]:
        """(JSON pointer, rule) of each mismatch. A followed link is judged by the operation that its path
        leads to; one that leads to none is not judged."""
        judged = operation or self._document.route(method, path)
        if judged is None:
            return ()
        if judged.name not in self._ready:
            await self._compile(judged)
        return judged.violations(reply.status, reply.header("content-type"), value)

    async def _compile(self, operation: Operation) -> None:
        """Compiling reads schema files and takes milliseconds of CPU: not in the loop."""
        if self._lock is None:
            self._lock = anyio.Lock()
        async with self._lock:
            if operation.name not in self._ready:
                await anyio.to_thread.run_sync(_compiled, operation)
                self._ready.add(operation.name)


def _compiled(operation: Operation) -> None:
    operation.compile(validate=True)
