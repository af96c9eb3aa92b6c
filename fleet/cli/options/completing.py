"""What Tab offers: runs, steps, labels, specs, pipelines, operations and kinds.

A shell waits for the answer, so each completer reads as little as it can, and imports what it needs late;
whatever goes wrong is no answer, and says nothing.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

RUNS = 50  # newest runs offered
READ = 4 * 1024 * 1024  # bytes of a file that are looked at
LOOKED = 20  # outcomes in which labels are looked for
_OWN = ("id=", "url=", "host=", "auth=", "proxy=")  # what a condition names of every target
_TOP = re.compile(r"^(\w+):", re.MULTILINE)
_NAME = re.compile(r"^  ([\w.-]+):", re.MULTILINE)
_OPERATION = re.compile(r"""^\s*-?\s*"?operationId"?\s*:\s*['"]?([\w.-]+)""", re.MULTILINE)

Offers = Callable[[click.Context], Iterable[str]]
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def offering(*, listed: bool = False, files: bool = False) -> Callable[[Offers], Completer]:
    """Make a completer of a function that gives the words. `listed`: several may stand in one value, behind
    commas; `files`: where none fits, paths are offered."""

    def make(offers: Offers) -> Completer:
        @functools.wraps(offers)
        def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
            before, comma, last = incomplete.rpartition(",") if listed else ("", "", incomplete)
            try:
                words = [word for word in offers(ctx) if word.startswith(last)]
            except Exception:
                words = []
            items = [CompletionItem(f"{before}{comma}{word}") for word in words]
            return items or [CompletionItem(incomplete, type="file")] if files else items

        return complete

    return make


@offering(files=True)
def runs(_ctx: click.Context) -> Iterable[str]:
    """`latest`, `previous`, and the newest runs by name."""
    from fleet.engine import known_folder

    folder = known_folder()
    if folder is None:
        return []
    names = sorted((path.name for path in folder.iterdir() if not path.is_symlink()), reverse=True)
    return ["latest", "previous", *islice((name for name in names if name[:1] != "."), RUNS)]


@offering()
def steps(_ctx: click.Context) -> Iterable[str]:
    """The steps of the run that the command line names."""
    return list(_summary().get("steps", {}))


@offering(listed=True)
def labels(_ctx: click.Context) -> Iterable[str]:
    """The labels of the run's first targets."""
    return _labels()


@offering(listed=True)
def conditions(_ctx: click.Context) -> Iterable[str]:
    """How a condition begins: what every target has, and the labels of the latest run's first targets."""
    with suppress(Exception):
        return [*(f"{name}=" for name in _labels()), *_OWN]
    return _OWN


@offering(listed=True)
def columns(_ctx: click.Context) -> Iterable[str]:
    """The outputs of the step that the command line names."""
    words, found = os.environ.get("COMP_WORDS", "").split()[2:], dict[str, None]()
    for outcome in _outcomes():
        for step, held in (outcome.get("steps") or {}).items():
            for row in held.get("rows", ())[:LOOKED] if step in words else ():
                found.update(dict.fromkeys(row))
    return found


@offering(listed=True)
def kinds(_ctx: click.Context) -> Iterable[str]:
    """Failure kinds, their classes, and `all`."""
    from fleet.outcome import FailureKind

    every = [kind.value for kind in FailureKind]
    return ["all", *dict.fromkeys(kind.partition(".")[0] for kind in every), *every]


@offering(files=True)
def specs(_ctx: click.Context) -> Iterable[str]:
    """The specs that come with fleet."""
    from fleet.config import list_builtin_specs

    return list_builtin_specs()


@offering()
def pipelines(ctx: click.Context) -> Iterable[str]:
    """The pipelines of the spec that the command line names: its keys are read, and nothing is checked."""
    return _NAME.findall(_section(_spec(ctx), "pipelines"))


@offering()
def operations(ctx: click.Context) -> Iterable[str]:
    """The operations of the description behind that spec."""
    spec = _spec(ctx)
    api = re.search(r"^api:\s*['\"]?([^'\"#\s]+)", spec.read_text(encoding="utf-8"), re.MULTILINE)
    description = spec.parent / api[1] if api is not None else spec
    with description.open(encoding="utf-8") as file:
        return sorted(set(_OPERATION.findall(file.read(READ))))


def _labels() -> dict[str, None]:
    return {name: None for outcome in _outcomes() for name in outcome.get("labels") or {}}


def _outcomes() -> Iterable[dict[str, Any]]:
    """The first outcomes of the run."""
    with (_run() / "outcomes.jsonl").open("rb") as lines:
        return [json.loads(line[:READ]) for line in islice(lines, LOOKED)]


def _run() -> Path:
    """The run that the command line names, else the latest. An option whose value is being completed keeps
    click from telling which word was the run: the first that names one is it."""
    from fleet.engine import find_run
    from fleet.errors import UsageError

    for word in os.environ.get("COMP_WORDS", "").split()[2:]:
        with suppress(UsageError):
            return find_run(word)
    return find_run("latest")


def _summary() -> dict[str, Any]:
    with (_run() / "summary.json").open("rb") as file:
        summary = json.loads(file.read(READ))
    return summary if isinstance(summary, dict) else {}


def _spec(ctx: click.Context) -> Path:
    """The spec's file."""
    from fleet.config import list_builtin_specs

    name = str(ctx.params.get("spec") or "redfish")
    return list_builtin_specs().get(name) or Path(name)


def _section(path: Path, name: str) -> str:
    """What stands below a key of the topmost level of a YAML file."""
    text = path.read_text(encoding="utf-8")[:READ]
    keys = [*_TOP.finditer(text)]
    for at, key in enumerate(keys):
        if key[1] == name:
            return text[key.end() : keys[at + 1].start() if at + 1 < len(keys) else len(text)]
    return ""
