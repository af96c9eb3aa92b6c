"""The values of a credential, from wherever they come: what is between a source and who uses them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from fleet.errors import SecretError
from fleet.frozen import frozen
from fleet.inventory.credentials.secrets import checked
from fleet.quantities import parse_duration
from fleet.secret import Secret
from fleet.target import Target

KEYS = ("username", "password", "token", "schemes", "expires")
LONGEST_SECONDS = 366 * 86400.0  # seconds that values may be kept; whatever asks for longer is kept this long
_USER = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


@frozen
class Given:
    """What a source has given. `seconds` is how long it may be kept; None: until it is refused."""

    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    schemes: Mapping[str, Secret] = field(default_factory=dict)
    seconds: float | None = None


class Source(Protocol):
    """Where the values of one credential come from. Reading blocks."""

    @property
    def own(self) -> bool:
        """Whether each target has values of its own."""

    @property
    def renewable(self) -> bool:
        """Whether reading again may give other values."""

    def read(self, target: Target | None) -> Given:
        """The values, for a target where each has its own. Raises SecretError."""

    def stamp(self) -> object:
        """What differs once the values may have changed, found out cheaply; None where that cannot be."""


def given_of(value: object, subject: str, *, username: str | None = None) -> Given:
    """The credential in a JSON object. Raises SecretError, which repeats no key and no value."""
    if not isinstance(value, Mapping):
        raise SecretError(f"{subject} is not a JSON object", hint=f"its keys are {', '.join(KEYS)}")
    if not value.keys() <= set(KEYS):
        raise SecretError(f"{subject} has unknown keys", hint=f"the keys are {', '.join(KEYS)}")
    schemes = value.get("schemes") or {}
    if not isinstance(schemes, Mapping):
        raise SecretError(f"{subject}: schemes is not an object")
    given = Given(
        _username(value.get("username"), subject) or username,
        secret_of(value.get("password"), f"{subject}: password"),
        secret_of(value.get("token"), f"{subject}: token"),
        {
            name: secret
            for name, item in schemes.items()
            if (secret := secret_of(item, f"{subject}: a value of schemes")) is not None
        },
        seconds_of(value.get("expires"), subject),
    )
    return whole(given, subject)


def whole(given: Given, subject: str) -> Given:
    """The values, if they are a credential: a user with a password, a token, or values for schemes."""
    if given.password is not None and given.username is None:
        raise SecretError(f"{subject} has a password and no username", hint="`username:` beside it names one")
    if given.password is None and given.token is None and not given.schemes:
        raise SecretError(f"{subject} has no password, no token and no schemes")
    return given


def secret_of(value: Any, subject: str) -> Secret | None:
    """A secret of a JSON answer; None where there is none. Raises SecretError for what cannot be one."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise SecretError(f"{subject} is not a text")
    return checked(value, subject)


def seconds_of(value: Any, subject: str) -> float | None:
    """Seconds of a number or a duration (`10m`); None where there is none. Raises SecretError."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return min(parse_duration(value), LONGEST_SECONDS)
        except ValueError:
            raise SecretError(f"{subject}: expires is no duration", hint="write seconds, or 10m") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise SecretError(f"{subject}: expires is not a number of seconds above 0")
    return min(float(value), LONGEST_SECONDS)


def _username(value: Any, subject: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise SecretError(f"{subject}: username is not a name")
    return value
