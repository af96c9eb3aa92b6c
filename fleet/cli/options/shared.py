"""The options that several commands share, and how they become one `ScanOptions`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.options import completing
from fleet.cli.options.sections import Decorated, Option, Section, option, section
from fleet.cli.options.values import AUTO, AutoCount, Count, Duration, Pair, PerSecond, Size, TooMany
from fleet.errors import UsageError
from fleet.policy import PACES, TIMELINES, Policy, Tls

if TYPE_CHECKING:
    from fleet.assembly import ScanOptions
    from fleet.pipeline import Expression

NO_TARGETS = "no targets: name an inventory file, an address or a network, or - for standard input"
ALTERNATIVES = (
    "an argument is seen by every user of this machine and stays in the shell's history.\n"
    "  Instead: --user NAME asks for the password once; --auths FILE names secrets as env:NAME or "
    "file:PATH; a service reads $CREDENTIALS_DIRECTORY"
)


def _refuse_password(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise UsageError(f"there is no --password: {ALTERNATIVES}")


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
        help="Only so many of them, the same ones every time: by digests of their ids.",
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

NUMBERS: dict[str, tuple[str, str]] = {
    "concurrency": ("rate", "concurrency"),
    "workers": ("rate", "workers"),
    "per_target": ("rate", "per_target"),
    "per_proxy": ("rate", "per_proxy"),
    "rate": ("rate", "requests"),
    "retries": ("retry", "attempts"),
    "connect_timeout": ("timeouts", "connect"),
    "timeout": ("timeouts", "request"),
    "deadline": ("timeouts", "target"),
    "max_body": ("limits", "body"),
}

_PLAIN = (
    "sources",
    "spec",
    "pipeline",
    "operation",
    "validate",
    "where",
    "limit",
    "shuffle",
    "seed",
    "canary",
    "canary_fail_on",
    "pace",
    "scheme",
    "strict_inventory",
    "discover",
    "auths_file",
    "user",
    "proxy",
    "proxies_file",
    "pins_file",
    "allow_plaintext_credentials",
    "run_dir",
)


def shared(*decorators: Section) -> Section:
    """Several sections, in this order."""

    def declare(function: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return declare


def policy_of(given: dict[str, Any]) -> tuple[Policy, frozenset[str]]:
    """The policy that the flags make, and the dotted names of the numbers that were given."""
    policy, named = Policy(), set()
    for flag, (group, number) in NUMBERS.items():
        if (value := given.get(flag)) is not None:
            value = None if value == AUTO else value
            policy = replace(policy, **{group: replace(getattr(policy, group), **{number: value})})
            named.add(f"{group}.{number}")
    for name, value in TIMELINES.get(given.get("timeline") or "", {}).items():
        policy = replace(policy, limits=replace(policy.limits, **{name.partition(".")[2]: value}))
        named.add(name)
    return replace(policy, tls=_tls_of(policy, given)), frozenset(named)


def _tls_of(policy: Policy, given: dict[str, Any]) -> Tls:
    if given.get("insecure") and given.get("pins_file"):
        raise UsageError("--insecure and --pins contradict each other: pinned certificates are verified")
    profile = given.get("tls_profile") or policy.tls.profile
    return Tls(
        mode="insecure" if given.get("insecure") else "pin" if given.get("pins_file") else "verify",
        profile=profile,
        ca_file=given.get("cacert"),
    )


def scan_options(given: dict[str, Any]) -> ScanOptions:
    """What the flags of a command say, as assembly takes it. Raises UsageError."""
    user = given.get("user")
    if user is not None and ":" in user:
        raise UsageError(f"--user takes a name, no password: {ALTERNATIVES}")
    policy, named = policy_of(given)
    from fleet.assembly import ScanOptions
    from fleet.inventory import Sample, Shard

    plain = {name: given[name] for name in _PLAIN if given.get(name) is not None}
    return ScanOptions(
        **plain,
        policy=policy,
        given=named,
        select=tuple(given.get("select", ())),
        exclude=tuple(given.get("exclude", ())),
        exclude_files=tuple(given.get("exclude_files", ())),
        inputs=dict(given.get("inputs", ())),
        outputs=tuple(given.get("outputs", ())),
        sample=Sample.parse(given["sample"]) if given.get("sample") is not None else None,
        shard=Shard.parse(given["shard"]) if given.get("shard") is not None else None,
    )


def expression(text: str, flag: str) -> Expression:
    """A JMESPath expression given on the command line. Raises UsageError."""
    from fleet.pipeline import compile_expression

    try:
        compiled = compile_expression(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None
    if compiled.names:
        raise UsageError(f"{flag}: {text!r}: there are no $names here")
    return compiled
