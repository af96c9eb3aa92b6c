"""How sources that are asked are written in YAML: one mapping with one key, the kind of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from fleet.inventory.credentials.checked import short_form
from fleet.inventory.credentials.model import Duration, Reference, Variable

URL = r"^https?://[^/?#@\s]+(/[^?#\s]*)?(\?[^#\s]*)?$"
Url = Annotated[str, Field(pattern=URL)]
Words = Annotated[
    Sequence[str],
    BeforeValidator(
        lambda value: value.split(",") if isinstance(value, str) else value,
        json_schema_input_type=str | list[str],
    ),
]


class Strict(BaseModel):
    """Unknown keys are errors, and errors never repeat what was found."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class WebModel(Strict):
    """What is asked over HTTP."""

    url: Url
    token: Reference | None = None
    ca_file: str | None = Field(None, description="Trust this authority instead of the system's")
    timeout: Duration = "30s"


class HttpSdModel(WebModel):
    """Prometheus' HTTP service discovery."""

    username: str | None = Field(None, min_length=1)
    password: Reference | None = None

    @model_validator(mode="after")
    def _one_login(self) -> HttpSdModel:
        if (self.username is None) != (self.password is None):
            raise PydanticCustomError("half", "a username and a password go together")
        if self.token is not None and self.username is not None:
            raise PydanticCustomError("two", "a token, or a username and a password")
        return self


class NetBoxModel(WebModel):
    """Devices of NetBox."""

    token: Reference | None = Field("env:NETBOX_TOKEN", description="An API token; null asks without one")
    filter: Mapping[str, str | int | bool | Sequence[str | int]] = Field(
        default_factory=dict, description="Query parameters of /api/dcim/devices/"
    )
    address: Words = Field(("oob", "primary"), description="Which address, the first that a device has")
    custom_fields: Words = Field((), description="Custom fields that become labels")

    @model_validator(mode="after")
    def _addresses(self) -> NetBoxModel:
        if not self.address or not set(self.address) <= {"oob", "primary", "primary4", "primary6"}:
            raise PydanticCustomError("address", "address is of oob, primary, primary4 and primary6")
        return self


class AnsibleModel(Strict):
    """Hosts of an Ansible inventory, as `ansible-inventory --list` tells them."""

    inventory: str = Field(min_length=1)
    groups: Words = Field((), description="Only hosts of these groups")
    address: Words = Field(
        ("fleet_host", "bmc_address", "ansible_host"), description="Variables that may hold the address"
    )
    labels: Words = Field((), description="Variables that become labels; no others do")
    command: Sequence[str] = Field(("ansible-inventory",), min_length=1)
    timeout: Duration = "60s"


class ProgramModel(Strict):
    """A program that prints targets: file_sd JSON, JSON lines, or a text inventory."""

    command: Sequence[str] = Field(min_length=1)
    timeout: Duration = "60s"
    env: Sequence[Variable] = ()


class SourceModel(Strict):
    """One source, of one kind."""

    http_sd: Annotated[HttpSdModel, short_form("url", str | HttpSdModel)] | None = None
    netbox: Annotated[NetBoxModel, short_form("url", str | NetBoxModel)] | None = None
    ansible: Annotated[AnsibleModel, short_form("inventory", str | AnsibleModel)] | None = None
    exec: Annotated[ProgramModel, short_form("command", list[str] | ProgramModel)] | None = None

    @model_validator(mode="after")
    def _one(self) -> SourceModel:
        if sum(getattr(self, kind) is not None for kind in type(self).model_fields) != 1:
            raise PydanticCustomError("one", "a source is one of http_sd, netbox, ansible and exec")
        return self


Kind = Literal["http_sd", "netbox", "ansible", "exec"]
