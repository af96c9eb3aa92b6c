"""`fleet scan`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.given import scan_options
from fleet.cli.options.sections import SectionedCommand
from fleet.cli.options.shared import NO_TARGETS, access, pressure, question, shared, targets
from fleet.cli.options.watching import View, results, watching
from fleet.cli.options.where import target_condition
from fleet.cli.shell import Shell, ask_secret
from fleet.cli.statuses import Exit
from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.assembly import PreparedScan, ScanOptions

_EXAMPLES = """
fleet scan hosts.txt --spec redfish --auths auths.yaml
fleet scan 'bmc[001-512].dc1' --user root --pipeline firmware -o firmware.jsonl
fleet scan 10.0.0.0/24 --discover --cacert ca.pem --dry-run
cat hosts.txt | fleet scan - --proxy socks5h://127.0.0.1:1080 --rate 200/s
fleet scan hosts.txt --pins pins.txt --metrics-file /var/lib/node_exporter/fleet.prom
"""


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("sources", nargs=-1, metavar="TARGETS...")
@shared(question, targets, access, pressure, results, watching)
@click.pass_obj
def scan(shell: Shell, /, **given: Any) -> int:
    """Ask every target what a spec says, and store one outcome each.

    TARGETS are inventory files (text, CSV, Prometheus file_sd), addresses, networks, ranges, or - for
    standard input. What happened goes to stderr; outcomes go to the run directory.
    """
    if not given["sources"]:
        raise UsageError(NO_TARGETS)
    if given["estimate"] is not None and not given["dry_run"]:
        raise UsageError("--estimate tells what a scan may take: it goes with --dry-run")
    options = scan_options(given)
    if given["where"] is not None:
        target_condition(given["where"])  # what is wrong with it is said with what to write instead
    if given["list_fields"]:
        return _fields(shell, options)
    from fleet.assembly import prepare
    from fleet.cli.scanning.run import run_scan

    shell.quiet = given["quiet"]
    prepared = prepare(options, prompt=ask_secret, at_once=True)
    if given["dry_run"]:
        return _dry_run(shell, prepared, given["estimate"])
    return run_scan(prepared, View.of(given), shell, fail_on=given["fail_on"], grace=given["grace"])


def _fields(shell: Shell, options: ScanOptions) -> int:
    """What there is to name of the targets, as far as the inventory says it."""
    from fleet.assembly import targets_of
    from fleet.cli.render.fields import tell_fields
    from fleet.inventory import fields_of

    found = targets_of(options, lambda error: shell.say(str(error)))
    tell_fields(shell, map(fields_of, found), of="targets")
    return Exit.DONE


def _dry_run(shell: Shell, prepared: PreparedScan, estimate: str | None) -> int:
    """Show the plan on stdout: here it is the data that was asked for."""
    import sys

    from fleet.assembly import dry_run_of
    from fleet.cli.render.dry_run import dry_run
    from fleet.engine import find_run

    for note in prepared.notes:
        shell.say(note)
    earlier = find_run(estimate) if estimate is not None else None
    shell.show(sys.stdout, dry_run(dry_run_of(prepared, earlier=earlier)))
    return Exit.DONE
