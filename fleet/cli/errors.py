"""The one place where errors become messages and exit statuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import click

from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit
from fleet.cli.streams import drop_output
from fleet.errors import FleetError, RequestFailed, SinkError, TryAgain, UsageError
from fleet.observe import safe

_OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_NO_PLACE = frozenset({errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EIO})
_NO_THREAD = "can't start new thread"  # and these two messages of RuntimeError have no classes
_HOMELESS = "Could not determine home directory."


def report_error(error: BaseException, shell: Shell) -> int:
    """Say on stderr why a command failed; the exit status."""
    error = _worst(error)
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            shown = StringIO()
            error.show(file=shown)
            shell.complain(shown.getvalue().rstrip().replace("\n\t", " "))  # choices, which click lists
            return Exit.CANNOT_RUN
        case KeyboardInterrupt() | click.Abort():
            return Exit.INTERRUPTED
        case SystemExit():
            return error.code if isinstance(error.code, int) else Exit.FINDINGS
        case BrokenPipeError():
            drop_output()  # whoever read it has seen enough
            return Exit.DONE
        case UsageError():
            shell.complain(f"fleet: {error}")
            return Exit.CANNOT_RUN
        case SinkError():
            drop_output()
            shell.complain(f"fleet: {error}")
            return Exit.UNWRITABLE
        case TryAgain():
            shell.complain(f"fleet: {error}")
            return Exit.TRY_AGAIN
        case RequestFailed():
            shell.complain(f"fleet: {error}\n  {error.kind.hint}")
            return Exit.FINDINGS
        case FleetError():
            shell.complain(f"fleet: {error}")
            return Exit.CANNOT_RUN
        case MemoryError() | OSError() | RuntimeError():
            return _report_system(error, shell)
        case _:
            return _report_bug(error, shell)


def _report_system(error: Exception, shell: Shell) -> int:
    """What this machine does not give: memory, descriptors, a directory. Anything else is a bug."""
    match error:
        case MemoryError():
            shell.complain(
                "fleet: there is no memory left for it (ulimit -v, or the limit of a container)\n"
                "  what a scan has stored is whole: fleet resume goes on, with -c or --workers set lower"
            )
            return Exit.TRY_AGAIN
        case FileNotFoundError() if _working_directory_is_gone():
            shell.complain("fleet: the working directory is there no more: change to another")
            return Exit.CANNOT_RUN
        case OSError() if error.errno in _OUT_OF_FILES:
            shell.complain(
                "fleet: too many files are open, here or in all of this machine (ulimit -n)\n"
                "  what a scan has stored is whole: fleet resume goes on, with -c or --workers set lower"
            )
            return Exit.TRY_AGAIN
        case RuntimeError() if str(error) == _NO_THREAD:
            shell.complain(
                "fleet: no further thread may be started (ulimit -u, TasksMax=, the limit of a container)\n"
                "  raise that limit; what a scan has stored is whole: fleet resume goes on"
            )
            return Exit.TRY_AGAIN
        case OSError() if error.errno in _NO_PLACE and error.filename is not None:
            shell.complain(f"fleet: cannot use {safe(error.filename)}: {error.strerror}")
            return Exit.CANNOT_RUN
        case RuntimeError() if str(error) == _HOMELESS:
            shell.complain(
                "fleet: a path begins with ~, and there is no such user or no home\n"
                "  set HOME, or write the path in full"
            )
            return Exit.CANNOT_RUN
        case _:
            return _report_bug(error, shell)


def _working_directory_is_gone() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _report_bug(error: BaseException, shell: Shell) -> int:
    """One line about a bug; its traceback only where it was asked for. Secrets known by then are masked."""
    import traceback

    if os.environ.get("FLEET_DEBUG") == "1":
        shell.complain("".join(traceback.format_exception(error, chain=True)))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    shell.complain(
        f"fleet: internal error: {type(error).__name__}: {safe(error)}{place}\n"
        "  this is a bug; FLEET_DEBUG=1 shows the traceback"
    )
    return Exit.INTERNAL


def _worst(error: BaseException) -> BaseException:
    """What to speak of when several things failed together: a bug before a sink, a sink before the rest."""
    leaves = list(_leaves(error))
    expected = (FleetError, click.ClickException, BrokenPipeError)
    bugs = [leaf for leaf in leaves if isinstance(leaf, Exception) and not isinstance(leaf, expected)]
    kinds = (SinkError, UsageError, FleetError)
    ranked = bugs + [leaf for kind in kinds for leaf in leaves if isinstance(leaf, kind)]
    return (ranked or leaves)[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
