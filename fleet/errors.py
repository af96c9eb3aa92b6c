"""Every error that fleet raises on purpose.

    FleetError
    ├── UsageError                the request cannot be carried out as asked          exit 2
    │   ├── SpecError             a spec file or an API description is wrong (file, line, column)
    │   ├── InventoryError        a line of an inventory is wrong (file, line)
    │   ├── ConfigError           an option, an auths file or a proxy definition is wrong
    │   └── SecretError           a named secret cannot be read (names the secret, never its value)
    ├── SinkError                 a sink or the journal cannot be written             exit 74
    ├── TryAgain                  stopped early, or another scan holds the run         exit 75
    └── RequestFailed             one exchange with one target failed: carries a `FailureKind`

Failures of targets are data (`fleet.outcome.Failure`); errors are exceptions. `RequestFailed` is the one
bridge: it is raised where the fault is seen, with the kind already decided there, and becomes a
`Failure` where the target's outcome is made. All of them pickle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.outcome import FailureKind


class FleetError(Exception):
    """The root: catch this to catch everything that fleet raises on purpose."""


class UsageError(FleetError):
    """The request cannot be carried out as asked: nothing was sent and nothing was written."""


class PlacedError(UsageError):
    """A usage error that knows where in a file it stands.

    `str()` reads `file:line:column: message (at #/pointer)` with what is known of the place, then the hint
    on a line of its own. Lines and columns count from 1; `pointer` is a JSON pointer into the file.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
        pointer: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint
        self.pointer = pointer

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        text = f"{place}: {self.message}" if place else self.message
        if self.pointer is not None:
            text = f"{text} (at #{self.pointer})"
        return f"{text}\n  {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self.message, self.file, self.line, self.column, self.hint, self.pointer)
        return _restore_placed, (type(self), *state)


def _restore_placed(
    cls: type[PlacedError],
    message: str,
    file: str | None,
    line: int | None,
    column: int | None,
    hint: str | None,
    pointer: str | None = None,
) -> PlacedError:
    return cls(message, file=file, line=line, column=column, hint=hint, pointer=pointer)


class SpecError(PlacedError):
    """A spec file or an API description is wrong."""


class InventoryError(PlacedError):
    """A line of an inventory is wrong."""


class ConfigError(PlacedError):
    """An option, an auths file or a proxy definition is wrong."""


class SecretError(PlacedError):
    """A named secret cannot be read. The message names the secret and never holds its value."""


class SinkError(FleetError):
    """A sink or the journal cannot be written: the scan ends, what is stored stays true."""


class TryAgain(FleetError):
    """Nothing is broken: the scan was stopped early, or another scan holds the run directory."""


class RequestFailed(FleetError):
    """One exchange with one target failed.

    `kind` is decided where the fault is seen. `status` is the HTTP status when an answer was read;
    `retry_after` is the wait that the target asked for, in seconds; `fresh` is false when the fault
    struck a kept-alive connection before one byte of the answer (such a request may be sent again);
    `attempts` counts the tries of the request, `operation` names what it asked for, where that is known.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        fresh: bool = True,
        attempts: int = 1,
        operation: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.fresh = fresh
        self.attempts = attempts
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        more = {
            name: getattr(self, name) for name in ("status", "retry_after", "fresh", "attempts", "operation")
        }
        return _restore_request_failed, (self.kind, self.message, more)


def _restore_request_failed(kind: FailureKind, message: str, more: Mapping[str, Any]) -> RequestFailed:
    return RequestFailed(kind, message, **more)
