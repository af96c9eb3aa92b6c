"""What the options of a command say, as assembly takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fleet.cli.options.values import AUTO
from fleet.errors import UsageError
from fleet.policy import TIMELINES, Policy, Tls

if TYPE_CHECKING:
    from fleet.assembly import ScanOptions
    from fleet.pipeline import Expression

NO_PASSWORDS = (
    "an argument is seen by every user of this machine and stays in the shell's history.\n"
    "  Instead: --user NAME asks for the password once; --auths FILE names secrets as env:NAME or "
    "file:PATH; a service reads $CREDENTIALS_DIRECTORY"
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
    return Tls(
        mode="insecure" if given.get("insecure") else "pin" if given.get("pins_file") else "verify",
        profile=given.get("tls_profile") or policy.tls.profile,
        library=given.get("tls_library") or policy.tls.library,
        ca_file=given.get("cacert"),
    )


def scan_options(given: dict[str, Any]) -> ScanOptions:
    """What the flags of a command say, as assembly takes it. Raises UsageError."""
    user = given.get("user")
    if user is not None and ":" in user:
        raise UsageError(f"--user takes a name, no password: {NO_PASSWORDS}")
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
