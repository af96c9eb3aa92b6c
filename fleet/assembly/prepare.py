"""From options to parts: everything is parsed, resolved and compiled here, and no socket opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from fleet.assembly.options import ScanOptions
from fleet.assembly.pins import read_pins
from fleet.client import Credential, load_document
from fleet.config import SpecFile, list_builtin_specs, load_spec
from fleet.errors import ConfigError, FleetError, InventoryError, PlacedError, UsageError
from fleet.inventory import (
    Credentials,
    Inventory,
    InventoryOptions,
    NamedAuth,
    Proxies,
    SecretReader,
    load_auths,
    read_targets,
)
from fleet.openapi import Document
from fleet.pipeline import Plan, compile_plan
from fleet.policy import Policy, Proxy
from fleet.secret import Secret
from fleet.target import Target

Prompt = Callable[[str], str]
Validation = Literal["off", "warn", "fail"]

COMPLAINTS = 20  # bad inventory lines quoted in full; the rest is counted
GROUPS = 1000  # labels, proxies and credentials counted apart in a dry run


@dataclass(slots=True)
class Bindings:
    """Which credential and which proxy each target gets: names in, values out."""

    credentials: Credentials
    proxies: Proxies
    _used: dict[str, Credential] = field(default_factory=dict)

    def bind(self, target: Target) -> Target:
        """The target with the names of its credential and proxy filled in. Raises UsageError."""
        auth = self.credentials.for_target(target)
        if auth is not None and auth not in self._used:
            self._used[auth] = _credential(self.credentials.resolve(auth))
        proxy = self.proxies.for_target(target)
        if auth == target.auth and proxy is None and target.proxy is None:
            return target
        return replace(target, auth=auth, proxy=proxy.label if proxy else None)

    def credential(self, target: Target) -> Credential | None:
        """The values behind a bound target's credential."""
        return self._used[target.auth] if target.auth is not None else None

    def proxy(self, target: Target) -> Proxy | None:
        """The proxy of a bound target."""
        return self.proxies.named(target.proxy) if target.proxy is not None else None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret values of every credential in use, for the redaction at the sinks."""
        found = (
            secret
            for auth in self._used.values()
            for secret in (auth.password, auth.token, *auth.schemes.values())
        )
        return tuple(secret for secret in found if isinstance(secret, Secret))


@dataclass(slots=True)
class Survey:
    """What the targets are, counted in one pass before the scan. `total` is None for standard input."""

    total: int | None = None
    labels: Counter[str] = field(default_factory=Counter)
    proxies: Counter[str] = field(default_factory=Counter)
    auths: Counter[str] = field(default_factory=Counter)

    def add(self, target: Target) -> None:
        self.total = (self.total or 0) + 1
        for name, value in target.labels.items():
            _count(self.labels, f"{name}={value}")
        _count(self.proxies, target.proxy or "direct")
        _count(self.auths, target.auth or "none")


@dataclass(frozen=True, slots=True)
class PreparedScan:
    """A scan in which every name is resolved: what `execute` runs.

    `notes` are things to say aloud; `metrics` are the pipeline's families as (name, help, type); `secrets`
    are the values that no output may show.
    """

    options: ScanOptions
    spec: SpecFile
    plan: Plan
    policy: Policy
    bindings: Bindings
    survey: Survey
    pins: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the spec is called in metrics and headings."""
        return self.spec.path.stem if self.spec.path is not None else self.spec.info.title

    @property
    def document(self) -> Document:
        """The description, secured as the spec says where it leaves authentication out."""
        return self.plan.document

    @property
    def metrics(self) -> tuple[tuple[str, str, str], ...]:
        return tuple((family.name, family.help, family.type) for family in self.plan.metrics)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return self.bindings.secrets

    def targets(self, report: Callable[[InventoryError], None]) -> Iterator[Target]:
        """The bound targets, streamed; bad lines go to `report`. Reading blocks: use a thread."""
        yield from _bound(open_inventory(self.options, report), self.bindings, self.options, report)

    def describe(self) -> dict[str, Any]:
        """What `--dry-run` shows; the keys are those that `fleet.cli.dryrun` names."""
        wide = set(self.plan.fan_out)
        return {
            "spec": f"{self.spec.info.title} ({self.spec.path or 'built in memory'})",
            "description": f"{self.document.title} {self.document.version}: "
            f"{len(self.document.operations):,} operations",
            "pipeline": self.plan.pipeline,
            "targets": self.survey.total or 0,
            "labels": dict(self.survey.labels),
            "proxies": dict(self.survey.proxies),
            "auths": {name: count for name, count in self.survey.auths.items() if name != "none"},
            "steps": [_step(line, wide) for line in self.plan.describe()],
            "requests": (self.survey.total or 0) * self.plan.minimum_requests,
            "policy": asdict(self.policy),
        }


def builtin_specs() -> dict[str, str]:
    """The specs that come with fleet: name to title."""
    return {name: load_spec(path).info.title for name, path in list_builtin_specs().items()}


def prepare(options: ScanOptions, *, prompt: Prompt, every_step: bool = False) -> PreparedScan:
    """Parse and resolve everything that a scan needs. Raises UsageError; opens no socket.

    `prompt` asks a person for a secret. `every_step` stores the rows of all steps, not only the pipeline's.
    """
    spec = load_spec(options.spec, operations=[options.operation] if options.operation else [])
    plan = compile_plan(
        spec,
        load_document(spec.api_source, refs=spec.ref_sources),
        options.pipeline,
        locate=spec.place,
        inputs=dict(options.inputs),
        every_step=every_step,
    )
    if options.validate is not None:
        validate = cast("Validation", options.validate)
        plan = replace(plan, settings=replace(plan.settings, validate=validate))
    if plan.settings.validate != "off":
        for operation in plan.operations:
            operation.compile()
    policy = _policy(plan, options)
    notes = [*spec.notes, *plan.document.warnings]
    bindings = _bindings(spec, options, prompt, notes)
    survey = _survey(options, bindings, notes)
    pins = read_pins(options.pins_file) if options.pins_file is not None else {}
    if policy.tls.ca_file is not None and not Path(policy.tls.ca_file).is_file():
        raise ConfigError(f"--cacert: there is no file {policy.tls.ca_file}")
    return PreparedScan(options, spec, plan, policy, bindings, survey, pins, tuple(dict.fromkeys(notes)))


def open_inventory(options: ScanOptions, report: Callable[[InventoryError], None]) -> Inventory:
    """The targets of the options' sources, streamed."""
    return read_targets(
        options.sources,
        options=InventoryOptions(
            scheme=cast("Any", options.scheme),
            exclude=options.exclude,
            exclude_files=options.exclude_files,
            select=[options.select] if options.select else [],
            limit=options.limit,
            strict=options.strict_inventory,
            limits=options.policy.limits,
        ),
        report=report,
    )


def _policy(plan: Plan, options: ScanOptions) -> Policy:
    """The spec's numbers over the defaults, the command line's over the spec's."""
    policy = plan.tuned(options.policy)
    for name in options.given:
        group, _, number = name.partition(".")
        value = getattr(getattr(options.policy, group), number)
        policy = replace(policy, **{group: replace(getattr(policy, group), **{number: value})})
    tls = replace(policy.tls, allow_plaintext_credentials=options.allow_plaintext_credentials)
    return replace(policy, tls=tls)


def _bindings(spec: SpecFile, options: ScanOptions, prompt: Prompt, notes: list[str]) -> Bindings:
    files = [load_auths(path) for path in (options.auths_file, options.proxies_file) if path is not None]
    auths = dict(spec.auths)
    proxies = dict(spec.proxies)
    for file in files:
        auths.update(file.auths)
        proxies.update(file.proxies)
    base = Path(options.auths_file).parent if options.auths_file else None
    if base is None and spec.path is not None:
        base = spec.path.parent
    secrets = SecretReader(prompt=prompt, directory=base, warn=notes.append)
    bindings = Bindings(
        Credentials(auths, secrets=secrets, username=options.user),
        Proxies(proxies, scan_wide=options.proxy, secrets=secrets),
    )
    bindings.credentials.check()
    bindings.proxies.check()
    return bindings


def _survey(options: ScanOptions, bindings: Bindings, notes: list[str]) -> Survey:
    """Read the inventory once: count, and meet every bad line and unknown name before a socket opens."""
    survey = Survey()
    if "-" in options.sources:
        return survey
    survey.total = 0
    complaints: list[InventoryError] = []
    rejected = 0

    def report(error: InventoryError) -> None:
        nonlocal rejected
        rejected += 1
        if len(complaints) < COMPLAINTS:
            complaints.append(error)

    for target in _bound(open_inventory(options, report), bindings, options, report):
        survey.add(target)
    notes.extend(str(error) for error in complaints)
    if rejected > len(complaints):
        notes.append(f"and {rejected - len(complaints)} more inventory lines were rejected")
    if options.sources and not survey.total:
        raise UsageError(_nothing(options, complaints))
    return survey


def _nothing(options: ScanOptions, complaints: Sequence[InventoryError]) -> str:
    """Why there are no targets, as far as that can be told."""
    if complaints:
        return f"no targets are left to scan; the first problem: {complaints[0]}"
    filters = {
        "--select": options.select,
        "--exclude": options.exclude,
        "--exclude-file": options.exclude_files,
    }
    used = [flag for flag, value in filters.items() if value]
    kept = f" that {' and '.join(used)} leave{'s' if len(used) == 1 else ''}" if used else ""
    return f"there are no targets in {', '.join(options.sources)}{kept}"


def _bound(
    targets: Iterator[Target],
    bindings: Bindings,
    options: ScanOptions,
    report: Callable[[InventoryError], None],
) -> Iterator[Target]:
    for target in targets:
        try:
            yield bindings.bind(target)
        except UsageError as error:
            complaint = _at(target, error)
            if options.strict_inventory:
                raise complaint from error
            report(complaint)


def _at(target: Target, error: FleetError) -> InventoryError:
    """An unknown name on an inventory line, with the line."""
    hint = error.hint if isinstance(error, PlacedError) else None
    message = error.message if isinstance(error, PlacedError) else str(error)
    return InventoryError(message, file=target.origin or None, hint=hint)


def _credential(found: NamedAuth) -> Credential:
    return Credential(
        name=found.name,
        username=found.username,
        password=found.password,
        token=found.token,
        schemes=found.schemes,
    )


def _count(counter: Counter[str], name: str) -> None:
    if name in counter or len(counter) < GROUPS:
        counter[name] += 1


def _step(line: str, wide: set[str]) -> dict[str, Any]:
    name, _, asks = line.partition(": ")
    return {"name": name, "request": asks, "fans_out": name in wide}
