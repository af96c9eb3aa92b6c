"""`fleet spec validate`: what is wrong with a description, where, and by which rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fleet.cli.commands.spec_source import described, inert, opened
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell, from_here
from fleet.cli.statuses import Exit
from fleet.phrases import some

if TYPE_CHECKING:
    from fleet.openapi import YamlReader

_EXAMPLES = "fleet spec validate api.yaml\nfleet spec validate -C -l -v api.yaml"
_yaml = section(
    "YAML tags",
    option("-D", "disabled", multiple=True, metavar="TAG", help="Leave scalars of this tag as text."),
    option("-C", "compatible", is_flag=True, help="Leave only what JSON has: null, bool, int, float."),
    option("-l", "listing", is_flag=True, help="List the tags that the document uses."),
    option("-v", "verbose", is_flag=True, help="Say what was read, and show warnings too."),
)


@click.command(cls=SectionedCommand, examples=_EXAMPLES, short_help="Say what is wrong with it, and where.")
@described
@_yaml
@click.pass_obj
def validate(
    shell: Shell,
    /,
    source: str,
    refs: tuple[str, ...],
    disabled: tuple[str, ...],
    compatible: bool,
    listing: bool,
    verbose: bool,
) -> int:
    """Check SOURCE: one line per finding on stdout, exit status 1 where there are errors.

    The rules are the official meta-schema of its OpenAPI version, and our own: references, paths,
    parameters, security, schemas, what is never used.
    """
    from fleet.errors import SpecError
    from fleet.openapi import YAML12Loader, YAMLCompatibilityLoader, official_schemas, review

    reader = (YAMLCompatibilityLoader if compatible else YAML12Loader).without(*disabled)
    found = opened(source, refs, reader)
    data = bytes(found.read(found.name))
    try:
        if listing:
            _list_tags(data, found.name, reader)
        document = found.load()
        findings = review(document)
    except SpecError as error:
        click.echo(inert(from_here(str(error))))
        return Exit.FINDINGS
    errors = [finding for finding in findings if finding.severity == "error"]
    for finding in findings if verbose else errors:
        click.echo(inert(from_here(str(finding))))
    if verbose:
        shell.say(f"{document.title} {document.version}: {some(len(document.operations), 'operation')}")
    if not official_schemas():
        shell.say(
            "not checked against the official meta-schema: pip install openapi-spec-validator, which has it"
        )
    if any(
        finding.rule == "unresolved-reference" and "list it under refs" in finding.message
        for finding in errors
    ):
        shell.say("--refs PREFIX=DIR says where documents of other places are read from")
    warnings = len(findings) - len(errors)
    hidden = "" if verbose or not warnings else " (-v shows them)"
    shell.say(f"{some(len(errors), 'error')}, {some(warnings, 'warning')}{hidden}")
    return Exit.FINDINGS if errors else Exit.DONE


def _list_tags(data: bytes, name: str, reader: YamlReader) -> None:
    from fleet.openapi import tags_used

    for use in tags_used(data, source=name, tags=reader.tags):
        read_as = "resolved" if use.resolved else "text"
        fields = (use.tag, read_as, f"{use.values} values", f"{use.keys} keys", f"{use.line}:{use.column}")
        click.echo("\t".join((*fields, inert(use.example))))
