"""`fleet report`: what became of a run, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options import completing
from fleet.cli.options.forms import format_option, page_option, run_argument
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import Count
from fleet.cli.options.where import condition, list_fields_option, where_option
from fleet.cli.render.fields import outcomes_of, tell_fields
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.report import Report, TargetLines

PAGE_TARGETS = 10_000  # in the list of a page: more make it slow to open

_EXAMPLES = """
fleet report latest
fleet report latest --by site,model
fleet report latest --html report.html
fleet report latest --format csv > failures.csv
fleet report previous --format json | jq '.failures[] | {kind, targets, hosts}'
fleet report latest --targets tls.expired | fleet scan - --pins pins.txt
"""

_what = section(
    "What to say",
    where_option("Only targets whose outcome this holds for: \"labels.site == 'a'\"."),
    list_fields_option,
    option(
        "--by",
        metavar="LABEL,...",
        shell_complete=completing.labels,
        help="Also count the targets by these labels.",
    ),
    option(
        "--expire",
        type=Count(0),
        default=30,
        show_default=True,
        metavar="DAYS",
        help="Certificates that end within this many days end soon.",
    ),
)
_form = section(
    "Form",
    format_option(
        "json",
        "csv",
        "md",
        "html",
        help="csv has a line for each failed, skipped or partial target; json has a schema, "
        "docs/reference/report.schema.json.",
    ),
    page_option,
    option(
        "--targets",
        "cause",
        metavar="CAUSE|HOSTS",
        help="Only the targets of one cause or kind, or of host sets, as an inventory.",
    ),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@run_argument
@_what
@_form
@click.pass_obj
def report(
    shell: Shell,
    /,
    run: str,
    where: str | None,
    list_fields: bool,
    by: str | None,
    expire: int,
    html: Path | None,
    form: str,
    cause: str | None,
) -> int:
    """Say what became of RUN: targets by status, why they failed, grouped by cause, and what to do next.

    Also which steps are complete, how long targets took, through which proxies, which checks failed, and
    which certificates end soon. RUN is latest, or what fleet runs lists; nothing is asked of the network.
    """
    from fleet.cli.render.again import Repeat
    from fleet.engine import find_run, read_manifest
    from fleet.report import gather_report, label_names

    path = find_run(run)
    if list_fields:
        tell_fields(shell, outcomes_of(path), of="outcomes")
        return Exit.DONE
    holds = condition(where)
    repeat = Repeat(None, None) if path.is_file() else Repeat(path, read_manifest(path))
    if cause is not None:
        return _targets(path, cause, holds)
    if form == "csv":
        _spread(path, holds)
        if html is None:
            return Exit.DONE
    labels = [name.strip() for name in (by or "").split(",") if name.strip()]
    paged = html is not None or form == "html"
    if paged and by is None:
        labels = list(label_names(path))
    said, lines = gather_report(
        path,
        repeat.again,
        now=datetime.now(UTC),
        by=labels,
        within=expire,
        lines=PAGE_TARGETS if paged else 0,
        where=holds,
    )
    for label in labels:
        _known(shell, said, label)
    named = repeat.run or str(path)
    if html is not None:
        from fleet.cli.written import write_result
        from fleet.report import to_html

        write_result(html, to_html(said, lines, run=named).encode(), "--html")
        shell.say(f"written: {html}")
    if html is None or form not in ("text", "csv"):
        _write(shell, said, lines, named, form)
    return Exit.DONE


def _write(shell: Shell, said: Report, lines: TargetLines, run: str, form: str) -> None:
    """Write the report to standard output, in one of its forms."""
    if form == "json":
        sys.stdout.write(json.dumps(said.to_json(), ensure_ascii=True, indent=2) + "\n")
    elif form == "md":
        from fleet.report import to_markdown

        sys.stdout.write(to_markdown(said, run=run))
    elif form == "html":
        from fleet.report import to_html

        sys.stdout.write(to_html(said, lines, run=run))
    else:
        from fleet.cli.render.report import report_text

        shell.show(sys.stdout, report_text(said, run=run), width=None if sys.stdout.isatty() else 120)


def _spread(path: Path, holds: Callable[[Mapping[str, Any]], bool] | None) -> None:
    """Write each failure, for a spreadsheet, with all labels that there are."""
    from fleet.cli.render.cells import write_csv
    from fleet.report import FAILING_COLUMNS, failing_rows, label_names

    labels = label_names(path)
    columns = (*FAILING_COLUMNS, *(f"labels.{name}" for name in labels))
    write_csv(sys.stdout, columns, failing_rows(path, labels, where=holds))


def _known(shell: Shell, said: Report, label: str) -> None:
    """Say where no target has a label: a name may be misspelt."""
    table = next((table for table in said.labels if table.label == label), None)
    if table is not None and said.targets and all(not line.name for line in table.lines):
        shell.say(f"no target has a label {label!r}")


def _targets(path: Path, cause: str, holds: Callable[[Mapping[str, Any]], bool] | None) -> int:
    """The targets of a cause, as an inventory. Raises UsageError where there is none."""
    from fleet.engine import inventory_line
    from fleet.errors import UsageError
    from fleet.report import targets_of

    count = 0
    for record in targets_of(path, cause):
        if holds is not None and not holds(record):
            continue
        sys.stdout.write(inventory_line(record) + "\n")
        count += 1
    if not count:
        raise UsageError(
            f"no target of {path} failed by {cause!r}, or is meant by it\n  --targets takes a kind "
            "(tls.expired), the cause that 'fleet report' names in its 'again' line, or hosts (bmc-[001-074])"
        )
    return Exit.DONE
