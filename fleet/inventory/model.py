"""The `auths:` and `proxies:` sections of a spec file or of a file of their own.

No model holds a secret: passwords and tokens are references (`fleet.inventory.secrets`), and a value that
is not one is refused without being repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fleet.errors import ConfigError, InventoryError
from fleet.inventory.match import parse_match
from fleet.inventory.proxy import parse_proxy_url
from fleet.inventory.secrets import WAYS, is_reference

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"


def _reference(value: object) -> object:
    if not is_reference(value):
        raise PydanticCustomError(
            "secret_in_file", "a secret cannot stand in the file: {ways}", {"ways": WAYS}
        )
    return value


def _match(value: Any) -> Any:
    if value is not None:
        try:
            parse_match(value)
        except InventoryError as error:
            raise PydanticCustomError("match", "{message}", {"message": error.message}) from None
        except (TypeError, AttributeError):
            raise PydanticCustomError(
                "match", "a condition, a list of them, or a mapping of names to globs"
            ) from None
    return value


def _proxy_url(value: object) -> object:
    try:
        parse_proxy_url(value if isinstance(value, str) else "")
    except ConfigError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise PydanticCustomError("proxy_url", "{message}", {"message": error.message + hint}) from None
    return value


Reference = Annotated[
    str,
    BeforeValidator(_reference),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|\$\{?CREDENTIALS_DIRECTORY\}?/.+|prompt)$",
            "description": "Where the secret is: env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt",
        }
    ),
]
Match = Annotated[str | Mapping[str, str | Sequence[str]] | Sequence[str], BeforeValidator(_match)]
ProxyUrl = Annotated[str, BeforeValidator(_proxy_url)]


class Strict(BaseModel):
    """Unknown keys are errors, and errors never repeat what was found."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class AuthModel(Strict):
    """One named credential: a user with a password, a token, or values for named security schemes."""

    username: str | None = Field(None, description="A user name, or env:NAME or file:PATH", min_length=1)
    password: Reference | None = None
    token: Reference | None = Field(None, description="A bearer token or API key")
    schemes: Mapping[str, Reference] = Field(
        default_factory=dict, description="Values by security scheme name"
    )
    match: Match | None = Field(None, description="The targets that use it: labels and globs")
    default: bool = Field(False, description="Used by targets that nothing else binds")

    @model_validator(mode="after")
    def _whole(self) -> AuthModel:
        if self.password is not None and self.username is None:
            raise PydanticCustomError("half", "a password needs a username")
        if self.username is not None and self.password is None:
            raise PydanticCustomError(
                "half", "a username needs a password; to be asked for it: `password: prompt`"
            )
        if self.username is None and self.token is None and not self.schemes:
            raise PydanticCustomError(
                "nothing", "a credential needs a username and a password, a token, or schemes"
            )
        return self


class ProxyModel(Strict):
    """One named proxy."""

    url: ProxyUrl = Field(description="socks5h://host:port; also socks5, socks4 and http")
    username: str | None = Field(None, min_length=1)
    password: Reference | None = None
    match: Match | None = Field(None, description="The targets that go through it: labels and globs")

    @model_validator(mode="after")
    def _whole(self) -> ProxyModel:
        if self.password is not None and self.username is None:
            raise PydanticCustomError("half", "a password needs a username")
        return self


class AuthsFile(Strict):
    """A file of credentials, and of proxies, apart from any spec."""

    auths: Mapping[Annotated[str, Field(pattern=NAME)], AuthModel] = Field(default_factory=dict)
    proxies: Mapping[Annotated[str, Field(pattern=NAME)], ProxyModel] = Field(default_factory=dict)
