"""The exit statuses of every command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with. The numbers are public: scripts and units branch on them."""

    DONE = 0
    FINDINGS = 1  # what --fail-on asks for; a request that failed; differences
    CANNOT_RUN = 2  # usage, spec, inventory, config
    INTERNAL = 70
    UNWRITABLE = 74  # a sink or the journal
    TRY_AGAIN = 75  # stopped early and resumable, or another scan holds the run
    INTERRUPTED = 130  # forced stop by SIGINT
    TERMINATED = 143  # forced stop by SIGTERM


HELP = """\b
Exit status:
  0         done
  1         findings (see --fail-on)
  2         cannot run: usage, spec, inventory
  70        internal error
  74        a result cannot be written
  75        stopped early; fleet resume goes on
  129, 130, 143  ended by a signal"""
