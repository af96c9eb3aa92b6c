"""How a target is entered, and for how long: credentials, sessions, deadlines."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fleet.frozen import frozen
from fleet.pipeline.language.section import Section
from fleet.policy import Validate

if TYPE_CHECKING:
    from pydantic import Field

    from fleet.pipeline.language.keys import Duration, Expr, HttpStatus, StepName, Text


@frozen(kw_only=True)
class SecuritySpec(Section):
    """The authentication of an API whose description leaves it out; ignored where that has schemes."""

    schemes: Annotated[
        dict[Text, dict[str, Any]],
        Field(min_length=1, description="Security schemes by name, as under securitySchemes of OpenAPI."),
    ]
    required: Annotated[
        tuple[dict[str, tuple[str, ...]], ...],
        Field(description="The alternatives that every operation needs, as `security` of OpenAPI."),
    ] = ()


@frozen(kw_only=True)
class LoginSpec(Section):
    """A session around each target; logged out even when the scan is cancelled."""

    operation: Annotated[Text, Field(description="The operation that opens a session.")]
    from_: Annotated[
        StepName | None, Field(alias="from", description="A step whose resource may name the collection.")
    ] = None
    link: Annotated[Expr | None, Field(description="The expression that names it; tried first.")] = None
    alternatives: Annotated[
        tuple[Text, ...], Field(description="Paths tried when the operation's is unavailable.")
    ] = ()
    body: Annotated[
        dict[str, Any], Field(description="A plain value is a literal, {expr: ...} an expression.")
    ] = field(default_factory=dict)
    token: Annotated[
        Expr, Field(description="Where the answer holds the token, as $response.header.X-Auth-Token.")
    ]
    scheme: Annotated[Text, Field(description="The security scheme that the token satisfies.")]
    session: Annotated[Expr | None, Field(description="Where the answer names the session to delete.")] = None
    logout: Annotated[
        Literal["DELETE"] | None, Field(description="How the session is closed; null leaves it to the host.")
    ] = "DELETE"
    unavailable: Annotated[
        tuple[HttpStatus, ...], Field(description="These answers mean 'no session service here'.")
    ] = (404, 405, 501)
    fallback: Annotated[
        Text | None,
        Field(description="The scheme used when there is no session service; never after a refused login."),
    ] = None


@frozen(kw_only=True)
class TimeoutSpec(Section):
    """Deadlines in wall-clock time."""

    connect: Annotated[
        Duration | None,
        Field(description="To resolve and connect, the proxy's handshake included. Default 5s."),
    ] = None
    tls: Annotated[
        Duration | None, Field(description="For the TLS handshake; never more than `request`. Default 10s.")
    ] = None
    request: Annotated[
        Duration | None, Field(description="From the first byte sent to the last byte read. Default 20s.")
    ] = None
    target: Annotated[
        Duration | None, Field(description="For everything about one target, retries included. Default 5m.")
    ] = None


@frozen(kw_only=True)
class DefaultsSpec(Section):
    """What holds unless the command line says otherwise."""

    per_target: Annotated[
        int | None, Field(alias="perTarget", ge=1, le=64, description="Connections per target.")
    ] = None
    timeout: Annotated[TimeoutSpec, Field(description="Wall-clock deadlines.")] = field(
        default_factory=TimeoutSpec
    )
    validate_: Annotated[
        Validate,
        Field(alias="validate", description="What an answer that breaks its schema means."),
    ] = "warn"
