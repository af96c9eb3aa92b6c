"""The mapping file: which outputs of which steps are which fields of NetBox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from fleet.errors import ConfigError, SpecError
from fleet.guess import guess
from fleet.openapi import load_yaml, locate
from fleet.pipeline import Expression, compile_expression

MAX_FILE = 1024 * 1024  # bytes
NAME = r"^[A-Za-z0-9_][A-Za-z0-9_-]*$"

Updated = Literal["serial", "custom_fields", "name", "site", "device_type"]


def _compiled(value: object) -> Expression:
    if not isinstance(value, str):
        raise PydanticCustomError("expression", "a JMESPath expression is text")
    try:
        made = compile_expression(value)
    except ValueError as error:
        raise PydanticCustomError("expression", "{why}", {"why": str(error)}) from None
    if made.names:
        raise PydanticCustomError("expression", "there are no $names here")
    return made


Asked = Annotated[Expression, BeforeValidator(_compiled)]
Slug = Annotated[str, Field(pattern=NAME)]
Fields = Mapping[Slug, Asked]


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class DeviceMap(Strict):
    """A device for each row of a step."""

    from_: str = Field(alias="from")
    where: Asked | None = None
    serial: Asked
    name: Asked
    manufacturer: Asked
    model: Asked
    site: Asked
    role: Asked
    custom_fields: Fields = Field(default_factory=dict)
    update: Sequence[Updated] = ("serial", "custom_fields")


class ItemMap(Strict):
    """An inventory item, of the device above, for each row of a step."""

    from_: str = Field(alias="from")
    role: Slug
    where: Asked | None = None
    name: Asked
    serial: Asked
    manufacturer: Asked | None = None
    part_id: Asked | None = None
    custom_fields: Fields = Field(default_factory=dict)


class NetBoxMapping(Strict):
    """The file. Each of `items` has a role of its own: it says which items in NetBox are its step's."""

    netbox: Literal["1"]
    device: DeviceMap
    items: Sequence[ItemMap] = ()


def load_mapping(path: Path) -> NetBoxMapping:
    """Read a mapping file. Raises ConfigError with file, line and column."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_FILE:
        raise ConfigError(f"longer than {MAX_FILE} bytes", file=str(path))
    try:
        value = load_yaml(data, source=str(path))
    except SpecError as error:
        raise ConfigError(
            error.message, file=error.file, line=error.line, column=error.column, hint=error.hint
        ) from None
    if not isinstance(value, dict):
        raise ConfigError("not a mapping with netbox:, device: and items:", file=str(path))
    try:
        made = NetBoxMapping.model_validate(value)
    except ValidationError as error:
        raise _placed(error, data, path) from None
    roles = [item.role for item in made.items]
    for at, role in enumerate(roles):
        if role in roles[:at]:
            line, column = locate(data, ["items", at, "role"])
            message = f"role {role!r} is that of another entry: each has one of its own"
            raise ConfigError(message, file=str(path), line=line, column=column)
    return made


def _placed(error: ValidationError, data: bytes, path: Path) -> ConfigError:
    found: list[Any] = list(error.errors(include_input=False, include_url=False))
    first = min(found, key=lambda one: one["type"] != "extra_forbidden")  # a misspelt key is missing, too
    where = [step for step in first["loc"] if step != "[key]"]
    line, column = locate(data, where)
    message, hint = first["msg"], None
    if first["type"] == "extra_forbidden":
        message, hint = f"unknown key {where[-1]!r}", guess(str(where[-1]), _keys(where))
    elif first["type"] == "missing":
        message = f"{where[-1]!r} is missing"
    shown = ".".join(str(step) for step in where)
    return ConfigError(f"{shown}: {message}", file=str(path), line=line, column=column, hint=hint)


def _keys(where: Sequence[Any]) -> list[str]:
    models: dict[Any, type[BaseModel]] = {"device": DeviceMap, "items": ItemMap}
    model = models.get(where[0], NetBoxMapping) if len(where) > 1 else NetBoxMapping
    return [field.alias or name for name, field in model.model_fields.items()]
