"""`fleet spec`: look at API descriptions, and check them. Nothing here calls a service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.sections import SectionedCommand, option, section
from fleet.cli.shell import Shell
from fleet.cli.statuses import Exit

if TYPE_CHECKING:
    from fleet.openapi import Document, YamlReader

_VALIDATE = "fleet spec validate api.yaml\nfleet spec validate -C -l -v api.yaml"
_yaml = section(
    "YAML tags",
    option("-D", "disabled", multiple=True, metavar="TAG", help="Leave scalars of this tag as text."),
    option("-C", "compatible", is_flag=True, help="Leave only what JSON has: null, bool, int, float."),
    option("-l", "listing", is_flag=True, help="List the tags that the document uses."),
    option("-v", "verbose", is_flag=True, help="Say what was read, and show warnings too."),
)


@click.group()
def spec() -> None:
    """Look at an API description (a path, a URL, or a built-in name), and check it."""


@spec.command(
    cls=SectionedCommand, examples="fleet spec validate api.yaml\nfleet spec validate -C -l -v api.yaml"
)
@click.argument("source")
@_yaml
@click.pass_obj
def validate(
    shell: Shell,
    /,
    source: str,
    disabled: tuple[str, ...],
    compatible: bool,
    listing: bool,
    verbose: bool,
) -> int:
    """Check SOURCE: one line per finding on stdout, exit status 1 where there are errors.

    The rules are our own, and JSON Schema's meta-schema for 3.1 and later; the official meta-schemas of
    OpenAPI are not part of this program.
    """
    from fleet.errors import SpecError
    from fleet.openapi import YAML12Loader, YAMLCompatibilityLoader, review

    reader = (YAMLCompatibilityLoader if compatible else YAML12Loader).without(*disabled)
    name, read = _opened(source)
    data = read(name)
    try:
        if listing:
            _list_tags(data, name, reader)
        document = _document(name, read, reader)
        findings = review(document)
    except SpecError as error:
        click.echo(_safe(str(error)))
        return Exit.FINDINGS
    errors = [finding for finding in findings if finding.severity == "error"]
    for finding in findings if verbose else errors:
        click.echo(_safe(str(finding)))
    if verbose:
        shell.say(f"{document.title} {document.version}: {len(document.operations)} operations")
    warnings = len(findings) - len(errors)
    shell.say(
        f"{len(errors)} errors, {warnings} warnings" + ("" if verbose or not warnings else " (-v shows them)")
    )
    return Exit.FINDINGS if errors else Exit.DONE


@spec.command(cls=SectionedCommand, examples="fleet spec operations api.yaml | grep POST")
@click.argument("source")
def operations(source: str) -> None:
    """One line per operation: method, path, operationId, tags, summary; separated by tabs."""
    for operation in _load(source).operations.values():
        name = "-" if operation.name == f"{operation.method} {operation.template}" else operation.name
        note = "(deprecated) " if operation.deprecated else ""
        fields = (operation.method, operation.template, name, ",".join(operation.tags) or "-")
        click.echo("\t".join(_safe(field) for field in (*fields, note + operation.summary)))


@spec.command(cls=SectionedCommand, examples="fleet spec tags api.yaml")
@click.argument("source")
def tags(source: str) -> None:
    """One line per tag: its path from the outermost tag, operations that carry it, summary."""
    document = _load(source)
    counts: dict[str, int] = dict.fromkeys(document.tags, 0)
    for operation in document.operations.values():
        for tag in operation.tags:
            counts[tag] = counts.get(tag, 0) + 1
    for name, count in counts.items():
        known = document.tags.get(name)
        text = (known.summary or known.description.partition("\n")[0]) if known else "(not declared)"
        click.echo(
            "\t".join(_safe(field) for field in (" / ".join(document.tag_path(name)), str(count), text))
        )


@spec.command(cls=SectionedCommand, examples="fleet spec show redfish 'GET /redfish/v1/Systems'")
@click.argument("source")
@click.argument("operation")
def show(source: str, operation: str) -> None:
    """One OPERATION (an operationId, or 'METHOD /template'): parameters, body, answers, security, a call."""
    from fleet.cli.spec_show import lines

    for line in lines(_load(source), operation, source):
        click.echo(_safe(line))


@spec.command(cls=SectionedCommand, examples="fleet spec convert api.yaml --to json > api.json")
@click.argument("source")
@click.option("--to", "kind", type=click.Choice(["json", "yaml"]), help="[default: the other one]")
def convert(source: str, kind: str | None) -> None:
    """Write SOURCE to stdout as JSON, or as YAML. Its references stay as they are."""
    import orjson

    from fleet.openapi import dump_yaml, parse

    name, read = _opened(source)
    data = read(name)
    tree = parse(data, name)
    if (kind or ("yaml" if data.lstrip()[:1] in (b"{", b"[") else "json")) == "json":
        click.echo(orjson.dumps(tree, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(dump_yaml(tree), nl=False)


def _load(source: str) -> Document:
    from fleet.openapi import YAML12Loader

    name, read = _opened(source)
    return _document(name, read, YAML12Loader)


def _document(name: str, read: Any, reader: YamlReader) -> Document:
    from fleet.openapi import load

    return load(source=name, reader=read, parse=reader)


def _opened(source: str) -> tuple[str, Any]:
    """The absolute path or URL of a description, and what reads it and what it refers to."""
    from fleet.client import ChainLoader, FileSystemLoader, PrefixLoader, WebLoader
    from fleet.config import list_builtin_specs, load_spec

    refs: dict[str, str] = {}
    if source in list_builtin_specs():
        built_in = load_spec(source)
        source, refs = str(built_in.api_source), {k: str(v) for k, v in built_in.ref_sources.items()}
    mapped = [PrefixLoader(prefix, root) for prefix, root in sorted(refs.items(), reverse=True)]
    if "://" in source:
        return source, ChainLoader(*mapped, WebLoader(source))
    path = Path(source).absolute()
    return str(path), ChainLoader(*mapped, FileSystemLoader(path.parent))


def _list_tags(data: bytes, name: str, reader: YamlReader) -> None:
    from fleet.openapi import tags_used

    for use in tags_used(data, source=name, tags=reader.tags):
        read_as = "resolved" if use.resolved else "text"
        fields = (use.tag, read_as, f"{use.values} values", f"{use.keys} keys", f"{use.line}:{use.column}")
        click.echo("\t".join((*fields, _safe(use.example))))


def _safe(text: str) -> str:
    from fleet.observe import safe_block

    return safe_block(text)
