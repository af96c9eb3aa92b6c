"""A small API, a spec of it, and options that scan it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.assembly import PreparedScan, ScanOptions, prepare

DESCRIPTION = """
openapi: 3.1.0
info: {title: Lamps, version: "2"}
components: {securitySchemes: {basic: {type: http, scheme: basic}}}
security: [{basic: []}]
paths:
  /lamp: {get: {operationId: getLamp, responses: {"200": {description: fine}}}}
  /rooms: {get: {operationId: getRooms, responses: {"200": {description: fine}}}}
"""
SPEC = """
fleet: "1"
info: {title: Lamps, version: "1"}
api: lamps-api.yaml
dialect: {link: href, items: items, next: next}
defaults: {perTarget: 3, timeout: {connect: 2s, request: 7s, target: 50s}}
steps:
  lamp: {operation: getLamp, outputs: {on: on}}
  rooms: {operation: getRooms, collection: true, outputs: {name: name}}
pipelines:
  all: {default: true, steps: [lamp, rooms], deadline: 90s}
  quick: {steps: [lamp]}
"""

Prepare = Callable[..., PreparedScan]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a spec and its description."""
    (tmp_path / "lamps.yaml").write_text(SPEC)
    (tmp_path / "lamps-api.yaml").write_text(DESCRIPTION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nobody(_prompt: str) -> str:
    raise AssertionError("nobody is to be asked here")


@pytest.fixture
def prepared(folder: Path) -> Prepare:
    """`prepare` for these sources, with any other options."""

    def preparing(*sources: str, at_once: bool = False, **options: Any) -> PreparedScan:
        made = ScanOptions(sources=sources, spec="lamps.yaml", **options)
        return prepare(made, prompt=nobody, at_once=at_once)

    return preparing
