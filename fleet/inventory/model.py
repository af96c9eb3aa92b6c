"""The `auths:` and `proxies:` sections of a spec file or of a file of their own.

No model holds a secret: passwords and tokens are references (`fleet.inventory.secrets`), and a value that
is not one is refused without being repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

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
from fleet.quantities import parse_duration

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
ADDRESS = r"^https?://[^/?#@]+/?$"


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


def _duration(value: object) -> object:
    try:
        parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("duration", "not a duration: write for example 10s or 5m") from None
    return value


def short_form(key: str, written: Any) -> BeforeValidator:
    """A section may be written as the one key that it needs; `written` are the types of both."""
    return BeforeValidator(
        lambda value: {key: value} if isinstance(value, str | list) else value, json_schema_input_type=written
    )


Duration = Annotated[str, BeforeValidator(_duration), WithJsonSchema({"type": "string"})]
Variable = Annotated[str, Field(pattern=VARIABLE)]
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


class ExecModel(Strict):
    """A program that prints a credential as JSON. Placeholders (`{host}`, `{id}`, labels) make it one of each
    target's own."""

    command: Sequence[str] = Field(description="The program and its arguments; no shell", min_length=1)
    timeout: Duration = Field("10s", description="How long it may take")
    keep: Duration | None = Field(None, description="How long its answer is good; without it, until refused")
    env: Sequence[Variable] = Field((), description="Further environment variables that it gets")


class VaultSecretModel(Strict):
    """A secret of Vault's key/value store, version 2."""

    path: str = Field(description="Its path below the mount; placeholders as in exec", min_length=1)
    mount: str = Field("secret", description="Where the store is mounted", min_length=1)
    fields: Mapping[Literal["username", "password", "token"], str] = Field(
        default_factory=dict, description="Its keys, where they have other names"
    )
    schemes: Mapping[str, str] = Field(
        default_factory=dict, description="Its keys for security schemes, by scheme name"
    )
    version: int | None = Field(None, description="One version of it; without it, the newest", ge=1)
    keep: Duration | None = Field(None, description="How long it is good; without it, until refused")

    def field(self, name: Literal["username", "password", "token"]) -> str:
        """The key that holds this part of the credential."""
        return self.fields.get(name, name)


class AppRoleModel(Strict):
    """Vault's login for machines."""

    role_id: Reference
    secret_id: Reference | None = None
    mount: str = "approle"


class KubernetesModel(Strict):
    """Vault's login for pods, by the token of their service account."""

    role: str = Field(min_length=1)
    jwt: Reference = "file:/var/run/secrets/kubernetes.io/serviceaccount/token"
    mount: str = "kubernetes"


class VaultModel(Strict):
    """The Vault that `vault:` of credentials speaks of, and how fleet logs in to it."""

    address: str = Field(description="https://host:8200", pattern=ADDRESS)
    token: Reference | None = Field(None, description="A token that somebody else renews")
    approle: AppRoleModel | None = None
    kubernetes: KubernetesModel | None = None
    namespace: str | None = Field(None, pattern=r"^[\x21-\x7e]+$")
    ca_file: str | None = Field(None, description="Trust this authority instead of the system's")
    timeout: Duration = "10s"

    @model_validator(mode="after")
    def _one_login(self) -> VaultModel:
        if sum(way is not None for way in (self.token, self.approle, self.kubernetes)) != 1:
            raise PydanticCustomError("login", "vault needs one of token, approle and kubernetes")
        return self


class AuthModel(Strict):
    """One named credential: a user with a password, a token, or values for named security schemes; or where
    all of these come from."""

    username: str | None = Field(None, description="A user name, or env:NAME or file:PATH", min_length=1)
    password: Reference | None = None
    token: Reference | None = Field(None, description="A bearer token or API key")
    schemes: Mapping[str, Reference] = Field(
        default_factory=dict, description="Values by security scheme name"
    )
    exec: Annotated[ExecModel, short_form("command", list[str] | ExecModel)] | None = Field(
        None, description="A program that prints the credential as JSON"
    )
    vault: Annotated[VaultSecretModel, short_form("path", str | VaultSecretModel)] | None = Field(
        None, description="A secret of Vault that holds the credential"
    )
    match: Match | None = Field(None, description="The targets that use it: labels and globs")
    default: bool = Field(False, description="Used by targets that nothing else binds")

    @property
    def given_elsewhere(self) -> bool:
        """Whether a program or a store gives the secrets."""
        return self.exec is not None or self.vault is not None

    @model_validator(mode="after")
    def _whole(self) -> AuthModel:
        if self.exec is not None or self.vault is not None:
            if self.exec is not None and self.vault is not None:
                raise PydanticCustomError("two", "a credential comes from exec or from vault, not from both")
            if self.password is not None or self.token is not None or self.schemes:
                where = "exec" if self.exec is not None else "vault"
                raise PydanticCustomError(
                    "two", "{where} gives the password, token or schemes: leave them out", {"where": where}
                )
            return self
        if self.password is not None and self.username is None:
            raise PydanticCustomError("half", "a password needs a username")
        if self.username is not None and self.password is None:
            raise PydanticCustomError(
                "half", "a username needs a password; to be asked for it: `password: prompt`"
            )
        if self.username is None and self.token is None and not self.schemes:
            raise PydanticCustomError(
                "nothing", "a credential needs a username and a password, a token, schemes, exec or vault"
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
    vault: VaultModel | None = None
