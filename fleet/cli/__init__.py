"""The command line: parses, calls assembly, renders, maps errors to exit statuses."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` default to the process's own. Returns the exit status."""
    from fleet.cli.entry import run

    return run(arguments)
