"""The mapping file: which outputs of which steps are which fields of NetBox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from fleet.pipeline import Expression, compile_expression
from fleet.yamlfile import read_yaml

SLUG = r"^[A-Za-z0-9_][A-Za-z0-9_-]*$"

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
Slug = Annotated[str, Field(pattern=SLUG)]
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
    file = read_yaml(path, "mapping")
    made = file.fit(
        NetBoxMapping,
        shape="a mapping with netbox:, device: and items:",
        patterns={SLUG: "a name of NetBox is letters, digits, `_` and `-`"},
    )
    roles = [item.role for item in made.items]
    for at, role in enumerate(roles):
        if role in roles[:at]:
            message = f"role {role!r} is that of another entry: each has one of its own"
            raise file.complaint(message, ("items", at, "role"))
    return made
