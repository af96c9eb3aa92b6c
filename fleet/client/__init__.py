"""The API of one target: a description bound to a base URL, and the connections that carry its calls.

The front door is lazy: `from fleet.client import Endpoint` loads the endpoint's module and not httpx.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet.client.certificate import Certificate
    from fleet.client.credential import Credential
    from fleet.client.dial import Dialer, peek_certificate
    from fleet.client.endpoint import Endpoint
    from fleet.client.exchange import Exchange
    from fleet.client.failures import classify, failure_of
    from fleet.client.links import resolve_link
    from fleet.client.login import LoginPlan
    from fleet.client.message import Headers, Reply, Request
    from fleet.client.resolve import Resolver
    from fleet.client.target import TargetClient
    from fleet.client.tls import TlsContexts
    from fleet.client.transport import WireTransport
    from fleet.client.wire import Connection

# Where each public name lives: one line per name, in the order of the modules.
_HOMES = {
    "Certificate": "certificate",
    "Credential": "credential",
    "Dialer": "dial",
    "peek_certificate": "dial",
    "Endpoint": "endpoint",
    "Exchange": "exchange",
    "classify": "failures",
    "failure_of": "failures",
    "resolve_link": "links",
    "LoginPlan": "login",
    "Headers": "message",
    "Reply": "message",
    "Request": "message",
    "Resolver": "resolve",
    "TargetClient": "target",
    "TlsContexts": "tls",
    "WireTransport": "transport",
    "Connection": "wire",
}

__all__ = [
    "Certificate",
    "Connection",
    "Credential",
    "Dialer",
    "Endpoint",
    "Exchange",
    "Headers",
    "LoginPlan",
    "Reply",
    "Request",
    "Resolver",
    "TargetClient",
    "TlsContexts",
    "WireTransport",
    "classify",
    "failure_of",
    "peek_certificate",
    "resolve_link",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
