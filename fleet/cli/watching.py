"""The options about what is shown of a scan, and the listeners that they make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

import fleet
from fleet.cli import completing
from fleet.cli.options import timeline_option
from fleet.cli.sections import Option, Section, option, section
from fleet.cli.shell import Shell
from fleet.cli.values import Duration, FailOn, Pair
from fleet.errors import ConfigError
from fleet.frozen import frozen

if TYPE_CHECKING:
    from fleet.event import Listener
    from fleet.observe import Metrics, Tally

fail_on_option: Option = option(
    "--fail-on",
    type=FailOn(),
    default="all",
    show_default=True,
    metavar="none|any|N|N%|all[,SEVERITY]",
    help="How many failed targets make exit status 1; and checks: critical, or 5%,warning.",
)
grace_option: Option = option(
    "--grace",
    type=Duration(),
    default="30s",
    show_default=True,
    metavar="TIME",
    help="To finish what is in hand after Ctrl-C or SIGTERM.",
)

results: Section = section(
    "Results",
    option("--run-dir", type=click.Path(), metavar="DIR", help="Where the run is stored. [runs/RUN]"),
    option(
        "--output",
        "-o",
        "outputs",
        multiple=True,
        metavar="FILE",
        help="Also write outcomes here: .jsonl, .jsonl.zst, - for stdout.",
    ),
    option("--dry-run", is_flag=True, help="Show what would be done; no socket opens."),
    option(
        "--estimate",
        metavar="RUN",
        shell_complete=completing.runs,
        help="With --dry-run: what it may take, from an earlier run (latest).",
    ),
    timeline_option,
    fail_on_option,
    grace_option,
)

watching: Section = section(
    "Watching",
    option("--quiet", "-q", is_flag=True, help="Say nothing but errors."),
    option("--no-progress", is_flag=True, help="No progress bar, no progress lines."),
    option("--log-format", type=click.Choice(["console", "json"]), help="[console on a terminal, else json]"),
    option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        help="[warning on the console, info as json]",
    ),
    option(
        "--metrics-listen",
        metavar="[HOST:]PORT",
        help="Serve metrics while the scan runs; 127.0.0.1 without HOST.",
    ),
    option(
        "--metrics-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE.prom",
        help="Write metrics at the end, atomically.",
    ),
    option("--pushgateway", metavar="URL", help="Push metrics there at the end, as a batch job does."),
    option(
        "--push-group",
        multiple=True,
        type=Pair(),
        metavar="NAME=VALUE",
        help="Further grouping keys of that push, as site=dc1.",
    ),
    option("--push-auth", metavar="NAME", help="The credential of --auths for that push."),
    option(
        "--status-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Keep FILE current: counts, rate, causes of failure, as JSON.",
    ),
    option(
        "--target-metrics",
        is_flag=True,
        help="Also the pipeline's metrics, per target; at most 100,000 series.",
    ),
)


@frozen(kw_only=True)
class View:
    """How a scan is watched."""

    quiet: bool = False
    no_progress: bool = False
    log_format: Literal["console", "json"] | None = None
    log_level: str | None = None
    metrics_listen: str | None = None
    metrics_file: Path | None = None
    target_metrics: bool = False
    status_file: Path | None = None
    pushgateway: str | None = None
    push_group: Sequence[tuple[str, str]] = ()
    push_auth: str | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> View:
        return cls(**{one.name: given[one.name] for one in fields(cls) if one.name in given})


@frozen
class Watch:
    """The listeners of one scan; `tally` is told first, and stored."""

    listeners: Sequence[Listener]
    tally: Tally
    metrics: Metrics


@contextmanager
def watch(
    view: View,
    shell: Shell,
    *,
    spec: str,
    pipeline_metrics: Sequence[tuple[str, str, str]],
    plaintext: bool = False,
    keys: int | None = None,
) -> Iterator[Watch]:
    """The listeners that a view asks for, drawing, serving and answering while entered.

    `plaintext` says that credentials may go without TLS; `keys` is the terminal on which Enter asks how the
    scan stands.

    Raises ConfigError when the metrics address cannot be bound, or a file has no place; SinkError when the
    status file cannot be written.
    """
    for flag, file in (("--metrics-file", view.metrics_file), ("--status-file", view.status_file)):
        if file is not None and not file.absolute().parent.is_dir():
            raise ConfigError(f"{flag} {file}: there is no directory to write it in")
    from fleet.cli.snapshots import Snapshots
    from fleet.observe import (
        LogListener,
        Metrics,
        MetricsServer,
        Outbox,
        Progress,
        Tally,
        configure_logging,
        last_success,
    )
    from fleet.report import CausesSoFar

    tally = Tally(plaintext_allowed=plaintext)
    metrics = Metrics(
        version=fleet.__version__,
        spec=spec,
        pipeline_metrics=pipeline_metrics,
        per_target=view.target_metrics,
        last_success=last_success(view.metrics_file) if view.metrics_file else None,
    )
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
