"""Credentials by name: which one a target uses, and what is behind the name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from fleet.client import Credential
from fleet.errors import ConfigError, InventoryError
from fleet.guess import closest
from fleet.inventory.address import shown
from fleet.inventory.credentials.given import Source
from fleet.inventory.credentials.kept import Kept
from fleet.inventory.credentials.secrets import SecretReader, Warn
from fleet.inventory.credentials.written import Typed, Written
from fleet.inventory.match import MatchRules
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory.credentials.model import AuthModel, VaultModel
    from fleet.inventory.credentials.vault import Vault

COMMAND_LINE = "command-line"  # the credential that --user makes
OWN = "inventory"  # how a target came to what it names itself


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
        vault: VaultModel | None = None,
        warn: Warn | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = dict(models or {})
        self._secrets = secrets or SecretReader()
        self._username = username
        self._password = password
        self._sources: dict[str, Source] = {}
        self._kept = Kept(warn=warn, clock=clock)
        self._vault_model = vault
        self._vault: Vault | None = None
        self._rules = MatchRules((name, model.match) for name, model in self._models.items())
        if username is not None and COMMAND_LINE in self._models:
            raise ConfigError(f"a credential cannot be named {COMMAND_LINE} when --user is given")
        self.default: str | None
        self.default, self._default_is = self._default()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that `resolve` knows."""
        return (*self._models, *([COMMAND_LINE] if self._username is not None else []))

    @property
    def ruled(self) -> tuple[str, ...]:
        """The names that a `match` may give."""
        return self._rules.names

    def choose(self, target: Target) -> tuple[str | None, str]:
        """The name of a target's credential, if any, and how it came to it. Raises InventoryError for an
        unknown name."""
        if target.auth is not None:
            if target.auth not in self.names:
                raise InventoryError(
                    f"no credential is named {shown(target.auth)}",
                    file=target.origin or None,
                    hint=self._guess(target.auth),
                )
            return target.auth, OWN
        if (found := self._rules.rule_for(target)) is not None:
            return found[0], f"match {found[1]}"
        return self.default, "" if self.default is None else self._default_is

    def own(self, name: str) -> bool:
        """Whether each target has values of its own behind this name: they are read when it needs them."""
        return self._source(name).own

    def renewable(self, name: str) -> bool:
        """Whether reading again may give other values: a file may change, what was typed does not."""
        return self._source(name).renewable

    def resolve(self, name: str, target: Target | None = None) -> Credential:
        """The credential behind a name, as it is: read once, and again when its file has changed or its time
        is up. A credential whose values are each target's own wants the target.

        Raises ConfigError (unknown) and SecretError (unreadable). It reads files, runs programs or asks at
        the terminal: make it before an event loop runs, or in a thread.
        """
        return self._kept.get(name, self._source(name), target)

    def renew(self, name: str, target: Target, refused: str) -> Credential | None:
        """The credential once more, where a host has refused the values of the version `refused`; None where
        there are no others. Blocks, and raises, as `resolve` does."""
        return self._kept.other(name, self._source(name), target, refused)

    def check(self, names: Iterable[str] | None = None) -> None:
        """Resolve these names; without names, those that a rule or the default may bind. What is each
        target's own waits for the target."""
        for name in names if names is not None else self.bindable():
            if not self.own(name):
                self.resolve(name)

    def bindable(self) -> tuple[str, ...]:
        """The names that targets may get without asking for them by `auth=`, without repeats."""
        return tuple(dict.fromkeys([*self._rules.names, *([self.default] if self.default else [])]))

    def _default(self) -> tuple[str | None, str]:
        """The credential of targets that no rule binds, and what makes it that."""
        marked = [name for name, model in self._models.items() if model.default]
        if len(marked) > 1:
            raise ConfigError(f"two credentials are the default: {marked[0]} and {marked[1]}")
        if marked:
            return marked[0], "the default"
        if "default" in self._models:
            return "default", "the default"
        if self._username is not None:
            return COMMAND_LINE, "--user"
        if len(self._models) == 1:
            name, model = next(iter(self._models.items()))
            if model.match is None:
                return name, "the only one"
        return None, ""

    def _source(self, name: str) -> Source:
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = self._make(name)
        return source

    def _make(self, name: str) -> Source:
        """Where the values of a credential come from. Raises ConfigError."""
        if name == COMMAND_LINE and self._username is not None:
            return Typed(self._username, self._secrets, self._password or "prompt")
        model = self._models.get(name)
        if model is None:
            raise ConfigError(f"no credential is named {shown(name)}", hint=self._guess(name))
        user = self._username if model.username is not None or model.given_elsewhere else None
        if model.exec is not None:
            from fleet.inventory.credentials.helper import Helper  # noqa: PLC0415  (only where there is one)

            return Helper(name, model.exec, user or model.username)
        if model.vault is not None:
            from fleet.inventory.credentials.vault import VaultSecret  # noqa: PLC0415

            return VaultSecret(name, model.vault, self._open_vault(name), user or model.username)
        return Written(name, model, self._secrets, username=self._username, password=self._password)

    def _open_vault(self, name: str) -> Vault:
        from fleet.inventory.credentials.vault import Vault  # noqa: PLC0415

        if self._vault is None:
            if self._vault_model is None:
                raise ConfigError(
                    f"auths.{name}: there is no `vault:` section that says where Vault is",
                    hint="beside `auths:`: vault: {address: https://..., token: env:VAULT_TOKEN}",
                )
            self._vault = Vault(self._vault_model, self._secrets)
        return self._vault

    def _guess(self, name: str) -> str:
        if (near := closest(name, self.names)) is not None:
            return f"did you mean {near}?"
        return (
            f"the credentials are: {', '.join(self.names)[:300]}"
            if self.names
            else "there is no `auths:` section"
        )
