"""The options about what is stored and shown of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import click

from fleet.cli.options import completing
from fleet.cli.options.sections import Option, Section, option, section
from fleet.cli.options.shared import timeline_option
from fleet.cli.options.values import Duration, FailOn, Pair
from fleet.frozen import frozen

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
