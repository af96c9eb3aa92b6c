"""A job in a service's configuration: what is asked of which targets, when, and what is kept of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from fleet.policy import Validate
from fleet.service.config.section import Section, SomeTexts, Texts
from fleet.service.config.values import Duration, PerSecond, Size, zone_of

JobName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$")]
AtOnce = Annotated[int, Field(ge=1)]
SHORTEST, LONGEST = 0.1, 3660 * 86400.0  # seconds between rounds


class Retention(Section):
    """What is kept of a job's runs: a run goes when any of these is exceeded, the oldest first. The last
    complete run of each pipeline stays, as long as there is such a job."""

    age: Duration = Field(default=7 * 86400.0, description="Older runs are deleted.")
    runs: int = Field(default=1000, ge=1, description="So many runs are kept, of all pipelines together.")
    bytes: Size = Field(default=10 * 1024**3, description="Of all runs of the job.")


class Timeouts(Section):
    """Wall-clock deadlines, in place of those of the spec."""

    connect: Duration | None = Field(default=None, description="To connect, proxy included.")
    tls: Duration | None = Field(
        default=None, description="For the TLS handshake; never more than `request`."
    )
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
    validation: Validate | None = Field(
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
    tls_library: Literal["openssl", "rustls"] = Field(
        default="openssl", description="Rustls is cheaper, and an extra; OpenSSL asks again whom it refuses."
    )
    allow_plaintext_credentials: bool = Field(default=False, description="Send credentials over http:// too.")

    every: Duration | None = Field(default=None, description="Start a round so often.")
    cron: str | None = Field(
        default=None, description="Start a round at these times: minute hour day month weekday."
    )
    timezone: str = Field(default="UTC", description="The time zone of `cron`, as Europe/Berlin.")
    jitter: Duration | None = Field(
        default=None, description="Start later by up to this much, at random: not all replicas at once."
    )

    concurrency: Literal["auto"] | AtOnce = Field(
        default="auto",
        description="Targets in flight, within the budget of the service; `auto` finds out how many.",
    )
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
        description="Remember for this long what only leads to what is asked for (resources of steps that "
        "the pipeline does not list), and ask for the rest alone. Default: each round walks from the root.",
    )

    outputs: Texts = Field(
        default=(), description="Also append the outcomes of every run to these files (.jsonl, .jsonl.zst)."
    )
    retention: Retention | None = Field(
        default=None, description="What is kept of its runs. Default: as the service's `retention` says."
    )
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

    @field_validator("concurrency", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        if value != "auto" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ValueError(f"{value!r} is no number of targets: write 64, or auto")
        return value

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

    @field_validator("every")
    @classmethod
    def _every(cls, value: float | None) -> float | None:
        if value is not None and not SHORTEST <= value <= LONGEST:
            raise ValueError(f"a round begins every {SHORTEST * 1000:.0f}ms to {LONGEST // 86400:.0f}d")
        return value

    @field_validator("cron")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        if value is not None and (fields := len(value.split())) != 5:
            raise ValueError(
                f"{value!r} has {fields} fields: write minute hour day month weekday, as */5 * * * *"
            )
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
