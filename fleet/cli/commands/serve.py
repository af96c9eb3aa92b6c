"""`fleet serve`: scans by schedule, answers over HTTP, keeps a history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.descriptors import raise_descriptor_limit
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.service import Service

ARENAS = 2  # heaps of the C library
_M_ARENA_MAX = -8  # glibc's name for how many there may be

_EXAMPLES = """
fleet serve --config serve.yaml --check
fleet serve --config serve.yaml
curl -X POST http://127.0.0.1:9815/-/reload
"""

_what = section(
    "What to serve",
    option(
        "--config",
        "-f",
        "config",
        type=click.Path(dir_okay=False, path_type=Path),
        required=True,
        metavar="FILE",
        help="Jobs, addresses, where the state is kept (YAML).",
    ),
    option("--check", "check_only", is_flag=True, help="Read FILE and all it names; serve nothing."),
)
_watching = section(
    "Watching",
    option("--quiet", "-q", is_flag=True, help="Say nothing but errors."),
    option("--log-format", type=click.Choice(["console", "json"]), help="[console on a terminal, else json]"),
    option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        show_default=True,
        help="What is logged.",
    ),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@_what
@_watching
@click.pass_obj
def serve(shell: Shell, /, config: Path, check_only: bool, quiet: bool, **given: Any) -> int:
    """Scan by schedule, answer Prometheus, keep a history: until SIGTERM or Ctrl-C.

    FILE names the jobs: what is asked of which targets, and when. Files that change are read anew; one that
    cannot be used leaves what is in force alone. What HTTP offers is listed at /, and in
    docs/reference/service-api.md.
    """
    from fleet.phrases import some
    from fleet.service import check

    _be_deaf_to_reloads()
    shell.quiet = quiet
    ready = check(config)
    shell.redactor.learn(*ready.secrets)
    if check_only:
        for note in ready.notes:
            shell.say(note)
        for job in ready.jobs.values():
            shell.say(f"{job.name}: {', '.join(job.pipelines)} of {some(len(job.members), 'target')}")
        return Exit.DONE
    return _serve(shell, ready, quiet=quiet, **given)


def _serve(shell: Shell, ready: Any, *, quiet: bool, log_format: Any, log_level: str) -> int:
    import gc

    import anyio

    from fleet.observe import configure_logging
    from fleet.service import Service

    level = "error" if quiet else log_level
    log = configure_logging(stream=shell.errors, level=level, form=log_format, redactor=shell.redactor)
    raise_descriptor_limit()
    _share_arenas()
    for note in ready.notes:
        log.warning("config.noted", note=note)

    def announce(started: Service) -> None:
        if shell.errors.isatty():  # elsewhere each line is a record of the log, which has `service.started`
            shell.say(f"serving on {', '.join(started.addresses)}")

    async def run() -> None:
        await Service(ready, log, learn=shell.redactor.learn).run(announce)

    gc.set_threshold(100_000)
    anyio.run(run)
    return Exit.DONE


def _be_deaf_to_reloads() -> None:
    """A SIGHUP that comes before the service hears it asks for what is being done: reading the files."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _share_arenas() -> None:
    """Few heaps for all threads. By default glibc gives each thread one of its own, and in a service whose
    threads come and go what is free in one is of no use to another: 24 MB more in four minutes with 2,000
    targets (`make soak`)."""
    import ctypes
    from contextlib import suppress

    with suppress(OSError, AttributeError):  # another C library has no such heaps
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
