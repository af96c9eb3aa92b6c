"""`fleet spec convert|reduce`: another description made of one."""

from __future__ import annotations

from pathlib import Path

import click

from fleet.cli.commands.spec_source import described, load_source, opened, write_tree, writing
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell

_MAX_TOLD = 5  # references that lead nowhere

_REDUCE = """\
fleet spec reduce api.yaml -k getUser -k 'POST /users' -o small.yaml
fleet spec reduce api.yaml -k '/users/**' | fleet spec operations -
fleet spec reduce redfish -k 're:^GET /redfish/v1/(Systems|Chassis)' -o walk.yaml"""


@click.command(
    cls=SectionedCommand, examples=_REDUCE, short_help="Keep chosen operations and what they need."
)
@described
@section(
    "What is kept",
    option("-k", "--keep", "keep", multiple=True, required=True, metavar="OPERATION",
           help="An operationId, 'METHOD /path' or a path; * stands for anything but a slash, ** for "
           "anything. 're:' and a regular expression is looked for in both."),
    option("--external", is_flag=True, help="Leave references to other files as they are: the result has to "
           "lie where SOURCE does."),
)  # fmt: skip
@writing
@click.pass_obj
def reduce(
    shell: Shell,
    /,
    source: str,
    refs: tuple[str, ...],
    keep: tuple[str, ...],
    external: bool,
    output: Path | None,
    kind: str | None,
) -> None:
    """Write SOURCE with chosen operations only, and exactly what they need.

    Parameters, bodies, answers, headers, callbacks, security schemes, tags and schemas that they do not
    need are left out; what stands in other files is taken in.
    """
    from fleet.openapi import reduce as reduced

    document = load_source(source, refs)
    made = reduced(document, keep, external=external)
    write_tree(made.tree, document.source, output, kind)
    shell.say(f"{len(made.operations)} of {len(document.operations)} operations kept")
    if made.links:
        shell.say(f"left out, as they lead to other operations: the links {', '.join(made.links)}")
    for ref, why in list(made.missing.items())[:_MAX_TOLD]:
        shell.say(f"warning: {ref!r} leads nowhere and stays as it is: {why.partition(': ')[2] or why}")
    if len(made.missing) > _MAX_TOLD:
        shell.say(f"warning: {len(made.missing) - _MAX_TOLD} more references lead nowhere (--refs may help)")


_CONVERT = """\
fleet spec convert api.yaml > api.json
fleet spec convert swagger.json --to 3.1 -o api.yaml"""


@click.command(cls=SectionedCommand, examples=_CONVERT, short_help="Write it as JSON, YAML or OpenAPI 3.1.")
@described
@section(
    "What is made",
    option("--to", "to", type=click.Choice(["json", "yaml", "3.1"]),
           help="Another format, or OpenAPI 3.1 of 2.0 and 3.0.  [default: the other format]"),
)  # fmt: skip
@writing
@click.pass_obj
def convert(
    shell: Shell,
    /,
    source: str,
    refs: tuple[str, ...],
    to: str | None,
    output: Path | None,
    kind: str | None,
) -> None:
    """Write SOURCE as JSON or YAML, or as OpenAPI 3.1.

    A change of format alone leaves every reference as it is. With --to 3.1 calls stay the same bytes; what
    stands in other files is taken in, and what 3.1 cannot say is told on stderr.
    """
    from fleet.openapi import convert as converted
    from fleet.openapi import parse

    found = opened(source, refs)
    if to == "3.1":
        made = converted(found.load())
        write_tree(made.tree, found.name, output, kind)
        for note in made.notes:
            shell.say(f"note: {note}")
        return
    data = found.read(found.name)
    other: str | None = "yaml" if data.lstrip()[:1] in (b"{", b"[") else "json"
    if output is not None and to is None and kind is None:
        other = None
    write_tree(parse(bytes(data), found.name), found.name, output, to or kind or other)
