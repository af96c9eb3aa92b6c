"""The listeners of a scan: what draws, serves, logs and answers while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import fleet
from fleet.cli.options.watching import View
from fleet.cli.shell import Shell
from fleet.errors import ConfigError
from fleet.frozen import frozen

if TYPE_CHECKING:
    from fleet.assembly import PreparedScan
    from fleet.event import Listener
    from fleet.observe import Metrics, Tally


@frozen
class Watch:
    """The listeners of one scan; `tally` is told first, and stored."""

    listeners: Sequence[Listener]
    tally: Tally
    metrics: Metrics


@contextmanager
def watch(view: View, shell: Shell, prepared: PreparedScan) -> Iterator[Watch]:
    """The listeners that a view asks for, drawing, serving and answering while entered.

    Raises ConfigError when the metrics address cannot be bound, or a file has no directory; SinkError when
    the status file cannot be written.
    """
    _check_directories(view)
    from fleet.cli.scanning.snapshots import Snapshots, keyboard
    from fleet.observe import LogListener, MetricsServer, Outbox, Progress, Tally, configure_logging
    from fleet.report import CausesSoFar

    tally = Tally(plaintext_allowed=prepared.policy.tls.allow_plaintext_credentials)
    metrics = _metrics(view, prepared)
    keys = keyboard(prepared.options.sources)
    with ExitStack() as stack:
        if view.metrics_listen:
            server = stack.enter_context(MetricsServer(metrics.registry, view.metrics_listen))
            shell.say(f"metrics at {server.url}")
        progress = stack.enter_context(
            Progress(
                stream=shell.errors,
                silent=view.quiet or view.no_progress,
                quiet=view.quiet,
                hint="Enter: why" if keys is not None else "",
            )
        )
        logger = configure_logging(
            stream=stack.enter_context(Outbox(progress)),
            level=view.log_level or ("error" if view.quiet else None),
            form=view.log_format,
            redactor=shell.redactor,
        )
        as_json = (view.log_format or ("console" if progress.isatty() else "json")) == "json"
        if as_json:
            progress.log_to(logger)
        causes = CausesSoFar()
        stack.enter_context(
            Snapshots(causes, progress, shell, keys=keys, as_json=as_json, file=view.status_file)
        )
        yield Watch((metrics, progress, causes, LogListener(logger)), tally, metrics)


def _check_directories(view: View) -> None:
    for flag, file in (("--metrics-file", view.metrics_file), ("--status-file", view.status_file)):
        if file is not None and not file.absolute().parent.is_dir():
            raise ConfigError(f"{flag} {file}: there is no directory to write it in")


def _metrics(view: View, prepared: PreparedScan) -> Metrics:
    from fleet.observe import Metrics, last_success

    return Metrics(
        version=fleet.__version__,
        spec=prepared.name,
        pipeline_metrics=prepared.metrics,
        per_target=view.target_metrics,
        last_success=last_success(view.metrics_file) if view.metrics_file else None,
    )
