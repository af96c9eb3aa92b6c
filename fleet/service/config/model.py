"""What a service's configuration may say. Paths in it start from the directory of its file.

Every key has a description, because the JSON Schema made from these models is what editors show.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, field_validator, model_validator
from pydantic.alias_generators import to_camel

from fleet.errors import UsageError
from fleet.inventory import Shard, is_reference
from fleet.pipeline import Model
from fleet.service.config.values import Duration, PerSecond, Size, zone_of

DEFAULT_LISTEN = "127.0.0.1:9815"
JobName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$")]
Events = Literal["failing", "recovered", "check"]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
SomeTexts = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]


class Section(Model):
    """A part of the configuration; its keys are written in camel case, as those of a spec file."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, hide_input_in_errors=True, defer_build=True
    )


class Retention(Section):
    """What is kept of a job's runs: a run goes when any of these is exceeded, the oldest first. The last
    complete run always stays."""

    age: Duration = Field(default=7 * 86400.0, description="Older runs are deleted.")
    runs: int = Field(default=1000, ge=1, description="So many runs are kept, of all pipelines together.")
    bytes: Size = Field(default=10 * 1024**3, description="Of all runs of the job.")


class Timeouts(Section):
    """Wall-clock deadlines, in place of those of the spec."""

    connect: Duration | None = Field(default=None, description="To connect, proxy included.")
    tls: Duration | None = Field(default=None, description="For the TLS handshake.")
    request: Duration | None = Field(default=None, description="For one request, to its last byte.")
    target: Duration | None = Field(default=None, description="For everything about one target.")


class Job(Section):
    """What is asked of which targets, and when. Without `every` and `cron` only when somebody asks: by
    `/probe`, or with "run now"."""

    spec: str = Field(default="redfish", description="A spec file, or the name of a built-in one.")
    pipelines: Texts = Field(
        default=(), description="Pipelines of the spec, run one after the other. Default: the spec's default."
    )
    inventory: SomeTexts = Field(description="Inventory files, addresses, ranges or networks.")
    inputs: dict[str, str] = Field(default_factory=dict, description="Values for $inputs.NAME.")
    validation: Literal["off", "warn", "fail"] | None = Field(
        default=None,
        alias="validate",
        description="What an answer that breaks its schema means. Default: as the spec says.",
    )

    select: Texts = Field(default=(), description="Only targets for which site=a holds; all must hold.")
    exclude: Texts = Field(default=(), description="Addresses, ranges and networks to leave out.")
    exclude_files: Texts = Field(default=(), description="Files that list such.")
    scheme: Literal["https", "http"] = Field(default="https", description="For bare hosts.")
    limit: int | None = Field(default=None, ge=1, description="Read no more targets than this.")

    auths: str | None = Field(default=None, description="A file of credentials by name.")
    proxies: str | None = Field(default=None, description="A file of proxies by name.")
    proxy: str | None = Field(default=None, description="A proxy's URL or name, for every target.")
    ca_file: str | None = Field(default=None, description="Trust this authority instead of the system's.")
    pins: str | None = Field(default=None, description="Trust exactly the certificates learnt.")
    insecure: bool = Field(default=False, description="Do not verify certificates.")
    tls_profile: Literal["modern", "legacy"] = Field(
        default="modern", description="Legacy also speaks TLS 1.0 and old ciphers."
    )
    allow_plaintext_credentials: bool = Field(default=False, description="Send credentials over http:// too.")

    every: Duration | None = Field(default=None, description="Start a round so often.")
    cron: str | None = Field(
        default=None, description="Start a round at these times: minute hour day month weekday."
    )
    timezone: str = Field(default="UTC", description="The time zone of `cron`, as Europe/Berlin.")
    jitter: Duration | None = Field(
        default=None, description="Start up to so much later, at random: not all replicas at once."
    )

    concurrency: int = Field(default=64, ge=1, description="Targets in flight, within the service's own.")
    per_target: int | None = Field(default=None, ge=1, description="Connections to one target.")
    per_proxy: int | None = Field(default=None, ge=1, description="Connections through one proxy.")
    rate: PerSecond | None = Field(default=None, description="Requests over the whole job.")
    retries: int | None = Field(default=None, ge=0, description="Further tries of a request.")
    timeouts: Timeouts = Field(default=Timeouts(), description="Deadlines.")
    deadline: Duration | None = Field(
        default=None, description="For a whole run: then it is stopped. Default: none."
    )

    links: Duration | None = Field(
        default=None,
        description="Remember for so long what only leads to what is asked for (resources of steps that the "
        "pipeline does not list), and ask for the rest alone. Default: each round walks from the root.",
    )

    outputs: Texts = Field(
        default=(), description="Also append the outcomes of every run to these files (.jsonl, .jsonl.zst)."
    )
    retention: Retention = Field(default=Retention(), description="What is kept of its runs.")
    max_age: Duration | None = Field(
        default=None,
        description="/probe answers from the last outcome of a target while it is not older than this.",
    )
    resume_within: Duration = Field(
        default=3600.0,
        description="After a restart, go on with a run that was started no longer ago.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.every is not None and self.cron is not None:
            raise ValueError("a job has `every` or `cron`, not both")
        if self.insecure and self.pins is not None:
            raise ValueError("`insecure` and `pins` contradict each other: pinned certificates are verified")
        if len(set(self.pipelines)) < len(self.pipelines):
            raise ValueError("a pipeline is named twice")
        return self

    @field_validator("inventory", "exclude_files")
    @classmethod
    def _rereadable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "-" in value:
            raise ValueError("a service reads its inventory again and again: name a file, not -")
        return value

    @field_validator("outputs")
    @classmethod
    def _files(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "-" in value:
            raise ValueError("outputs are files here")
        return value

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        if value is not None:
            from datetime import UTC, datetime  # noqa: PLC0415 (named here alone)

            try:
                CronSim(value, datetime.now(UTC))
            except CronSimError as error:
                raise ValueError(
                    f"{value!r} is not a cron expression ({error}): "
                    "write minute hour day month weekday, as */5 * * * *"
                ) from None
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str) -> str:
        zone_of(value)
        return value


class Probe(Section):
    """How `/probe` answers."""

    timeout_offset: Duration = Field(default=0.5, description="Be done so much before the scraper gives up.")
    timeout: Duration = Field(default=60.0, description="Where the scraper does not say when it gives up.")
    concurrency: int = Field(default=64, ge=1, description="Probes at once; more are answered with 503.")
    auths: Texts = Field(
        default=(),
        description="Credentials that `?auth=` may name in place of the one that is bound to a target.",
    )


class Sessions(Section):
    """What is kept open between rounds."""

    keep: bool = Field(default=True, description="Keep a target's session for the next round.")
    idle: Duration = Field(
        default=900.0,
        description="Log out of a session, and close a connection, that was not used for so long.",
    )
    connections: int = Field(default=4000, ge=0, description="Idle connections, at most.")


class Notify(Section):
    """One webhook that is told what changed."""

    url: str = Field(
        pattern=r"^https?://[^@\s]+$", description="POSTed to, as JSON. Without user and password."
    )
    events: tuple[Events, ...] = Field(default=("failing", "recovered", "check"), description="What is told.")
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Headers to send; each value is env:NAME, file:PATH or $CREDENTIALS_DIRECTORY/NAME.",
    )
    again: Duration = Field(
        default=3600.0,
        description="The same event of the same target is told once in so long.",
    )
    ca_file: str | None = Field(default=None, description="Trust this authority instead of the system's.")

    @field_validator("headers")
    @classmethod
    def _references(cls, value: dict[str, str]) -> dict[str, str]:
        for name, reference in value.items():
            if not is_reference(reference) or reference == "prompt":
                raise ValueError(f"the value of the header {name!r} must be env:NAME or file:PATH")
        return value


class ServiceConfig(Section):
    """A service's configuration, read. Made by `load_config`, which also says where it came from."""

    listen: SomeTexts = Field(
        default=(DEFAULT_LISTEN,),
        description="Where HTTP is served: HOST:PORT, [v6]:PORT. Sockets that systemd hands over come first.",
    )
    web_config: str | None = Field(
        default=None, description="TLS and users, in the format of Prometheus' exporter-toolkit."
    )
    hosts: Texts = Field(
        default=(),
        description="Names that this service is called by (the Host header); its addresses and localhost "
        "always are.",
    )
    clients: int = Field(default=200, ge=4, description="Connections of clients at once.")

    state: str | None = Field(
        default=None,
        description="The directory of the history and of the runs. Default: $STATE_DIRECTORY (systemd), else "
        "`state` beside this file.",
    )
    shard: str | None = Field(
        default=None, description="I/N: this replica polls part I of N of every inventory, from 0."
    )
    concurrency: int = Field(default=256, ge=1, description="Targets in flight, over all jobs.")
    grace: Duration = Field(
        default=20.0, description="To finish what is in hand when the service is stopped."
    )
    watch: Duration = Field(
        default=5.0, description="How often the files it has read are looked at for changes."
    )
    probe: Probe = Field(default=Probe(), description="How /probe answers.")
    sessions: Sessions = Field(default=Sessions(), description="Sessions and connections between rounds.")
    notify: Notify | None = Field(default=None, description="A webhook that is told what changed.")
    jobs: dict[JobName, Job] = Field(min_length=1, description="What is scanned, by name.")

    _path: Path = PrivateAttr(default=Path("serve.yaml"))

    @field_validator("shard")
    @classmethod
    def _shard(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                Shard.parse(value)
            except UsageError as error:
                raise ValueError(str(error).removeprefix("--")) from None
        return value

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            host, _, port = address.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
                raise ValueError(f"{address!r} is not HOST:PORT, as {DEFAULT_LISTEN} or [::1]:9815")
        return value

    @property
    def state_folder(self) -> Path:
        """The directory of the history."""
        given = self.state or os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or "state"
        return self.beside(given)

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    def beside(self, place: str) -> Path:
        """A path of the configuration, made absolute."""
        return (self._path.parent / Path(place).expanduser()).absolute()
