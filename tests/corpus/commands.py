"""Each `fleet spec` command over one description: none may end with an internal error, whatever it reads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleet.cli import main
from fleet.errors import FleetError
from fleet.openapi import load

INTERNAL = 70


def commands(path: Path) -> dict[str, Any]:
    """Exit statuses by command, and what those said that ended with an internal error. Standard output and
    standard error of this process are gone afterwards: it is meant to be a fork."""
    os.environ["FLEET_DEBUG"] = "1"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    statuses: dict[str, int] = {}
    said: list[str] = []
    for words in _lines(path):
        with tempfile.TemporaryFile() as errors:
            os.dup2(errors.fileno(), 2)
            name = f"convert to {words[-1]}" if words[0] == "convert" else words[0]
            status = statuses[name] = main(["spec", *words])
            if status == INTERNAL:
                errors.seek(0)
                text = errors.read().decode(errors="replace").strip().splitlines()
                said.append(f"fleet spec {words[0]}: " + " | ".join(line.strip() for line in text[-9:]))
    return {"commands": statuses, "internal": said}


def _lines(path: Path) -> Iterator[list[str]]:
    source = str(path)
    yield ["validate", "-C", "-l", "-v", source]
    yield ["operations", source]
    yield ["tags", source]
    yield ["convert", source, "--to", "json"]
    yield ["convert", source, "--to", "yaml"]
    yield ["convert", source, "--to", "3.1"]
    yield ["diff", source, source]
    try:
        document = load(source=source, reader=lambda uri: Path(uri).read_bytes())
    except (FleetError, OSError):
        return
    for operation in list(document.operations.values())[:1]:
        named = f"{operation.method} {operation.template}"
        yield ["show", source, named]
        yield ["reduce", source, "-k", named]
