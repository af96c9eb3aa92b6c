"""Credentials as an auths file writes them: a name, and references to where its secrets are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.inventory.credentials.given import Given
from fleet.inventory.credentials.secrets import SecretReader
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory.credentials.model import AuthModel

MAX_TRIES = 3  # readings, where the files are swapped in between


class Written:
    """The references of one credential. Files are read again when they have changed; what stands in the
    environment, or was typed, stays."""

    own = False

    def __init__(
        self,
        name: str,
        model: AuthModel,
        secrets: SecretReader,
        *,
        username: str | None,
        password: str | None,
    ) -> None:
        """`username` and `password` (a reference) stand in for those of the model."""
        self._name = name
        self._secrets = secrets
        self._username = username if model.username is not None and username is not None else model.username
        self._password = password if model.username is not None and password is not None else model.password
        self._token = model.token
        self._schemes = dict(model.schemes)
        # Every target asks for it.
        self.renewable: bool = any(secrets.file_of(reference) is not None for reference in self._references)

    def read(self, target: Target | None) -> Given:
        """All of it from one state of the files: a Kubernetes volume is swapped as a whole, in an instant."""
        for _ in range(MAX_TRIES - 1):
            before = self.stamp()
            given = self._given()
            if self.stamp() == before:
                return given
        return self._given()

    def stamp(self) -> object:
        return tuple(
            self._secrets.stamp(reference)
            for reference in self._references
            if self._secrets.file_of(reference) is not None
        )

    @property
    def _references(self) -> tuple[str, ...]:
        named = (self._username, self._password, self._token, *self._schemes.values())
        return tuple(reference for reference in named if reference is not None)

    def _given(self) -> Given:
        name, secrets = self._name, self._secrets
        return Given(
            self._user(),
            secrets.read(self._password, f"password of {name}") if self._password else None,
            secrets.read(self._token, f"token of {name}") if self._token else None,
            {
                scheme: secrets.read(reference, f"{scheme} of {name}")
                for scheme, reference in self._schemes.items()
            },
        )

    def _user(self) -> str | None:
        if self._username is not None and self._username.startswith(
            ("env:", "file:", "$CREDENTIALS_DIRECTORY/")
        ):
            return self._secrets.read(self._username, f"username of {self._name}").reveal()
        return self._username


class Typed:
    """The credential that `--user` makes: a name from the command line, a secret that is typed once."""

    own = False
    renewable = False

    def __init__(self, username: str, secrets: SecretReader, password: str) -> None:
        self._username = username
        self._secrets = secrets
        self._password = password

    def read(self, target: Target | None) -> Given:
        return Given(self._username, self._secrets.read(self._password, f"password of {self._username}"))

    def stamp(self) -> object:
        return None
