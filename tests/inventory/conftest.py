"""Readers of inventories written by a test: the targets, the counts, what was reported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `serving`, beside this file

from fleet.errors import InventoryError
from fleet.inventory import Inventory, InventoryOptions, read_targets
from fleet.target import Target


class Reading:
    """Everything one inventory gave: targets, reported errors, counts."""

    def __init__(self, inventory: Inventory, errors: list[InventoryError]) -> None:
        self.targets: list[Target] = list(inventory)
        self.errors = errors
        self.counts = inventory.counts

    @property
    def urls(self) -> list[str]:
        return [target.url for target in self.targets]

    @property
    def messages(self) -> list[str]:
        return [str(error).partition("\n")[0] for error in self.errors]


@pytest.fixture
def read() -> Callable[..., Reading]:
    """Read sources with options given by name."""

    def read_all(sources: str | Sequence[str], **options: Any) -> Reading:
        errors: list[InventoryError] = []
        names = [sources] if isinstance(sources, str) else sources
        return Reading(read_targets(names, options=InventoryOptions(**options), report=errors.append), errors)

    return read_all


@pytest.fixture
def read_text(read: Callable[..., Reading]) -> Callable[..., Reading]:
    """Read a text inventory from standard input."""

    def read_stdin(text: str | bytes, **options: Any) -> Reading:
        data = text.encode() if isinstance(text, str) else text
        return read("-", stdin=BytesIO(data), **options)

    return read_stdin


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    """Write a file below tmp_path and give its path."""

    def write_file(name: str, text: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return write_file


@pytest.fixture
def target() -> Callable[..., Target]:
    """A target with everything defaulted."""

    def make(url: str = "https://10.0.0.1", **fields: Any) -> Target:
        return replace(Target(id=url, url=url), **fields)

    return make
