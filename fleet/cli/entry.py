"""The command group, loaded lazily, and the process that a command runs in."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

import click

import fleet
from fleet.cli.errors import report_error
from fleet.cli.shell import Shell
from fleet.cli.statuses import HELP, Exit
from fleet.cli.streams import make_usable
from fleet.guess import closest

# A command and its line of help. `scan` is that of `commands/scan.py`, which is imported when it is called.
COMMANDS = {
    "scan": "Ask every target what a spec says, and store one outcome each.",
    "resume": "Go on with a scan that was stopped, or scan its failures again.",
    "merge": "Make one run of the runs of its shards, and say what is missing.",
    "show": "Show the rows of one step of a run.",
    "report": "Say what became of a run: why targets failed, grouped by cause.",
    "checks": "Say what passed and what failed the checks of a run.",
    "diff": "Say what changed from one run to another, or strays inside one.",
    "baseline": "Keep runs under a name, to compare later ones with.",
    "conformance": "Say which machines deviate from the API description, and how.",
    "explain": "Tell the story of one target of a run.",
    "query": "Ask runs a question in SQL.",
    "convert": "Write runs as SQLite, CSV, Parquet or DuckDB.",
    "export": "Show what NetBox would have to change; change nothing.",
    "runs": "List the runs, newest first.",
    "check": "Check spec, inventory and credentials; nothing is scanned.",
    "call": "Call one operation on one target and print its JSON.",
    "spec": "Check, show, compare, reduce and convert API descriptions.",
    "inventory": "Expand or count an inventory.",
    "tls": "Learn the certificates of targets, to pin them.",
    "serve": "Scan by schedule, answer Prometheus, keep a history.",
    "sim": "Simulate a fleet of hosts on 127/8, faults included.",
    "completion": "Print the script that lets bash, zsh or fish complete commands.",
    "version": "Show the versions of fleet and what it runs on.",
}

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_PYDANTIC_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not when help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"fleet.cli.commands.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"commands/{cmd_name}.py holds no command of that name")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = closest(args[0], COMMANDS)
            if near is None:
                raise _out_of_order(args, ctx) or error from None
            raise click.UsageError(f"{error.message} Did you mean {near!r}?", ctx) from None


def _out_of_order(words: Sequence[str], context: click.Context) -> click.UsageError | None:
    """What to say where the command stands behind its arguments: `fleet hosts.txt scan`."""
    command = next((word for word in words if word in COMMANDS), None)
    if command is None:
        return None
    return click.UsageError(f"The command comes first: fleet {command} {words[0]}", context)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=HELP,
)
@click.version_option(fleet.__version__, "-V", "--version", message="fleet %(version)s")
def group() -> None:
    """One API description, ten thousand hosts.

    \b
      fleet scan hosts.txt --spec redfish
      fleet scan 10.0.0.0/24 --discover --user root --dry-run
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; a person reads on stderr why it is not 0."""
    with _collecting_rarely(), _ended_by_signals() as received, _without_plugins():
        return _run(arguments, received)


@contextmanager
def _ended_by_signals() -> Iterator[list[int]]:
    """SIGTERM, and the SIGHUP of a terminal that is closed, end a command as Ctrl-C does: what it has put
    aside on disk goes. As the first process of a container it would not end at all otherwise. A scan and a
    service have handlers of their own, and whoever calls this in a program of theirs may have one. Yields the
    signals that came."""
    received: list[int] = []

    def end(number: int, _frame: object) -> NoReturn:
        received.append(number)
        raise SystemExit(128 + number)

    ours = threading.current_thread() is threading.main_thread()
    heeded = [number for number in _ENDING if ours and signal.getsignal(number) is signal.SIG_DFL]
    for number in heeded:
        signal.signal(number, end)
    asked = ours and signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    if asked:  # how a scan stands may be asked before it has begun, and when it is over
        signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
    try:
        yield received
    finally:
        for number in (*heeded, *([signal.SIGUSR1] if asked else ())):
            signal.signal(number, signal.SIG_DFL)


def _run(arguments: Sequence[str] | None, received: Sequence[int]) -> int:
    make_usable()
    shell = Shell()
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if "_FLEET_COMPLETE" in os.environ:
            group.main(given, prog_name="fleet")  # a shell asks for completions
        with group.make_context("fleet", given, obj=shell) as context:
            status = group.invoke(context)
        sys.stdout.flush()
    except BaseException as error:
        if received:  # whatever a library has made of it: that it was interrupted is no error
            return 128 + received[0]
        return report_error(error, shell)
    return int(status) if isinstance(status, int) else Exit.DONE


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """A command that starts makes a few 100,000 objects, nearly all to stay. As often as Python looks through
    them for garbage by default, that is a quarter of the start's CPU time. `scanning.garbage.RareCollections`
    changes that when a scan begins."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, *before[1:])
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@contextmanager
def _without_plugins() -> Iterator[None]:
    """Without this, pydantic looks through all that is installed for plugins of its own before it reads the
    first file: 60 ms, and whatever it finds would see what stands in specs and files of credentials."""
    if _PYDANTIC_PLUGINS in os.environ:
        yield
        return
    os.environ[_PYDANTIC_PLUGINS] = "__all__"
    try:
        yield
    finally:
        os.environ.pop(_PYDANTIC_PLUGINS, None)
