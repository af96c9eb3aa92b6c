"""`fleet spec`: look at API descriptions, check them, make others of them. Nothing here calls a service."""

from __future__ import annotations

import click

from fleet.cli.commands.spec_diff import diff
from fleet.cli.commands.spec_look import operations, show, tags
from fleet.cli.commands.spec_rewrite import convert, reduce
from fleet.cli.commands.spec_validate import validate
from fleet.cli.options.sections import InOrder


@click.group(cls=InOrder)
def spec() -> None:
    """Look at an API description, check it, make another of it.

    SOURCE is a path, a URL, - for stdin, or a spec file or a built-in name (redfish), which stand for the
    description that they name. Nothing here calls a described service.
    """


for _command in (validate, show, operations, tags, diff, reduce, convert):
    spec.add_command(_command)
