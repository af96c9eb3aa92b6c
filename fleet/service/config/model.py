"""What a service's configuration may say. Paths in it start from the directory of its file.

Every key has a description, because the JSON Schema made from these models is what editors show.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, field_validator, model_validator

from fleet.errors import UsageError
from fleet.inventory import Shard, is_reference
from fleet.service.config.job import Job, JobName, Retention
from fleet.service.config.section import Section, SomeTexts, Texts
from fleet.service.config.values import Duration

DEFAULT_LISTEN = "127.0.0.1:9815"
MOST_PROBES = 64  # at once, where the configuration does not say
Events = Literal["failing", "recovered", "check"]


class Probe(Section):
    """How `/probe` answers."""

    timeout_offset: Duration = Field(
        default=0.5, description="Be done this much before the scraper gives up."
    )
    timeout: Duration = Field(default=60.0, description="Where the scraper does not say when it gives up.")
    concurrency: int | None = Field(
        default=None,
        ge=1,
        description="The part of the budget (`concurrency` of the service) that is kept for probes; more at "
        "once are answered with 503. Default: a quarter of it, and at most 64.",
    )
    auths: Texts = Field(
        default=(),
        description="Credentials that `?auth=` may name in place of the one that is bound to a target.",
    )


class Sessions(Section):
    """What is kept open between rounds."""

    keep: bool = Field(default=True, description="Keep a target's session for the next round.")
    idle: Duration = Field(
        default=900.0,
        description="Log out of a session, and close a connection, that was not used for this long.",
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
    timeout: Duration = Field(
        default=20.0, gt=0, le=300, description="It has so long to take a request, and to begin its answer."
    )
    ca_file: str | None = Field(default=None, description="Trust this authority instead of the system's.")

    @field_validator("url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            if not parts.hostname or parts.port == 0:
                raise ValueError("it names no host, or port 0")
        except ValueError as error:
            raise ValueError(f"it is not a URL that can be asked: {error}") from None
        return value

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
        default=None,
        description="I/N: this replica polls part I of N of every inventory, from 0. /N: part "
        "$JOB_COMPLETION_INDEX; hostname/N: the part that the host's name ends with, as 2 of fleet-2.",
    )
    concurrency: int = Field(
        default=512,
        ge=2,
        description="The budget: targets that are asked at once, by the rounds of all jobs and by probes.",
    )
    retention: Retention = Field(
        default=Retention(),
        description="What is kept of the runs of jobs that do not say, and of those that are no longer here.",
    )
    grace: Duration = Field(
        default=20.0, description="To finish what is in hand when the service is stopped."
    )
    watch: Duration = Field(
        default=5.0, description="How often the files it has read are looked at for changes."
    )
    refresh: Duration = Field(
        default=60.0, description="How often inventories that are asked for are asked again. Default: 1m."
    )
    probe: Probe = Field(default=Probe(), description="How /probe answers.")
    sessions: Sessions = Field(default=Sessions(), description="Sessions and connections between rounds.")
    notify: Notify | None = Field(default=None, description="A webhook that is told what changed.")
    jobs: dict[JobName, Job] = Field(min_length=1, description="What is scanned, by name.")

    _path: Path = PrivateAttr(default=Path("serve.yaml"))

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, value: object) -> object:
        """Keys that begin with `x-` are the operator's own: anchors, remarks."""
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if not str(key).startswith("x-")}

    @field_validator("shard")
    @classmethod
    def _shard(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                return str(Shard.parse(value))
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

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        probes = self.probe.concurrency
        if probes is not None and probes >= self.concurrency:
            raise ValueError(
                f"probe.concurrency is {probes} of {self.concurrency}: the budget (`concurrency`) must leave "
                "rounds a part"
            )
        return self

    @property
    def probes_at_once(self) -> int:
        """The part of the budget that is kept for probes."""
        return self.probe.concurrency or min(max(1, self.concurrency // 4), MOST_PROBES)

    @property
    def targets_at_once(self) -> int:
        """The part of the budget that the rounds of all jobs share."""
        return self.concurrency - self.probes_at_once

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
