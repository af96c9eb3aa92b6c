"""The options that several commands share."""

from __future__ import annotations

import click

from fleet.cli.options import completing
from fleet.cli.options.given import NO_PASSWORDS
from fleet.cli.options.sections import Decorated, Option, Section, option, section
from fleet.cli.options.values import AutoCount, Count, Duration, Pair, PerSecond, Size, TooMany
from fleet.errors import UsageError
from fleet.policy import PACES, TIMELINES

NO_TARGETS = "no targets: name an inventory file, an address or a network, or - for standard input"


def _refuse_password(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise UsageError(f"there is no --password: {NO_PASSWORDS}")


spec_option: Option = option(
    "--spec",
    "-s",
    default="redfish",
    show_default=True,
    metavar="SPEC",
    shell_complete=completing.specs,
    help="A scan spec, an API description, or a built-in name.",
)
pipeline_option: Option = option(
    "--pipeline",
    "-p",
    metavar="NAME",
    shell_complete=completing.pipelines,
    help="Which pipeline of the spec; without it, its default.",
)
operation_option: Option = option(
    "--operation",
    metavar="NAME",
    shell_complete=completing.operations,
    help="One operation of an API description, instead of a pipeline.",
)
input_option: Option = option(
    "--input",
    "inputs",
    multiple=True,
    type=Pair(),
    metavar="NAME=VALUE",
    help="A value for $inputs.NAME.",
)
scheme_option: Option = option(
    "--scheme",
    type=click.Choice(["https", "http"]),
    default="https",
    show_default=True,
    help="For bare hosts.",
)
concurrency_option: Option = option(
    "--concurrency", "-c", type=Count(1), metavar="N", help="Targets in flight. [256]"
)
adaptive_option: Option = option(
    "--concurrency",
    "-c",
    type=AutoCount(1),
    metavar="auto|N",
    help="Targets in flight; auto finds out how many do some good. [auto]",
)
connect_timeout_option: Option = option(
    "--connect-timeout", type=Duration(), metavar="TIME", help="To connect, proxy included. [5s]"
)
timeout_option: Option = option(
    "--timeout", type=Duration(), metavar="TIME", help="For one request, to its last byte. [20s]"
)

timeline_option: Option = option(
    "--timeline",
    type=click.Choice(list(TIMELINES)),
    help="Of which targets each request is kept for fleet explain; of the others the slowest 3. [failed]",
)

_chosen = (
    option(
        "--select",
        multiple=True,
        metavar="COND",
        shell_complete=completing.conditions,
        help="Only targets for which site=a,rack!=7* holds; several must all hold.",
    ),
    option(
        "--where",
        metavar="JMESPATH",
        help="Only targets for which this holds: \"labels.site == 'a' && port == `8443`\".",
    ),
    option("--exclude", multiple=True, metavar="TARGET", help="Leave out an address, range or network."),
    option(
        "--exclude-file", "exclude_files", multiple=True, type=click.Path(), help="Leave out what FILE lists."
    ),
    option(
        "--sample",
        metavar="N%|N",
        help="Only this many of them, the same ones every time: by digests of their ids.",
    ),
    option("--limit", type=Count(1), metavar="N", help="Only the first N of them."),
    option("--shard", metavar="I/N", help="Only part I of N, from 0; /N: part $JOB_COMPLETION_INDEX."),
    option("--shuffle", is_flag=True, help="In an order of their own, not that of the inventory."),
    option(
        "--seed",
        type=Count(0),
        default=0,
        show_default=True,
        metavar="S",
        help="Another sample, another order.",
    ),
    scheme_option,
    option("--strict-inventory", is_flag=True, help="A bad inventory line ends the command."),
    option("--list-fields", is_flag=True, help="What --where may name, with examples; nothing is scanned."),
)
targets: Section = section(
    "Targets",
    *_chosen,
    option("--discover", is_flag=True, help="Where nothing listens is skipped, not failed."),
    option(
        "--canary",
        type=Count(1),
        metavar="N",
        help="N of them first, from every site; the others only if those are well.",
    ),
    option(
        "--canary-fail-on",
        type=TooMany(),
        default="10%",
        show_default=True,
        metavar="any|N|N%|all",
        help="How many failed canaries end the scan.",
    ),
)
named_targets: Section = section("Targets", *_chosen)  # of commands that connect to none

question: Section = section(
    "What to ask",
    spec_option,
    pipeline_option,
    operation_option,
    input_option,
    option(
        "--validate",
        type=click.Choice(["off", "warn", "fail"]),
        help="What an answer that breaks its schema means.",
    ),
)

_auths = option(
    "--auths", "auths_file", type=click.Path(), metavar="FILE", help="Credentials by name (env:, file:)."
)
_way = (
    option(
        "--proxy",
        metavar="URL|NAME",
        help="socks5h://host:port, socks5, socks4, http, or a name of proxies:.",
    ),
    option(
        "--proxies",
        "proxies_file",
        type=click.Path(),
        metavar="FILE",
        help="Proxies by name, with their rules.",
    ),
    option(
        "--tls-profile",
        type=click.Choice(["modern", "legacy"]),
        default="modern",
        show_default=True,
        help="Legacy also speaks TLS 1.0 and old ciphers.",
    ),
)

access: Section = section(
    "Access",
    _auths,
    option("--user", "-u", metavar="NAME", help="Log in as NAME; asks for the password once."),
    option(
        "--password", is_flag=False, flag_value="", hidden=True, expose_value=False, callback=_refuse_password
    ),
    *_way,
    option(
        "--tls-library",
        type=click.Choice(["openssl", "rustls"]),
        default="openssl",
        show_default=True,
        help="Rustls is cheaper, and an extra; OpenSSL asks again whom it refuses.",
    ),
    option(
        "--cacert", type=click.Path(), metavar="FILE", help="Trust this authority instead of the system's."
    ),
    option(
        "--pins",
        "pins_file",
        type=click.Path(),
        metavar="FILE",
        help="Trust exactly the certificates learnt (fleet tls learn).",
    ),
    option("--insecure", is_flag=True, help="Do not verify certificates. Counted in the summary."),
    option("--allow-plaintext-credentials", is_flag=True, help="Send credentials over http:// too. Counted."),
)

reach: Section = section("Access", _auths, *_way)  # to shake hands, and no more

pressure: Section = section(
    "Pressure",
    option(
        "--pace",
        type=click.Choice(list(PACES)),
        help="A set of these numbers; those that are given win. [normal]",
    ),
    adaptive_option,
    option("--workers", type=Count(1), metavar="N", help="Processes. [cores from 5,000 targets on, else 1]"),
    option("--per-target", type=Count(1), metavar="N", help="Connections to one target. [2]"),
    option("--per-proxy", type=Count(1), metavar="N", help="Connections through one proxy, at most. [256]"),
    option("--rate", type=PerSecond(), metavar="N/s", help="Requests over the whole scan. [unlimited]"),
    option("--retries", type=Count(0), metavar="N", help="Further tries of a request. [2]"),
    connect_timeout_option,
    timeout_option,
    option("--deadline", type=Duration(), metavar="TIME", help="For everything about one target. [5m]"),
    option("--max-body", type=Size(), metavar="SIZE", help="Of one decoded body. [16MiB]"),
)


def shared(*decorators: Section) -> Section:
    """Several sections, in this order."""

    def declare(function: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return declare
