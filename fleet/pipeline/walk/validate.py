"""Answers judged by their schemas. Validators are compiled in a thread, once per operation and scan."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from fleet.openapi import Document, Operation
    from fleet.pipeline.plan import Plan


class Validators:
    """Shared by all targets of a scan, in one event loop. `wanted` says whether answers are judged, `fail`
    whether a violation costs the resource; `ready` names the operations that can judge."""

    def __init__(self, plan: Plan) -> None:
        self._document: Document = plan.document
        self._server_path = plan.document.server_path
        self.wanted: bool = plan.settings.validate != "off"
        self.fail: bool = plan.settings.validate == "fail"
        self.ready: set[str] = set()
        self._lock: anyio.Lock | None = None
        self._compiling = threading.Lock()  # a target whose time is over leaves its thread at work

    def operation_at(self, method: str, uri: str, base_path: str) -> Operation | None:
        """What the answer to a followed link is judged by: the operation whose template its path leads to,
        below a base path and that of the description's server. None where it leads to none."""
        path = uri.partition("?")[0].removeprefix(base_path).removeprefix(self._server_path)
        return self._document.route(method, path)

    async def compile(self, operation: Operation) -> None:
        """Make an operation ready. It reads schema files and takes milliseconds of CPU: not in the loop."""
        if self._lock is None:
            self._lock = anyio.Lock()
        async with self._lock:
            if operation.name not in self.ready:
                await anyio.to_thread.run_sync(self._compile, operation)
                self.ready.add(operation.name)

    def _compile(self, operation: Operation) -> None:
        with self._compiling:
            operation.compile(validate=True)
