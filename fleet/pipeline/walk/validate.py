"""Answers judged by their schemas. Validators are compiled in a thread, once per operation and scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from fleet.openapi import Document, Operation
    from fleet.pipeline.plan import Plan


class Validators:
    """Shared by all targets of a scan, in one event loop. `fail` says whether a violation costs the resource;
    `ready` names the operations that can judge."""

    def __init__(self, plan: Plan) -> None:
        self._document: Document = plan.document
        self._server_path = plan.document.server_path
        self._wanted = plan.settings.validate != "off"
        self.fail: bool = plan.settings.validate == "fail"
        self.ready: set[str] = set()
        self._lock: anyio.Lock | None = None

    def operation_of(
        self, operation: Operation | None, method: str, uri: str, base_path: str
    ) -> Operation | None:
        """What an answer is judged by: the operation that was called, for a followed link the one whose
        template its path leads to, below a base path and that of the description's server. None where
        it leads to none, and where judging is off."""
        return self._found(operation, method, uri, base_path) if self._wanted else None

    def name_of(self, operation: Operation | None, method: str, uri: str, base_path: str) -> str:
        """The name of the operation that was called, or that a link leads to; empty where there is none."""
        found = self._found(operation, method, uri, base_path)
        return found.name if found is not None else ""

    def _found(self, operation: Operation | None, method: str, uri: str, base_path: str) -> Operation | None:
        if operation is not None:
            return operation
        path = uri.partition("?")[0].removeprefix(base_path).removeprefix(self._server_path)
        return self._document.route(method, path)

    async def compile(self, operation: Operation) -> None:
        """Make an operation ready. It reads schema files and takes milliseconds of CPU: not in the loop."""
        if self._lock is None:
            self._lock = anyio.Lock()
        async with self._lock:
            if operation.name not in self.ready:
                await anyio.to_thread.run_sync(_compiled, operation)
                self.ready.add(operation.name)


def _compiled(operation: Operation) -> None:
    operation.compile(validate=True)
