"""Which credential and which proxy each target of a scan gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fleet.assembly.options import ScanOptions
from fleet.client import Credential
from fleet.config import SpecFile
from fleet.inventory import AuthModel, Credentials, NamedAuth, Proxies, ProxyModel, SecretReader, load_auths
from fleet.policy import Proxy
from fleet.secret import Secret
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory import AuthsFile

Prompt = Callable[[str], str]
Named = TypeVar("Named", AuthModel, ProxyModel)


@dataclass(slots=True)
class Bindings:
    """Which credential and which proxy each target gets: names in, values out. `origins` are the files that
    the credentials stand in, by name."""

    credentials: Credentials
    proxies: Proxies
    origins: Mapping[str, Path] = field(default_factory=dict)
    _used: dict[str, Credential] = field(default_factory=dict)

    def bind(self, target: Target) -> Target:
        """The target with the names of its credential and proxy filled in. Raises UsageError."""
        auth = self.credentials.for_target(target)
        if auth is not None:
            self.named(auth)
        proxy = self.proxies.for_target(target)
        if auth == target.auth and proxy is None and target.proxy is None:
            return target
        return replace(target, auth=auth, proxy=proxy.label if proxy else None)

    def named(self, name: str) -> Credential:
        """The credential behind a name, read once. Raises UsageError."""
        if name not in self._used:
            self._used[name] = _credential(self.credentials.resolve(name))
        return self._used[name]

    def credential(self, target: Target) -> Credential | None:
        """The values behind a bound target's credential."""
        return self._used[target.auth] if target.auth is not None else None

    def proxy(self, target: Target) -> Proxy | None:
        """The proxy of a bound target."""
        return self.proxies.named(target.proxy) if target.proxy is not None else None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret values of every credential in use, for the redaction at the sinks."""
        found = (
            secret
            for auth in self._used.values()
            for secret in (auth.password, auth.token, *auth.schemes.values())
        )
        return tuple(secret for secret in found if isinstance(secret, Secret))


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
    for named in (options.auths_file, options.proxies_file):
        if named is not None:
            add(load_auths(named), Path(named))
    secrets = SecretReader(prompt=prompt, warn=warn)
    bindings = Bindings(
        Credentials(auths, secrets=secrets, username=options.user),
        Proxies(proxies, scan_wide=options.proxy, secrets=secrets),
        origins,
    )
    bindings.credentials.check()
    bindings.proxies.check()
    return bindings


def _anchored(model: Named, home: Path) -> Named:
    """The model with its relative `file:` references made to start at the file that holds them."""
    changed: dict[str, object] = {}
    for name in ("username", "password", "token"):
        if isinstance(value := getattr(model, name, None), str):
            changed[name] = _from(home, value)
    if isinstance(model, AuthModel):
        changed["schemes"] = {name: _from(home, value) for name, value in model.schemes.items()}
    return model.model_copy(update=changed)


def _from(home: Path, reference: str) -> str:
    return f"file:{home / Path(reference[5:]).expanduser()}" if reference.startswith("file:") else reference


def _credential(found: NamedAuth) -> Credential:
    return Credential(
        name=found.name,
        username=found.username,
        password=found.password,
        token=found.token,
        schemes=found.schemes,
    )
