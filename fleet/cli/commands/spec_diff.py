"""`fleet spec diff`: what changed between two descriptions, for those who call the service."""

from __future__ import annotations

import click

from fleet.cli.commands.spec_source import inert, load_source
from fleet.cli.options.forms import format_option
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit

_EXAMPLES = """\
fleet spec diff old.yaml new.yaml
fleet spec diff --fail-on breaking https://host/v1.json https://host/v2.json
fleet spec diff old.yaml new.yaml --format json | jq -r '.operation' | sort -u"""


@click.command(
    cls=SectionedCommand, examples=_EXAMPLES, short_help="Say what changed between two, breaking first."
)
@click.argument("old")
@click.argument("new")
@section(
    "Form",
    format_option("json", help="json is one object per line.", also=("-f",)),
    option("--fail-on", "fail_on", type=click.Choice(["breaking", "any", "none"]), default="any",
           show_default=True, help="Which differences make the exit status 1."),
)  # fmt: skip
@section(
    "References",
    option("--refs", "refs", multiple=True, metavar="PREFIX=DIR",
           help="Read references that begin with PREFIX from DIR, as `refs:` of a spec file."),
)  # fmt: skip
@click.pass_obj
def diff(shell: Shell, /, old: str, new: str, form: str, fail_on: str, refs: tuple[str, ...]) -> int:
    """What changed from OLD to NEW: one line per difference, breaking first.

    Breaking is what calls that were right may fail on: something asked for that was not, or given no
    longer. Then comes what is compatible, then what only the documentation says. References are resolved,
    so another name for the same component is no difference; OLD and NEW may be of different versions of
    OpenAPI. Exit status 1 where there are differences, 0 where there are none.
    """
    import json
    from collections import Counter
    from dataclasses import asdict

    from fleet.openapi import compare

    changes = compare(load_source(old, refs), load_source(new, refs))
    for change in changes:
        click.echo(json.dumps(asdict(change)) if form == "json" else inert(str(change)))
    counts = Counter(change.severity for change in changes)
    shell.say(
        f"{counts['breaking']} breaking, {counts['compatible']} compatible, "
        f"{counts['documentation']} in the documentation"
    )
    failed = counts["breaking"] if fail_on == "breaking" else len(changes) if fail_on == "any" else 0
    return Exit.FINDINGS if failed else Exit.DONE
