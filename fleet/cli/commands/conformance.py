"""`fleet conformance`: which machines deviate from the published description, and how."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.forms import format_option, page_option, run_argument
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell, shown_run
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.judge import Conformance

_EXAMPLES = """
fleet conformance latest
fleet conformance latest --maker Dell --html dell.html
fleet conformance latest --by system.manufacturer,system.model,system.bios
fleet conformance latest --format csv > deviations.csv
"""

_what = section(
    "What to say",
    option("--by", metavar="NAME,...",
           help="Tell machines apart by these, the maker first: STEP.OUTPUT, labels.NAME. [conformance.by of "
           "the spec, else what is called vendor, model, firmware]"),
    option("--maker", metavar="NAME", help="Only machines of this maker: a page is sent to one of them."),
    option("--fail-on", type=click.Choice(["none", "any"]), default="none", show_default=True,
           help="any: exit status 1 where a machine deviates."),
)  # fmt: skip
_form = section(
    "Form",
    format_option("json", "csv", "md", "html",
                  help="html is one page to send on; csv has a line for each way and kind."),
    page_option,
)  # fmt: skip


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@run_argument
@_what
@_form
@click.pass_obj
def conformance(
    shell: Shell, /, run: str, by: str | None, maker: str | None, fail_on: str, form: str, html: Path | None
) -> int:
    """Say which machines of RUN deviate from the API description that it was scanned with, and how: by maker,
    model and firmware, with how many of how many, the hosts, and an example.

    RUN is latest, or what fleet runs lists. Nothing is asked of the network.
    """
    from fleet.engine import find_run
    from fleet.judge import gather_conformance

    path = find_run(run)
    names = [name.strip() for name in by.split(",") if name.strip()] if by is not None else None
    report = gather_conformance(path, by=names, maker=maker)
    if html is not None:
        from fleet.cli.written import write_result
        from fleet.judge import conformance_page

        write_result(html, conformance_page(report, run=shown_run(path)).encode(), "--html")
        shell.say(f"written: {html}")
    if html is None or form != "text":
        _show(shell, report, path, form)
    for at, name in enumerate(report.by):
        if all(not kind.values[at] for maker in report.makers for kind in maker.kinds):
            shell.say(f"no target has a value of {name}")
    return Exit.FINDINGS if fail_on == "any" and report.deviating else Exit.DONE


def _show(shell: Shell, report: Conformance, path: Path, form: str) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=True, indent=2) + "\n")
    elif form == "csv":
        from fleet.cli.render.cells import write_csv

        write_csv(sys.stdout, (*report.by, *_COLUMNS), _rows(report))
    elif form == "md":
        from fleet.judge import conformance_markdown

        sys.stdout.write(conformance_markdown(report, run=shown_run(path)))
    elif form == "html":
        from fleet.judge import conformance_page

        sys.stdout.write(conformance_page(report, run=shown_run(path)))
    else:
        from fleet.cli.render.conformance import conformance_text

        width = None if sys.stdout.isatty() else 120
        shell.show(sys.stdout, conformance_text(report, run=shown_run(path)), width=width)


_COLUMNS = (
    "operation", "pointer", "rule", "expected", "actual", "targets", "of", "places", "hosts", "unnamed",
    "example",
)  # fmt: skip


def _rows(report: Conformance) -> Iterator[dict[str, Any]]:
    from fleet.judge import example_text

    for maker in report.makers:
        for found in maker.deviations:
            for one in found.machines:
                yield {
                    **dict(zip(report.by, one.kind, strict=True)),
                    "operation": found.operation,
                    "pointer": found.pointer,
                    "rule": found.rule,
                    "expected": found.expected,
                    "actual": one.example.actual,
                    "targets": one.targets,
                    "of": one.of,
                    "places": one.places,
                    "hosts": ", ".join(one.hosts),
                    "unnamed": one.unnamed,
                    "example": example_text(one.example),
                }
