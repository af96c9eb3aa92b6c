"""Credentials from HashiCorp Vault (or OpenBao): version 2 of the key/value store, by its HTTP API.

    vault:
      address: https://vault.example:8200
      kubernetes: {role: fleet}          # or approle: {role_id: ..., secret_id: ...}; or token: env:NAME
    auths:
      racks: {vault: bmc/racks}          # its keys username and password
      each: {vault: {path: "bmc/{host}", fields: {username: user}}}

Four requests are all that is needed, so they are made here, with fleet's deadlines and limits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fleet.client import Web
from fleet.errors import SecretError
from fleet.inventory.address import shown
from fleet.inventory.credentials.given import LONGEST_SECONDS, Given, secret_of, whole
from fleet.inventory.credentials.placeholders import Template
from fleet.inventory.credentials.secrets import SecretReader
from fleet.quantities import parse_duration
from fleet.secret import Secret
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.client import Reply
    from fleet.inventory.credentials.model import VaultModel, VaultSecretModel

MAX_ANSWER_BYTES = 1024 * 1024  # bytes of one answer
EARLY_SHARE = 2 / 3  # of a token's life: then a new login
_REFUSED = {
    400: "the request is not valid: check the mount and the role",
    403: "permission denied: check the token's policy",
    404: "no such secret: check mount and path, and that it is a key/value store of version 2",
    429: "too many requests",
    472: "a standby of disaster recovery answered",
    473: "a performance standby answered",
    501: "Vault is not initialised",
    503: "Vault is sealed, or down for maintenance",
}


class Vault:
    """One Vault, logged in to when it is first needed. Threads share it."""

    def __init__(
        self, model: VaultModel, secrets: SecretReader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._model = model
        self._secrets = secrets
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._until = float("inf")
        self._web = Web(
            model.address.rstrip("/"),
            what="vault",
            error=SecretError,
            seconds=parse_duration(model.timeout),
            most=MAX_ANSWER_BYTES,
            ca_file=model.ca_file,
        )

    def read(self, mount: str, path: str, version: int | None) -> tuple[Mapping[str, Any], float | None]:
        """The data of a secret, and for how many seconds it is lent, if it is. Raises SecretError.

        A token that is refused is replaced once: by a new login, or by what its file holds now.
        """
        place = f"/v1/{quote(mount)}/data/{path}" + (f"?version={version}" if version is not None else "")
        token = self._current(None)
        reply = self._ask(place, token)
        if reply.status == 403:
            other = self._current(token)
            if other != token:
                token = other
                reply = self._ask(place, token)
        answer = self._answer(reply, token, f"{mount}/{path}")
        data = answer.get("data")
        data = data.get("data") if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping):
            raise SecretError(
                f"vault: {mount}/{path}: the answer has no data", hint="is it a key/value store of version 2?"
            )
        return data, _lent(answer)

    def _current(self, refused: Secret | None) -> Secret:
        """The token to ask with: another one than `refused`, if there is any."""
        with self._lock:
            if self._token is None or self._token == refused or self._clock() >= self._until:
                self._token, seconds = self._log_in()
                self._until = self._clock() + seconds * EARLY_SHARE
            return self._token

    def _log_in(self) -> tuple[Secret, float]:
        model, read = self._model, self._secrets.read
        if model.token is not None:
            return read(model.token, "token of vault"), float("inf")
        if model.approle is not None:
            role = model.approle
            body = {"role_id": read(role.role_id, "role_id of vault").reveal()}
            if role.secret_id is not None:
                body["secret_id"] = read(role.secret_id, "secret_id of vault").reveal()
            return self._exchange(role.mount, body)
        pod = model.kubernetes
        assert pod is not None  # noqa: S101  (the model has one of the three)
        return self._exchange(pod.mount, {"role": pod.role, "jwt": read(pod.jwt, "jwt of vault").reveal()})

    def _exchange(self, mount: str, body: Mapping[str, str]) -> tuple[Secret, float]:
        """A token for what proves who we are, and its life in seconds."""
        if not self._web.protected:
            raise SecretError(
                "vault: a login is not sent over plain HTTP", hint="write https:// as its address"
            )
        reply = self._web.ask(
            f"/v1/auth/{quote(mount)}/login", method="POST", body=body, headers=self._namespace()
        )
        answer = self._answer(reply, None, f"the login at auth/{mount}")
        auth = answer.get("auth")
        if not isinstance(auth, Mapping) or not auth.get("client_token"):
            raise SecretError(f"vault: the login at auth/{mount} gave no token")
        token = secret_of(auth["client_token"], "vault: the token")
        assert token is not None  # noqa: S101  (it is no empty value)
        return token, _lent(auth) or float("inf")

    def _ask(self, place: str, token: Secret) -> Reply:
        return self._web.ask(place, headers={**self._namespace(), "X-Vault-Token": token})

    def _namespace(self) -> dict[str, str | Secret]:
        named = {"X-Vault-Namespace": self._model.namespace} if self._model.namespace else {}
        return {"X-Vault-Request": "true", **named}

    def _answer(self, reply: Reply, token: Secret | None, subject: str) -> Mapping[str, Any]:
        """The object of a good answer. Raises SecretError with the status of any other, and nothing that it
        says: it may say what it was sent."""
        if reply.status != 200:
            why = _REFUSED.get(reply.status, "unexpected")
            raise SecretError(f"vault: {subject}: {reply.status}", hint=why)
        value = self._web.json(reply)
        if not isinstance(value, Mapping):
            raise SecretError(f"vault: {subject}: the answer is not a JSON object")
        return value


class VaultSecret:
    """The secret that gives one credential."""

    renewable = True

    def __init__(self, name: str, model: VaultSecretModel, vault: Vault, username: str | None) -> None:
        self._name = name
        self._model = model
        self._path = Template(model.path.strip("/"))
        self._vault = vault
        self._username = username
        self._keep = parse_duration(model.keep) if model.keep is not None else None

    @property
    def own(self) -> bool:
        return self._path.own

    def read(self, target: Target | None) -> Given:
        model = self._model
        data, lent = self._vault.read(model.mount, self._path.fill(target, _segment), model.version)
        subject = f"vault: the secret of {self._name}"
        username = data.get(model.key("username"))
        if username is not None and not isinstance(username, str):
            raise SecretError(f"{subject}: username is not a text")
        schemes = {
            scheme: secret_of(data.get(key), f"{subject}: {shown(key)}")
            for scheme, key in model.schemes.items()
        }
        given = Given(
            username or self._username,
            secret_of(data.get(model.key("password")), f"{subject}: password"),
            secret_of(data.get(model.key("token")), f"{subject}: token"),
            {scheme: secret for scheme, secret in schemes.items() if secret is not None},
            lent or self._keep,
        )
        return whole(given, subject)

    def stamp(self) -> object:
        return None


def _lent(answer: Mapping[str, Any]) -> float | None:
    """For how many seconds something is lent; None for what has no end."""
    seconds = answer.get("lease_duration")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return None
    return min(float(seconds), LONGEST_SECONDS)


def _segment(value: str) -> str:
    """A value as one segment of a path, whatever an inventory says."""
    if value in (".", ".."):
        raise SecretError("a placeholder of a path of vault stands for no name")
    return quote(value, safe="")
