"""Credentials by name: which one a target uses, and what is behind the name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet.errors import ConfigError, InventoryError
from fleet.guess import closest
from fleet.inventory.address import shown
from fleet.inventory.match import Rules
from fleet.inventory.secrets import SecretReader
from fleet.secret import Secret
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory.model import AuthModel

COMMAND_LINE = "command-line"  # the credential that --user makes


@dataclass(frozen=True, slots=True)
class NamedAuth:
    """A credential with its values. `schemes` has values for security schemes by their names."""

    name: str
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    schemes: Mapping[str, Secret] = field(default_factory=dict)


class Credentials:
    """The credentials of a scan.

    A target uses the one that its own `auth=` names; else the first, in the order of the section, whose
    `match` holds; else the default: the one marked so, the one named `default`, or the only one there is
    when it has no `match`. `username` and `password` (a reference) override that half of every
    credential, and stand in for a default where there is none: `--user root` alone asks for the password.
    """

    def __init__(
        self,
        models: Mapping[str, AuthModel] | None = None,
        *,
        secrets: SecretReader | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._models = dict(models or {})
        self._secrets = secrets or SecretReader()
        self._username = username
        self._password = password
        self._resolved: dict[str, NamedAuth] = {}
        self._rules = Rules((name, model.match) for name, model in self._models.items())
        if username is not None and COMMAND_LINE in self._models:
            raise ConfigError(f"a credential cannot be named {COMMAND_LINE} when --user is given")
        self.default: str | None = self._default()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `resolve` knows."""
        return (*self._models, *([COMMAND_LINE] if self._username is not None else []))

    def for_target(self, target: Target) -> str | None:
        """The name of a target's credential, if any. Raises InventoryError for an unknown name."""
        if target.auth is not None:
            if target.auth not in self.names:
                raise InventoryError(
                    f"no credential is named {shown(target.auth)}",
                    file=target.origin or None,
                    hint=self._guess(target.auth),
                )
            return target.auth
        return self._rules.name_for(target) or self.default

    def resolve(self, name: str) -> NamedAuth:
        """The credential behind a name, read once. Raises ConfigError (unknown) and SecretError (unreadable).

        The first call reads files or asks at the terminal: make it before an event loop runs, or in a thread.
        """
        if name not in self._resolved:
            self._resolved[name] = self._read(name)
        return self._resolved[name]

    def check(self, names: Iterable[str] | None = None) -> None:
        """Resolve these names; without names, those that a rule or the default may bind."""
        for name in names if names is not None else self.bindable():
            self.resolve(name)

    def bindable(self) -> tuple[str, ...]:
        """The names that targets may get without asking for them by `auth=`, without repeats."""
        return tuple(dict.fromkeys([*self._rules.names, *([self.default] if self.default else [])]))

    def _default(self) -> str | None:
        marked = [name for name, model in self._models.items() if model.default]
        if len(marked) > 1:
            raise ConfigError(f"two credentials are the default: {marked[0]} and {marked[1]}")
        if marked:
            return marked[0]
        if "default" in self._models:
            return "default"
        if self._username is not None:
            return COMMAND_LINE
        if len(self._models) == 1:
            name, model = next(iter(self._models.items()))
            return name if model.match is None else None
        return None

    def _read(self, name: str) -> NamedAuth:
        if name == COMMAND_LINE and self._username is not None:
            reference = self._password or "prompt"
            return NamedAuth(
                name, self._username, self._secrets.read(reference, f"password of {self._username}")
            )
        model = self._models.get(name)
        if model is None:
            raise ConfigError(f"no credential is named {shown(name)}", hint=self._guess(name))
        password = self._password if self._password and model.username else model.password
        return NamedAuth(
            name,
            self._user_of(name, model),
            self._secrets.read(password, f"password of {name}") if password else None,
            self._secrets.read(model.token, f"token of {name}") if model.token else None,
            {
                scheme: self._secrets.read(reference, f"{scheme} of {name}")
                for scheme, reference in model.schemes.items()
            },
        )

    def _user_of(self, name: str, model: AuthModel) -> str | None:
        if model.username is None:
            return None
        if self._username is not None:
            return self._username
        if model.username.startswith(("env:", "file:", "$CREDENTIALS_DIRECTORY/")):
            return self._secrets.read(model.username, f"username of {name}").reveal()
        return model.username

    def _guess(self, name: str) -> str:
        if (near := closest(name, self.names)) is not None:
            return f"did you mean {near}?"
        return (
            f"the credentials are: {', '.join(self.names)[:300]}"
            if self.names
            else "there is no `auths:` section"
        )
