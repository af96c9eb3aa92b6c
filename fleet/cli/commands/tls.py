"""`fleet tls learn`: trust on first use, in a file that `--pins` reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.given import scan_options
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.shared import (
    NO_TARGETS,
    concurrency_option,
    connect_timeout_option,
    reach,
    shared,
    targets,
)
from fleet.cli.shell import Shell, ask_secret
from fleet.cli.statuses import Exit
from fleet.cli.written import write_result
from fleet.errors import UsageError

if TYPE_CHECKING:
    from fleet.outcome import Failure

_EXAMPLES = """
fleet tls learn hosts.txt -o pins.txt
fleet scan hosts.txt --pins pins.txt
"""

_learning = section(
    "Learning",
    option(
        "--output",
        "-o",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("pins.txt"),
        show_default=True,
        metavar="FILE",
        help="The pin file; what it holds already is compared.",
    ),
    option("--accept-changes", is_flag=True, help="Replace pins whose certificate has changed."),
    concurrency_option,
    connect_timeout_option,
)


MAX_NAMED = 20  # targets that gave no certificate, each in a line of its own


def _failures(failures: Mapping[str, Failure]) -> Iterator[str]:
    """Who gave no certificate, and why: one by one, or of many those that failed alike together."""
    if len(failures) <= MAX_NAMED:
        yield from (f"{target}: {failure.kind}: {failure.message}" for target, failure in failures.items())
        return
    from fleet.inventory import Folder
    from fleet.phrases import host_text, some
    from fleet.report import cause_key, named, short_name

    alike: dict[str, list[str]] = {}
    for target, failure in failures.items():
        told = {"kind": str(failure.kind), "message": failure.message}
        _, _, cause = cause_key({"id": target, "target": target, "status": "failed"}, told)
        alike.setdefault(f"{failure.kind}: {cause}", []).append(target)
    for why, members in sorted(alike.items(), key=lambda item: -len(item[1])):
        folder = Folder()
        for target in members:
            folder.add(short_name(target))
        yield f"{some(len(members), 'target')}: {why}\n  {host_text(*named(folder))}"


@click.group()
def tls() -> None:
    """Learn the certificates of targets, to pin them."""


@tls.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("sources", nargs=-1, metavar="TARGETS...")
@shared(_learning, targets, reach)
@click.pass_obj
def learn(shell: Shell, /, output: Path, accept_changes: bool, **given: Any) -> int:
    """Write the SHA-256 of every target's certificate to a pin file.

    No credentials are sent and nothing is verified: do this on a network that you trust, once. A certificate
    that differs from the file's is called out and kept out (exit status 1), unless --accept-changes.
    """
    import anyio

    from fleet.assembly import learn_certificates, pins_text, prepare, read_pins

    if not given["sources"]:
        raise UsageError(NO_TARGETS)
    if not output.parent.is_dir():  # said before ten thousand hosts are asked
        raise UsageError(f"--output {output}: there is no directory {output.parent}")
    known = read_pins(str(output)) if output.exists() else {}
    prepared = prepare(scan_options({**given, "insecure": True, "pins_file": None}), prompt=ask_secret)
    learnt = anyio.run(partial(learn_certificates, prepared))
    changed = {target: pin for target, pin in learnt.pins.items() if target in known and known[target] != pin}
    new = sum(target not in known for target in learnt.pins)
    for target, pin in changed.items():
        verdict = "replaced" if accept_changes else "kept as it was"
        shell.complain(f"CHANGED {target}: {known[target]} is now {pin} ({verdict})")
    for line in _failures(learnt.failures):
        shell.say(line)
    kept = {} if accept_changes else {target: known[target] for target in changed}
    write_result(output, pins_text({**known, **learnt.pins, **kept}).encode(), "-o")
    shell.say(
        f"{len(learnt.pins)} learnt: {new} new, {len(changed)} changed; "
        f"{len(learnt.failures)} gave none; {output}"
    )
    return Exit.FINDINGS if changed and not accept_changes else Exit.DONE
