"""Runs fleet over published descriptions: `make corpus`, or `python tests/corpus/run.py [PACKAGE ...]`.

Downloads what `packages.toml` lists (all of it, or the packages named), does with each description all that
can be done with one (`touch.py`), gives it to each `fleet spec` command (`commands.py`), and writes
`docs/reference/corpus.md` when nothing was left out. Exits with 1 where fleet has a defect: an error of any
kind but the description's own, a process that died, a command that ended with an internal error.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import commands
from fetch import FetchError, Package, directory, documents, fetched, listed
from isolate import each
from page import written
from touch import Touch

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "corpus.md"


def main(names: list[str]) -> int:
    started = time.monotonic()
    into = directory()
    packages = [package for package in listed() if not names or package.name in names]
    tasks = list(_tasks(packages, into))
    print(f"{len(tasks)} descriptions of {len(packages)} packages", flush=True)
    kept = into / "results.jsonl"
    results: list[dict[str, Any]] = []
    with kept.open("w", encoding="utf-8") as file:
        told = {path: found for (_, _, path), found in each(tasks, _commands)}
        for (package, root, path), found in each(tasks, _touch):
            where = path.relative_to(root).as_posix()
            size = path.stat().st_size
            result = {"package": str(package), "path": where, "bytes": size, **told[path], **found}
            results.append(result)
            file.write(json.dumps(result) + "\n")
            if defects(result):
                print(f"{package} {where}: {defects(result)[0]}", flush=True)
    if not names:
        PAGE.write_text(written(results, packages), encoding="utf-8")
    bad = sum(1 for result in results if defects(result))
    print(f"{len(results)} descriptions, {bad} with defects of fleet, {time.monotonic() - started:.0f} s")
    print(f"each in {kept}")
    return 1 if bad else 0


def _tasks(packages: list[Package], into: Path) -> Iterator[tuple[Package, Path, Path]]:
    for package in packages:
        try:
            root = fetched(package, into)
        except FetchError as error:
            sys.exit(f"{error}")
        for path in documents(package, root):
            yield package, root, path


def _touch(task: tuple[Package, Path, Path]) -> dict[str, Any]:
    return Touch(*task[1:]).everything()


def _commands(task: tuple[Package, Path, Path]) -> dict[str, Any]:
    return commands(task[2])


def defects(result: dict[str, Any]) -> list[str]:
    """What is wrong with fleet, not with the description."""
    died = [result["died"]] if "died" in result else result["errors"]["defect"]
    return [*died, *result.get("internal", [])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
