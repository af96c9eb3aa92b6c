"""Runs fleet over published descriptions: `make corpus`, `python tests/corpus/run.py [--all] [PACKAGE ...]`.

Downloads what `packages.toml` lists (all packages, or those that are named), does with each description all
that can be done with one (`touch.py`), gives it to each `fleet spec` command (`commands.py`), and writes
`docs/reference/corpus.md` when no package was left out. At most 60 descriptions of a package are read, evenly
spread; with `--all` every one. `JOBS` (2) are read at a time. Exits with 1 where fleet has a defect: an error
of any kind but the description's own, a process that died, a command that ended with an internal error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import commands
from fetch import FetchError, Package, directory, documents, fetched, listed
from isolate import each
from page import MANY, written
from touch import Touch

_SMALL = b"""{"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {
  "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}
}}}}"""
LARGE = 20_000_000  # bytes of a description that is not given to the commands: eight readings
FEW = 10  # descriptions of a package that are all given to the commands; of others each fifth
SAMPLED = 5
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "corpus.md"


def main(names: list[str]) -> int:
    started = time.monotonic()
    into = directory()
    jobs = int(os.environ.get("JOBS", "2"))
    everything = "--all" in names
    names = [name for name in names if name != "--all"]
    packages = [package for package in listed() if not names or package.name in names]
    tasks = list(_tasks(packages, into, everything=everything))
    results: dict[Path, dict[str, Any]] = {}
    _warm()
    print(
        f"{sum(1 for task in tasks if not task.commands)} descriptions of {len(packages)} packages",
        flush=True,
    )
    whole = not names
    try:
        for number, (task, found) in enumerate(each(tasks, _done, jobs=jobs), 1):
            result = results.setdefault(task.path, task.about())
            if task.commands and "died" in found:
                found = {"internal": [f"fleet spec: {found['died']}"]}
            result.update(found)
            if defects(found):
                print(f"{result['package']} {result['path']}: {defects(found)[0]}", flush=True)
            if number % 200 == 0:
                print(f"{number} of {len(tasks)}, {time.monotonic() - started:.0f} s", flush=True)
    except KeyboardInterrupt:
        print("stopped early: the page stays as it is", flush=True)
        whole = False
    kept = into / "results.jsonl"
    kept.write_text("".join(json.dumps(result) + "\n" for result in results.values()), encoding="utf-8")
    if whole:
        text = written(list(results.values()), everything=everything)
        PAGE.write_text(text, encoding="utf-8")
    bad = sum(1 for result in results.values() if defects(result))
    print(f"{len(results)} descriptions, {bad} with defects of fleet, {time.monotonic() - started:.0f} s")
    print(f"each in {kept}")
    return 1 if bad else 0


@dataclass(frozen=True, slots=True)
class Task:
    """One description, and what is done with it: everything, or the commands."""

    package: Package
    root: Path
    path: Path
    commands: bool

    def about(self) -> dict[str, Any]:
        where = self.path.relative_to(self.root).as_posix()
        return {"package": str(self.package), "path": where, "bytes": self.path.stat().st_size}


def _warm() -> None:
    """Imports here what forks would each import again."""
    for name in (
        "fleet.cli.entry",
        "fleet.cli.commands.spec",
        "fleet.config",
        "fleet.cli.render.operation",
        "fleet.observe",
    ):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.json")
        small.write_bytes(_SMALL)
        Touch(small.parent, small).everything()


def _tasks(packages: list[Package], into: Path, *, everything: bool) -> Iterator[Task]:
    for package in packages:
        try:
            root = fetched(package, into)
        except FetchError as error:
            sys.exit(f"{error}")
        found = documents(package, root)
        if len(found) > MANY and not everything:
            found = found[:: -(-len(found) // MANY)]
        step = 1 if len(found) <= FEW else SAMPLED
        for number, path in enumerate(found):
            yield Task(package, root, path, commands=False)
            if number % step == 0 and path.stat().st_size <= LARGE:
                yield Task(package, root, path, commands=True)


def _done(task: Task) -> dict[str, Any]:
    return commands(task.path) if task.commands else Touch(task.root, task.path).everything()


def defects(result: dict[str, Any]) -> list[str]:
    """What is wrong with fleet, not with the description."""
    died = [result["died"]] if "died" in result else []
    return [*died, *result.get("errors", {}).get("defect", []), *result.get("internal", [])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
