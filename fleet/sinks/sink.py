"""What the scan loop asks of a sink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fleet.outcome import Outcome


class Sink(Protocol):
    """Takes outcomes in batches. Every method may block (it is called in a thread, never two at once) and
    raises SinkError when it cannot do what it promises."""

    def open(self) -> None:
        """Make ready to write. What an earlier run left there stays."""
        ...

    def write(self, outcomes: Sequence[Outcome], lines: Sequence[bytes]) -> None:
        """Hand a batch to the operating system. `lines` are their JSON, each ends in a newline."""
        ...

    def flush(self) -> None:
        """Make what was written survive a power loss."""
        ...

    def close(self) -> None:
        """Flush and let go. Closing twice is fine."""
        ...
