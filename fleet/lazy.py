"""Lazy imports (PEP 562): names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any


def load_lazily(package: str, homes: Mapping[str, Iterable[str]]) -> None:
    """Has names of a package imported when they are first used, each from its home, a module inside it:
    `load_lazily(__name__, {"runs": ("find_run", "list_runs")})`.

    They are in its `dir()` from the start; any other name raises AttributeError, as ever.
    """
    door = sys.modules[package]
    home_of = {name: home for home, names in homes.items() for name in names}

    def found(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home_of[name]}"), name)
        setattr(door, name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(door), *home_of})

    door.__dict__.update(__getattr__=found, __dir__=listed)
