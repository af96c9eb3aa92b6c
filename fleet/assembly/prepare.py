"""From options to parts: everything is parsed, resolved and compiled here, and no socket opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import cast

from fleet.assembly.bindings import Bindings, Prompt, bindings_of
from fleet.assembly.description import fixup_notes, read_description
from fleet.assembly.needs import Needs, check_usable
from fleet.assembly.options import ScanOptions, at_pace, with_numbers
from fleet.assembly.pasted import pasted_paths
from fleet.assembly.pins import read_pins
from fleet.assembly.processes import processes_for
from fleet.assembly.survey import Survey, bound, open_inventory, survey_of
from fleet.client import TlsContexts, check_tls_library
from fleet.config import SpecFile, SpecOutside, list_builtin_specs, load_spec
from fleet.errors import ConfigError, InventoryError
from fleet.frozen import frozen
from fleet.openapi import Document
from fleet.pipeline import CheckPlan, Locate, Place, Plan, compile_plan
from fleet.policy import Policy, Tls, Validate
from fleet.secret import Secret
from fleet.target import Target


@frozen
class PreparedScan:
    """A scan in which every name is resolved: what `execute` runs.

    `notes` are things to say aloud; `files` are those that the spec rests on, with their SHA-256; `metrics`
    are the pipeline's families as (name, help, type); `secrets` are the values that no output may show.
    """

    options: ScanOptions
    spec: SpecFile
    plan: Plan
    policy: Policy
    bindings: Bindings
    survey: Survey
    pins: Mapping[str, str]
    notes: tuple[str, ...]
    files: Mapping[str, str]

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
    def processes(self) -> int:
        """How many processes share the work."""
        return processes_for(self.policy, self.survey)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return self.bindings.secrets

    def targets(self, report: Callable[[InventoryError], None]) -> Iterator[Target]:
        """The bound targets, streamed; bad lines go to `report`. Reading blocks: use a thread."""
        if self.survey.targets is not None:
            yield from self.survey.targets
            return
        inventory = open_inventory(self.options, report, self.survey.feeds)
        yield from bound(inventory, self.bindings, self.options, report)


def builtin_specs() -> dict[str, str]:
    """The specs that come with fleet: name to title."""
    return {name: load_spec(path).info.title for name, path in list_builtin_specs().items()}


def prepare(
    options: ScanOptions,
    *,
    prompt: Prompt,
    every_step: bool = False,
    called: str | None = None,
    at_once: bool = False,
) -> PreparedScan:
    """Parse and resolve everything that a scan needs. Raises UsageError; opens no socket.

    `prompt` asks a person for a secret. `every_step` stores the rows of all steps, not only the pipeline's.
    `called` names the one operation that will be called in place of the pipeline. `at_once` says that the
    scan follows and is the only one: the targets may be those that were read here.
    """
    operations = [options.operation] if options.operation else []
    spec = load_spec(options.spec, operations=operations, called=called is not None)
    document, fixups = read_description(spec)
    outside = SpecOutside(spec)
    plan = compile_plan(
        spec,
        document,
        options.pipeline,
        locate=spec.place,
        inputs=dict(options.inputs),
        every_step=every_step,
        outside=outside,
    )
    plan = _judging(plan, options)
    policy = _policy(plan, options)
    notes = [*spec.notes, *fixup_notes(spec, document, fixups), *plan.document.warnings]
    notes += expired_waivers(plan.checks, spec.place)
    bindings = bindings_of(spec, options, prompt=prompt, warn=notes.append)
    survey = survey_of(options, bindings, notes, keep=at_once)
    needs = (
        Needs.of_operation(plan.document, plan.document.operation(called)) if called else Needs.of_plan(plan)
    )
    notes.extend(pasted_paths(plan, survey))
    notes.extend(check_usable(plan, needs, bindings, _bound(options, bindings, survey)))
    pins = read_pins(options.pins_file) if options.pins_file is not None else {}
    _check_tls(policy.tls)
    said = tuple(dict.fromkeys(notes))
    files = {str(base): sha256(base.read_bytes()).hexdigest() for base in spec.bases} | outside.read
    return PreparedScan(options, spec, plan, policy, bindings, survey, pins, said, files)


def _judging(plan: Plan, options: ScanOptions) -> Plan:
    """The plan, its answers judged as the options say; the schemas that this takes are compiled."""
    if options.validate is not None:
        validate = cast("Validate", options.validate)
        plan = replace(plan, settings=replace(plan.settings, validate=validate))
    if plan.settings.validate != "off":
        for operation in plan.operations:
            operation.compile()
    return plan


def _check_tls(tls: Tls) -> None:
    """Say what is wrong with the options of TLS before a run is begun. Raises ConfigError."""
    if tls.ca_file is not None and not Path(tls.ca_file).is_file():
        raise ConfigError(f"--cacert: there is no file {tls.ca_file}")
    check_tls_library(tls)
    if tls.ca_file is not None:
        TlsContexts().context(tls)  # reads the file


def expired_waivers(checks: Iterable[CheckPlan], locate: Locate) -> list[str]:
    """What a person should be told of waivers that waive nothing any more."""
    return [
        f"{_shown(locate(waiver.path))}: {check.name}: the waiver {waiver.reason!r} ended on {waiver.until}: "
        "it waives nothing any more"
        for check in checks
        for waiver in check.waivers
        if waiver.expired
    ]


def _shown(place: Place) -> str:
    return ":".join(str(part) for part in place if part is not None)


def _bound(options: ScanOptions, bindings: Bindings, survey: Survey) -> list[str]:
    """The credentials that targets get: as the survey found them, or all that a rule may bind where no target
    is named. Of a stream nothing is known but its default."""
    if survey.total is None:
        default = bindings.credentials.default
        return [default] if default is not None else []
    return list(survey.auths) if options.sources else list(bindings.credentials.bindable())


def _policy(plan: Plan, options: ScanOptions) -> Policy:
    """The spec's numbers over the defaults, those of a pace over the spec's, the command line's over all."""
    paced = at_pace(plan.tuned(options.policy), options.pace)
    policy = with_numbers(paced, options.policy, options.given)
    tls = replace(policy.tls, allow_plaintext_credentials=options.allow_plaintext_credentials)
    return replace(policy, tls=tls)
