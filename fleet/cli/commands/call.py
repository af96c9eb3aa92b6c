"""`fleet call`: one operation on one target."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

import click

from fleet.cli.options import completing
from fleet.cli.options.given import expression, scan_options
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.shared import (
    access,
    connect_timeout_option,
    scheme_option,
    shared,
    spec_option,
    timeout_option,
)
from fleet.cli.options.values import Pair
from fleet.cli.shell import Shell, ask_secret
from fleet.cli.statuses import Exit

_EXAMPLES = """
fleet call bmc17 getSystem -p ComputerSystemId=1 --user root
fleet call bmc17 'GET /redfish/v1/Systems' --query 'Members[]."@odata.id"'
"""

_what = section(
    "What to call",
    spec_option,
    option(
        "--parameter",
        "-p",
        "parameters",
        multiple=True,
        type=Pair(),
        metavar="NAME=VALUE",
        help="A parameter of the operation; given more than once, a list of values.",
    ),
    option("--query", metavar="JMESPATH", help="Print only what this finds in the answer."),
    scheme_option,
    timeout_option,
    connect_timeout_option,
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES)
@click.argument("target")
@click.argument("operation", shell_complete=completing.operations)
@shared(_what, access)
@click.pass_obj
def call(shell: Shell, /, target: str, operation: str, query: str | None, **given: Any) -> int:
    """Call OPERATION (an operationId, or 'GET /template') on TARGET and print its JSON.

    Logs in and out as a scan does. An answer that is not a success is printed all the same, and the exit
    status is 1.
    """
    import anyio

    from fleet.assembly import call_operation, prepare
    from fleet.openapi import ParameterError

    search = None if query is None else expression(query, "--query")
    parameters = _collected(given.pop("parameters"))
    prepared = prepare(scan_options({**given, "sources": (target,)}), prompt=ask_secret, called=operation)
    shell.redactor.learn(*prepared.secrets)
    try:
        called = anyio.run(partial(call_operation, prepared, operation, parameters))
    except ParameterError as error:
        if error.hint is None:
            error.hint = "give parameters with -p NAME=VALUE"
        raise
    if called.failure is not None:
        kind, message = called.failure.kind, called.failure.message
        shell.complain(f"fleet: {kind}: {message}\n  {kind.hint}")
    if called.value is not None or called.failure is None:
        found = search.value(called.value) if search is not None else called.value
        text = json.dumps(found, indent=2, ensure_ascii=True)
        sys.stdout.write(shell.redactor.text(text) + "\n")
    return Exit.DONE if called.failure is None else Exit.FINDINGS


def _collected(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """The parameters by name; a name that is given more than once has all of its values."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
