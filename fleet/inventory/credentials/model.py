"""The `auths:` and `proxies:` sections of a spec file or of a file of their own.

No model holds a secret: passwords and tokens are references (`secrets`), and a value that is not one is
refused without being repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, Literal

from fleet.errors import ConfigError, InventoryError
from fleet.frozen import frozen
from fleet.inventory.credentials.checked import Checked, Rule, matching, short_form
from fleet.inventory.credentials.secrets import WAYS, is_reference
from fleet.inventory.match import parse_match
from fleet.inventory.proxy import parse_proxy_url
from fleet.quantities import parse_duration

ADDRESS = r"^https?://[^/?#@]+/?$"


def _reference(value: object) -> object:
    if not is_reference(value):
        raise ValueError(f"a secret cannot stand in the file: {WAYS}")
    return value


def _match(value: Any) -> Any:
    if value is not None:
        try:
            parse_match(value)
        except InventoryError as error:
            raise ValueError(error.message) from None
        except (TypeError, AttributeError, LookupError):  # globs that are no texts
            raise ValueError("a condition, a list of them, or a mapping of names to globs") from None
    return value


def _proxy_url(value: object) -> object:
    try:
        parse_proxy_url(value if isinstance(value, str) else "")
    except ConfigError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise ValueError(error.message + hint) from None
    return value


def _duration(value: object) -> object:
    try:
        parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("not a duration: write for example 10s or 5m") from None
    return value


Name = Annotated[
    str, matching(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "a name is letters, digits, `_`, `.` and `-`")
]
Variable = Annotated[
    str,
    matching(r"^[A-Za-z_][A-Za-z0-9_]*$", "the name of an environment variable is letters, digits and `_`"),
]
Duration = Annotated[str, Rule(_duration)]
Reference = Annotated[
    str,
    Rule(
        _reference,
        {
            "pattern": r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|\$\{?CREDENTIALS_DIRECTORY\}?/.+|prompt)$",
            "description": "Where the secret is: env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt",
        },
    ),
]
Match = Annotated[str | Mapping[str, str | Sequence[str]] | Sequence[str], Rule(_match)]
ProxyUrl = Annotated[str, Rule(_proxy_url)]


@frozen(kw_only=True)
class ExecModel(Checked):
    """A program that prints a credential as JSON. Placeholders (`{host}`, `{id}`, labels) make it one of each
    target's own."""

    command: Sequence[str] = field(
        metadata={"description": "The program and its arguments; no shell", "min_length": 1}
    )
    timeout: Duration = field(default="10s", metadata={"description": "How long it may take"})
    keep: Duration | None = field(
        default=None, metadata={"description": "How long its answer is good; without it, until refused"}
    )
    env: Sequence[Variable] = field(
        default=(), metadata={"description": "Further environment variables that it gets"}
    )


@frozen(kw_only=True)
class VaultSecretModel(Checked):
    """A secret of Vault's key/value store, version 2."""

    path: str = field(
        metadata={"description": "Its path below the mount; placeholders as in exec", "min_length": 1}
    )
    mount: str = field(
        default="secret", metadata={"description": "Where the store is mounted", "min_length": 1}
    )
    fields: Mapping[Literal["username", "password", "token"], str] = field(
        default_factory=dict, metadata={"description": "Its keys, where they have other names"}
    )
    schemes: Mapping[str, str] = field(
        default_factory=dict, metadata={"description": "Its keys for security schemes, by scheme name"}
    )
    version: int | None = field(
        default=None, metadata={"description": "One version of it; without it, the newest", "ge": 1}
    )
    keep: Duration | None = field(
        default=None, metadata={"description": "How long it is good; without it, until refused"}
    )

    def key(self, name: Literal["username", "password", "token"]) -> str:
        """The key that holds this part of the credential."""
        return self.fields.get(name, name)


@frozen(kw_only=True)
class AppRoleModel(Checked):
    """Vault's login for machines."""

    role_id: Reference
    secret_id: Reference | None = None
    mount: str = "approle"


@frozen(kw_only=True)
class KubernetesModel(Checked):
    """Vault's login for pods, by the token of their service account."""

    role: str = field(metadata={"min_length": 1})
    jwt: Reference = "file:/var/run/secrets/kubernetes.io/serviceaccount/token"
    mount: str = "kubernetes"


@frozen(kw_only=True)
class VaultModel(Checked):
    """The Vault that `vault:` of credentials speaks of, and how fleet logs in to it."""

    address: str = field(metadata={"description": "https://host:8200", "pattern": ADDRESS})
    token: Reference | None = field(
        default=None, metadata={"description": "A token that somebody else renews"}
    )
    approle: AppRoleModel | None = None
    kubernetes: KubernetesModel | None = None
    namespace: str | None = field(default=None, metadata={"pattern": r"^[\x21-\x7e]+$"})
    ca_file: str | None = field(
        default=None, metadata={"description": "Trust this authority instead of the system's"}
    )
    timeout: Duration = "10s"

    def _agree(self) -> None:
        if sum(way is not None for way in (self.token, self.approle, self.kubernetes)) != 1:
            raise ValueError("vault needs one of token, approle and kubernetes")


@frozen(kw_only=True)
class AuthModel(Checked):
    """One named credential: a user with a password, a token, or values for named security schemes; or where
    all of these come from."""

    username: str | None = field(
        default=None, metadata={"description": "A user name, or env:NAME or file:PATH", "min_length": 1}
    )
    password: Reference | None = None
    token: Reference | None = field(default=None, metadata={"description": "A bearer token or API key"})
    schemes: Mapping[str, Reference] = field(
        default_factory=dict, metadata={"description": "Values by security scheme name"}
    )
    exec: Annotated[ExecModel, short_form("command", list[str] | ExecModel)] | None = field(
        default=None, metadata={"description": "A program that prints the credential as JSON"}
    )
    vault: Annotated[VaultSecretModel, short_form("path", str | VaultSecretModel)] | None = field(
        default=None, metadata={"description": "A secret of Vault that holds the credential"}
    )
    match: Match | None = field(
        default=None, metadata={"description": "The targets that use it: labels and globs"}
    )
    default: bool = field(default=False, metadata={"description": "Used by targets that nothing else binds"})

    @property
    def given_elsewhere(self) -> bool:
        """Whether a program or a store gives the secrets."""
        return self.exec is not None or self.vault is not None

    def _agree(self) -> None:
        if self.exec is not None or self.vault is not None:
            if self.exec is not None and self.vault is not None:
                raise ValueError("a credential comes from exec or from vault, not from both")
            if self.password is not None or self.token is not None or self.schemes:
                where = "exec" if self.exec is not None else "vault"
                raise ValueError(f"{where} gives the password, token or schemes: leave them out")
            return
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        if self.username is not None and self.password is None:
            raise ValueError("a username needs a password; to be asked for it: `password: prompt`")
        if self.username is None and self.token is None and not self.schemes:
            raise ValueError("a credential needs a username and a password, a token, schemes, exec or vault")


@frozen(kw_only=True)
class ProxyModel(Checked):
    """One named proxy."""

    url: ProxyUrl = field(metadata={"description": "socks5h://host:port; also socks5, socks4 and http"})
    username: str | None = field(default=None, metadata={"min_length": 1})
    password: Reference | None = None
    match: Match | None = field(
        default=None, metadata={"description": "The targets that go through it: labels and globs"}
    )

    def _agree(self) -> None:
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")


@frozen(kw_only=True)
class AuthsFile(Checked):
    """A file of credentials, and of proxies, apart from any spec."""

    auths: Mapping[Name, AuthModel] = field(default_factory=dict)
    proxies: Mapping[Name, ProxyModel] = field(default_factory=dict)
    vault: VaultModel | None = None
