"""Typed values on their way out: what is sent has no types."""

from __future__ import annotations

import sys
from typing import Any


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
