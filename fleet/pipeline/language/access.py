"""How a target is entered, and for how long: credentials, sessions, deadlines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fleet.pipeline.language.durations import Duration
from fleet.pipeline.language.keys import Expr, HttpStatus, Model, StepName, Text
from fleet.policy import Validate


class SecuritySpec(Model):
    """The authentication of an API whose description leaves it out; ignored where that has schemes."""

    schemes: dict[Text, dict[str, Any]] = Field(
        min_length=1, description="Security schemes by name, as under securitySchemes of OpenAPI."
    )
    required: tuple[dict[str, tuple[str, ...]], ...] = Field(
        default=(), description="The alternatives that every operation needs, as `security` of OpenAPI."
    )


class LoginSpec(Model):
    """A session around each target; logged out even when the scan is cancelled."""

    operation: Text = Field(description="The operation that opens a session.")
    from_: StepName | None = Field(
        default=None, alias="from", description="A step whose resource may name the collection."
    )
    link: Expr | None = Field(default=None, description="The expression that names it; tried first.")
    alternatives: tuple[Text, ...] = Field(
        default=(), description="Paths tried when the operation's is unavailable."
    )
    body: dict[str, Any] = Field(
        default_factory=dict, description="A plain value is a literal, {expr: ...} an expression."
    )
    token: Expr = Field(description="Where the answer holds the token, as $response.header.X-Auth-Token.")
    scheme: Text = Field(description="The security scheme that the token satisfies.")
    session: Expr | None = Field(default=None, description="Where the answer names the session to delete.")
    logout: Literal["DELETE"] | None = Field(
        default="DELETE", description="How the session is closed; null leaves it to the host."
    )
    unavailable: tuple[HttpStatus, ...] = Field(
        default=(404, 405, 501), description="These answers mean 'no session service here'."
    )
    fallback: Text | None = Field(
        default=None,
        description="The scheme used when there is no session service; never after a refused login.",
    )


class TimeoutSpec(Model):
    """Deadlines in wall-clock time."""

    connect: Duration | None = Field(
        default=None, description="To resolve and connect, the proxy's handshake included. Default 5s."
    )
    tls: Duration | None = Field(
        default=None, description="For the TLS handshake; never more than `request`. Default 10s."
    )
    request: Duration | None = Field(
        default=None, description="From the first byte sent to the last byte read. Default 20s."
    )
    target: Duration | None = Field(
        default=None, description="For everything about one target, retries included. Default 5m."
    )


class DefaultsSpec(Model):
    """What holds unless the command line says otherwise."""

    per_target: int | None = Field(
        default=None, alias="perTarget", ge=1, le=64, description="Connections per target."
    )
    timeout: TimeoutSpec = Field(default_factory=TimeoutSpec, description="Wall-clock deadlines.")
    validate_: Validate = Field(
        default="warn", alias="validate", description="What an answer that breaks its schema means."
    )
