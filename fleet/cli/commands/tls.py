"""`fleet tls learn`: trust on first use, in a file that `--pins` reads."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

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
    for target, failure in learnt.failures.items():
        shell.say(f"{target}: {failure.kind}: {failure.message}")
    kept = {} if accept_changes else {target: known[target] for target in changed}
    write_result(output, pins_text({**known, **learnt.pins, **kept}).encode(), "-o")
    shell.say(
        f"{len(learnt.pins)} learnt: {new} new, {len(changed)} changed; "
        f"{len(learnt.failures)} gave none; {output}"
    )
    return Exit.FINDINGS if changed and not accept_changes else Exit.DONE
