"""`fleet spec convert|reduce`: another description made of one."""

from __future__ import annotations

from pathlib import Path

import click

from fleet.cli.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell
from fleet.cli.spec_source import described, load_source, opened, write_tree, writing

_REDUCE = """\
fleet spec reduce api.yaml -k getUser -k 'POST /users' -o small.yaml
fleet spec reduce api.yaml -k '/users/**' | fleet spec operations /dev/stdin
fleet spec reduce redfish -k 're:^GET /redfish/v1/(Systems|Chassis)' -o walk.yaml"""


@click.command(cls=SectionedCommand, examples=_REDUCE)
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
    for ref, why in made.missing.items():
        shell.say(f"warning: {ref!r} leads nowhere and stays as it is: {why}")


@click.command(cls=SectionedCommand, examples="fleet spec convert api.yaml --to json > api.json")
@described
@click.option("--to", "kind", type=click.Choice(["json", "yaml"]), help="[default: the other one]")
def convert(source: str, refs: tuple[str, ...], kind: str | None) -> None:
    """Write SOURCE to stdout as JSON, or as YAML. Its references stay as they are."""
    from fleet.openapi import parse

    found = opened(source, refs)
    name, data = found.name, found.read(found.name)
    other = "yaml" if data.lstrip()[:1] in (b"{", b"[") else "json"
    write_tree(parse(data, name), name, None, kind or other)
