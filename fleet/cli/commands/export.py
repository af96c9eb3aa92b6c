"""`fleet export`: what other systems would have to change to say what a run saw."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options.forms import format_option, run_argument
from fleet.cli.options.sections import SectionedCommand, option, section
from fleet.cli.options.values import Duration
from fleet.cli.shell import Shell, ask_secret
from fleet.cli.statuses import Exit
from fleet.errors import ConfigError, UsageError
from fleet.phrases import some

if TYPE_CHECKING:
    from fleet.export import Preview, ProposedChange
    from fleet.secret import Secret

SHOWN = 10  # lines of a list in a terminal

_EXAMPLES = """
fleet export netbox latest --url https://netbox --token-from env:NETBOX_TOKEN
fleet export netbox latest --url https://netbox --token-from file:token -o plan.json
jq '.changes[] | select(.action == "update") | {id, after}' plan.json
"""

_what = section(
    "What to compare",
    option("--url", required=True, metavar="URL", help="NetBox 4, without /api."),
    option(
        "--token-from",
        "token_from",
        required=True,
        metavar="NAME",
        help="Where the token is: env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt.",
    ),
    option(
        "--mapping",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Which outputs are which fields. [that of the redfish spec]",
    ),
    option("--diff", is_flag=True, help="What it does in any case: show what differs, and change nothing."),
)
_form = section(
    "Form",
    format_option("json", help="json is for whoever applies it; its schema is netbox-preview.schema.json."),
    option(
        "--output", "-o", "place", type=click.Path(path_type=Path), metavar="FILE", help="Write JSON to FILE."
    ),
)
_way = section(
    "Access",
    option("--cacert", type=click.Path(), metavar="FILE", help="Trust this authority, not the system's."),
    option("--insecure", is_flag=True, help="Do not verify the certificate."),
    option("--proxy", metavar="URL", help="socks5h://host:port, socks5, socks4 or http."),
    option(
        "--timeout",
        type=Duration(),
        default="30s",
        show_default=True,
        metavar="TIME",
        help="For one request, to its last byte.",
    ),
    option(
        "--allow-plaintext-credentials", "plaintext", is_flag=True, help="Send the token over http:// too."
    ),
)


@click.group()
def export() -> None:
    """Compare a run with what other systems hold. Nothing is changed there."""


@export.command(cls=SectionedCommand, examples=_EXAMPLES)
@run_argument
@_what
@_form
@_way
@click.pass_obj
def netbox(
    shell: Shell,
    /,
    run: str,
    url: str,
    token_from: str,
    mapping: Path | None,
    diff: bool,
    form: str,
    place: Path | None,
    cacert: str | None,
    insecure: bool,
    proxy: str | None,
    timeout: float,
    plaintext: bool,
) -> int:
    """Show what NetBox would have to change to say what RUN saw: devices, inventory items, firmware versions
    in custom fields.

    Nothing is written to NetBox: another tool applies the JSON. Deletions stand apart, and are proposed for
    parts alone, where the step that would have seen them was complete on that host.
    """
    import anyio

    from fleet.config import builtin_directory
    from fleet.engine import find_run
    from fleet.export import NetBoxAccess, load_mapping, preview_netbox

    path = find_run(run)
    shipped = builtin_directory() / "netbox"
    chosen = load_mapping(mapping if mapping is not None else shipped / "redfish.yaml")
    if insecure and cacert is not None:
        raise UsageError("--insecure and --cacert contradict each other")
    token = _token(shell, token_from)
    access = NetBoxAccess(
        url=url, token=token, verify=not insecure if cacert is None else cacert, proxy=proxy, timeout=timeout,
        plaintext=plaintext,
    )  # fmt: skip
    found = anyio.run(preview_netbox, path, chosen, access, shipped / "api.yaml")
    if place is not None:
        from fleet.cli.written import write_result

        write_result(place, _bytes(found), "-o")
    if form == "json" and place is None:
        sys.stdout.write(_bytes(found).decode())
    elif form == "text":
        _text(shell, found)
    return Exit.DONE


def _token(shell: Shell, reference: str) -> Secret:
    """The token behind a name. Raises SecretError, and ConfigError where the name is none."""
    from fleet.inventory import WAYS, SecretReader, is_reference

    if not is_reference(reference):
        raise ConfigError(
            "--token-from takes the name of a token, not the token: arguments are seen by everybody here",
            hint=WAYS,
        )
    token = SecretReader(prompt=ask_secret, warn=shell.say).read(reference, "token of NetBox")
    shell.redactor.learn(token)
    return token


def _bytes(found: Preview) -> bytes:
    return json.dumps(found.to_json(), indent=1, ensure_ascii=True).encode() + b"\n"


def _text(shell: Shell, found: Preview) -> None:
    """Counts first, then what changes most, then what a person has to look at."""
    from rich.text import Text

    from fleet.cli.render.tables import plain_table
    from fleet.observe import safe

    counts, width = found.summary, None if sys.stdout.isatty() else 10_000
    lines = [
        f"NetBox at {safe(found.netbox, 120)}: {counts['devices_in_netbox']:,} devices, none changed",
        f"run {safe(found.run, 60)}: {some(counts['targets'], 'target')}, "
        f"{some(counts['devices'], 'device')} seen",
        "",
    ]
    shell.show(sys.stdout, Text("\n".join(lines)), width=width)
    groups = Counter(_group(change) for change in found.changes)
    table = plain_table()
    for name in ("do", "count", "object", "fields"):
        table.add_column(name, justify="right" if name == "count" else "left", overflow="fold")
    for (action, kind, fields), count in groups.most_common(4 * SHOWN):
        table.add_row(*map(Text, (action, f"{count:,}", safe(kind, 40), safe(fields, 80))))
    shell.show(sys.stdout, table if groups else Text("nothing to create or to update"), width=width)
    deleted = [(one.target or "", f"{_kind(one)} {one.why}") for one in found.deletions]
    _list(shell, "Deletions, to be looked at first", deleted)
    _list(shell, "Unknown: of these the run says nothing", [(one.target, one.why) for one in found.unknown])
    _list(shell, "To be decided by a person", [(one.target or "", one.why) for one in found.problems])
    shell.say("\nfor who applies it: --format json, or -o FILE")


def _kind(change: ProposedChange) -> str:
    return change.endpoint.removeprefix("/api/").strip("/")


def _group(change: ProposedChange) -> tuple[str, str, str]:
    """What is counted together: the same fields of the same kind of object."""
    fields: list[str] = []
    if change.action == "update":
        fields = [name for name in change.after if name != "custom_fields"]
        fields += [f"custom_fields.{name}" for name in change.after.get("custom_fields") or ()]
    return change.action, _kind(change), ", ".join(fields)


def _list(shell: Shell, title: str, pairs: list[tuple[str, Any]]) -> None:
    """Reasons, the most frequent first, each with one target that it holds for."""
    from rich.text import Text

    from fleet.observe import safe

    if not pairs:
        return
    counts = Counter(why for _, why in pairs)
    example = {why: target for target, why in reversed(pairs)}
    lines = ["", f"{title}: {len(pairs):,}"]
    for why, count in counts.most_common(SHOWN):
        lines.append(f"  {count:>6,}  {safe(why, 200)}  e.g. {safe(example[why], 80)}")
    if len(counts) > SHOWN:
        lines.append(f"          and {len(counts) - SHOWN:,} more reasons")
    shell.show(sys.stdout, Text("\n".join(lines)), width=None if sys.stdout.isatty() else 10_000)
