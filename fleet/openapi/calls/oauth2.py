"""What OAuth2 takes: a token, or what a service gives one for without asking a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fleet.openapi.model import Flow, SecurityScheme
from fleet.secret import Secret


class PasswordGrant(NamedTuple):
    """Somebody's name and password, for the password flow (RFC 6749, 4.3); the client's own, and the scopes,
    where its service wants them."""

    username: str | Secret
    password: str | Secret
    client_id: str | Secret = ""
    client_secret: str | Secret = ""
    scope: str | Secret = ""


def client_credentials(scheme: SecurityScheme) -> Flow | None:
    """The flow of a scheme that needs nobody, if it has one."""
    return _flow(scheme, "clientCredentials")


def password_flow(scheme: SecurityScheme) -> Flow | None:
    """The flow of a scheme that takes somebody's password, if it has one."""
    return _flow(scheme, "password")


def _flow(scheme: SecurityScheme, kind: str) -> Flow | None:
    return next((flow for flow in scheme.flows if flow.kind == kind and flow.token_url), None)


def checked(scheme: SecurityScheme, value: Any) -> tuple[str | Secret | tuple[str | Secret, ...] | None, str]:
    """The value as it is kept, or None; and what the scheme takes, in words."""
    takes = ["a token"]
    fits: tuple[str | Secret, ...] | None = None
    if client_credentials(scheme) is not None:
        takes.append("(client id, client secret[, scopes])")
        if isinstance(value, tuple | list) and len(value) in {2, 3} and all(map(_is_text, value)):
            fits = tuple(value)
    if password_flow(scheme) is not None:
        takes.append("{'username': ..., 'password': ...} (client_id, client_secret and scope where needed)")
        if isinstance(value, Mapping) and {"username", "password"} <= value.keys() <= _NAMES:
            fits = PasswordGrant(**value) if all(map(_is_text, value.values())) else None
    if len(takes) == 1:
        kinds = ", ".join(flow.kind for flow in scheme.flows) or "none"
        takes = [f"a token, as text: its flows ({kinds}) are not spoken here"]
    return (value if _is_text(value) else fits), ", or ".join(takes)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | Secret) and bool(value)


_NAMES = set(PasswordGrant._fields)
