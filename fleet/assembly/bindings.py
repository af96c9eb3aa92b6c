"""Which credential and which proxy each target of a scan gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fleet.assembly.options import ScanOptions
from fleet.client import Credential
from fleet.config import SpecFile
from fleet.inventory import Credentials, Proxies, SecretReader
from fleet.policy import Proxy
from fleet.secret import Secret
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory import AuthModel, AuthsFile, ProxyModel, VaultModel

Prompt = Callable[[str], str]
MAX_WAYS = 1024  # combinations of credential and proxy that are kept, for targets to share
Named = TypeVar("Named", "AuthModel", "ProxyModel")


@dataclass(slots=True)
class Bindings:
    """Which credential and which proxy each target gets: names in, values out. `origins` are the files that
    the credentials stand in, by name; `learn` is told the secrets that are read later on."""

    credentials: Credentials
    proxies: Proxies
    origins: Mapping[str, Path] = field(default_factory=dict)
    learn: Callable[..., None] = lambda *secrets: None
    _used: dict[str, Credential] = field(default_factory=dict)
    _ways: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)  # one for all that have it

    def bind(self, target: Target) -> Target:
        """The target with the names of its credential and proxy filled in. Raises UsageError."""
        auth, by = self.credentials.choose(target)
        if auth is not None and not self.credentials.own(auth):
            self.named(auth)
        proxy, way = self.proxies.choose(target)
        if not by and not way:
            return target
        chosen = self._ways.get((by, way))
        if chosen is None:
            chosen = {name: how for name, how in (("auth", by), ("proxy", way)) if how}
            if len(self._ways) < MAX_WAYS:
                self._ways[by, way] = chosen
        named = proxy.label if proxy else None
        return Target(target.id, target.url, target.labels, auth, named, target.origin, chosen)

    def named(self, name: str) -> Credential:
        """The credential behind a name, with the values that it has now. Raises UsageError. Blocks."""
        return self._use(self.credentials.resolve(name))

    def credential(self, target: Target) -> Credential | None:
        """The values behind a bound target's credential, as they were read; None where it has none, or where
        `ask` is to read them."""
        return self._used.get(target.auth) if target.auth is not None else None

    def renewable(self, target: Target) -> bool:
        """Whether `ask` may give a bound target values that `credential` does not."""
        name = target.auth
        return name is not None and (name not in self._used or self.credentials.renewable(name))

    def ask(self, target: Target, used: Credential | None) -> Credential | None:
        """A credential that was not read yet, such as one of a target's own; or, where a host refused the
        values `used`, other ones if there are any by now. Raises SecretError. Blocks."""
        assert target.auth is not None  # noqa: S101  (it is renewable)
        if used is None:
            return self._own(self.credentials.resolve(target.auth, target))
        found = self.credentials.renew(target.auth, target, used.version)
        if found is None:
            return None
        return self._own(found) if self.credentials.own(target.auth) else self._use(found)

    def proxy(self, target: Target) -> Proxy | None:
        """The proxy of a bound target."""
        return self.proxies.named(target.proxy) if target.proxy is not None else None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret values of every credential and proxy in use, for the redaction at the sinks."""
        used = (secret for auth in self._used.values() for secret in _secrets(auth))
        return (*used, *self.proxies.secrets)

    def _own(self, found: Credential) -> Credential:
        """Values that are one target's alone: nobody else asks for them here."""
        self.learn(*_secrets(found))
        return found

    def _use(self, found: Credential) -> Credential:
        used = self._used.get(found.name)
        if used is None or used.version != found.version:
            used = self._used[found.name] = found
            self.learn(*_secrets(used))
        return used


def bindings_of(
    spec: SpecFile, options: ScanOptions, *, prompt: Prompt, warn: Callable[[str], None]
) -> Bindings:
    """The credentials and proxies of a spec, and of the files that the options name, which win.

    Secrets that any target may get are read here. Raises UsageError.
    """
    auths: dict[str, AuthModel] = {}
    proxies: dict[str, ProxyModel] = {}
    origins: dict[str, Path] = {}

    def add(file: SpecFile | AuthsFile, path: Path | None) -> None:
        home = path.parent if path is not None else Path()
        auths.update((name, _anchored(model, home)) for name, model in file.auths.items())
        proxies.update((name, _anchored(model, home)) for name, model in file.proxies.items())
        if path is not None:
            origins.update(dict.fromkeys(file.auths, path))

    add(spec, spec.path)
    vault: VaultModel | None = None
    for named in (options.auths_file, options.proxies_file):
        if named is not None:
            from fleet.inventory import load_auths  # noqa: PLC0415

            file = load_auths(named)
            add(file, Path(named))
            vault = vault or (_anchored_vault(file.vault, Path(named).parent) if file.vault else None)
    secrets = SecretReader(prompt=prompt, warn=warn)
    bindings = Bindings(
        Credentials(auths, secrets=secrets, username=options.user, vault=vault, warn=warn),
        Proxies(proxies, scan_wide=options.proxy, secrets=secrets),
        origins,
    )
    bindings.credentials.check()
    bindings.proxies.check()
    return bindings


def _anchored(model: Named, home: Path) -> Named:
    """The model with its relative `file:` references made to start at the file that holds them."""
    changed: dict[str, Any] = {}
    for name in ("username", "password", "token"):
        if isinstance(value := getattr(model, name, None), str):
            changed[name] = _from(home, value)
    from fleet.inventory import AuthModel  # noqa: PLC0415

    if isinstance(model, AuthModel):
        changed["schemes"] = {name: _from(home, value) for name, value in model.schemes.items()}
        if model.exec is not None:
            changed["exec"] = replace(model.exec, command=_beside(home, model.exec.command))
    return replace(model, **changed)


def _anchored_vault(model: VaultModel, home: Path) -> VaultModel:
    """The same for how fleet logs in to Vault."""
    changed: dict[str, Any] = {}
    if model.token is not None:
        changed["token"] = _from(home, model.token)
    if (role := model.approle) is not None:
        secret_id = _from(home, role.secret_id) if role.secret_id is not None else None
        changed["approle"] = replace(role, role_id=_from(home, role.role_id), secret_id=secret_id)
    if (pod := model.kubernetes) is not None:
        changed["kubernetes"] = replace(pod, jwt=_from(home, pod.jwt))
    if model.ca_file is not None:
        changed["ca_file"] = str(home / Path(model.ca_file).expanduser())
    return replace(model, **changed)


def _beside(home: Path, command: Sequence[str]) -> tuple[str, ...]:
    """A command whose program is named by a relative path, made to start at the file that names it."""
    program, *arguments = command
    beside = str((home / Path(program).expanduser()).absolute()) if "/" in program else program
    return (beside, *arguments)


def _from(home: Path, reference: str) -> str:
    return f"file:{home / Path(reference[5:]).expanduser()}" if reference.startswith("file:") else reference


def _secrets(credential: Credential) -> Iterator[Secret]:
    for secret in (credential.password, credential.token, *credential.schemes.values()):
        if isinstance(secret, Secret):
            yield secret
