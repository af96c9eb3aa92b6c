"""Descriptions for tests: a small one as a function of what a test is about, and the published data."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.openapi import Document, load

sys.path.insert(0, str(Path(__file__).parent))  # for `hostile` and `judged`


def description(paths: dict[str, Any], version: str = "3.1.0", **rest: Any) -> bytes:
    return orjson.dumps({"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **rest})


@pytest.fixture
def make() -> Callable[..., Document]:
    """A document with the given paths and other top-level keys."""

    def made(paths: dict[str, Any], version: str = "3.1.0", reader: Any = None, **rest: Any) -> Document:
        return load(description(paths, version, **rest), source="/d/api.json", reader=reader)

    return made


@pytest.fixture
def operation(make: Callable[..., Document]) -> Callable[..., Any]:
    """`GET /p` (or another template) with the given parameters."""

    def made(*parameters: dict[str, Any], template: str = "/p", **rest: Any) -> Any:
        node = {"parameters": list(parameters), "responses": {}, **rest}
        return make({template: {"get": node}}).operation((template, "get"))

    return made


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of published documents; tests that need it skip without it."""
    given = os.environ.get("FLEET_SHARED")
    path = Path(given) if given else Path(__file__).parents[2] / ".." / "shared"
    if not (path / "data").is_dir():
        pytest.skip("the published documents are not here")
    return path.resolve()
