"""The API of one target: a description bound to a base URL, and the connections that carry its calls.

The front door is lazy: `from fleet.client import Endpoint` loads the endpoint's module and not httpx.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet.client.answer import decoded
    from fleet.client.api import OpenAPI
    from fleet.client.certificate import Certificate
    from fleet.client.credential import Credential
    from fleet.client.debug import start_debug_log, stop_debug_log
    from fleet.client.description import load_document
    from fleet.client.dial import Dialer, peek_certificate
    from fleet.client.endpoint import Endpoint
    from fleet.client.errors import (
        CallFailed,
        HTTPClientError,
        HTTPServerError,
        HTTPStatusError,
        SchemaMismatch,
    )
    from fleet.client.exchange import Exchange
    from fleet.client.failures import classify, failure_of
    from fleet.client.fanout import Scanned, scan
    from fleet.client.fixups import Fixups, Repaired
    from fleet.client.linked import Answered, LinkedCall, Links
    from fleet.client.links import resolve_link
    from fleet.client.loaders import (
        ChainLoader,
        FileSystemLoader,
        Loader,
        NullLoader,
        PackageLoader,
        PrefixLoader,
        RedirectLoader,
        WebLoader,
    )
    from fleet.client.login import LoginPlan
    from fleet.client.message import Headers, Reply, Request
    from fleet.client.options import HandleOptions
    from fleet.client.plugins import DocumentEvent, DocumentPlugin, InitPlugin, Message, MessagePlugin, Plugin
    from fleet.client.request import OperationRequest
    from fleet.client.resolve import Resolver
    from fleet.client.session import SessionFactory, sync_session
    from fleet.client.stream import OpenAnswer, Sequence, Stream
    from fleet.client.target import TargetClient
    from fleet.client.tls import TlsContexts
    from fleet.client.transport import WireTransport
    from fleet.client.wire import Connection

# Where each public name lives: one line per name, in the order of the modules.
_HOMES = {
    "decoded": "answer",
    "OpenAPI": "api",
    "Certificate": "certificate",
    "Credential": "credential",
    "start_debug_log": "debug",
    "stop_debug_log": "debug",
    "load_document": "description",
    "Dialer": "dial",
    "peek_certificate": "dial",
    "Endpoint": "endpoint",
    "CallFailed": "errors",
    "HTTPClientError": "errors",
    "HTTPServerError": "errors",
    "HTTPStatusError": "errors",
    "SchemaMismatch": "errors",
    "Exchange": "exchange",
    "classify": "failures",
    "failure_of": "failures",
    "Scanned": "fanout",
    "scan": "fanout",
    "Fixups": "fixups",
    "Repaired": "fixups",
    "Answered": "linked",
    "LinkedCall": "linked",
    "Links": "linked",
    "resolve_link": "links",
    "ChainLoader": "loaders",
    "FileSystemLoader": "loaders",
    "Loader": "loaders",
    "NullLoader": "loaders",
    "PackageLoader": "loaders",
    "PrefixLoader": "loaders",
    "RedirectLoader": "loaders",
    "WebLoader": "loaders",
    "LoginPlan": "login",
    "Headers": "message",
    "Reply": "message",
    "Request": "message",
    "HandleOptions": "options",
    "DocumentEvent": "plugins",
    "DocumentPlugin": "plugins",
    "InitPlugin": "plugins",
    "Message": "plugins",
    "MessagePlugin": "plugins",
    "Plugin": "plugins",
    "OperationRequest": "request",
    "Resolver": "resolve",
    "SessionFactory": "session",
    "sync_session": "session",
    "OpenAnswer": "stream",
    "Sequence": "stream",
    "Stream": "stream",
    "TargetClient": "target",
    "TlsContexts": "tls",
    "WireTransport": "transport",
    "Connection": "wire",
}

__all__ = [
    "Answered",
    "CallFailed",
    "Certificate",
    "ChainLoader",
    "Connection",
    "Credential",
    "Dialer",
    "DocumentEvent",
    "DocumentPlugin",
    "Endpoint",
    "Exchange",
    "FileSystemLoader",
    "Fixups",
    "HTTPClientError",
    "HTTPServerError",
    "HTTPStatusError",
    "HandleOptions",
    "Headers",
    "InitPlugin",
    "LinkedCall",
    "Links",
    "Loader",
    "LoginPlan",
    "Message",
    "MessagePlugin",
    "NullLoader",
    "OpenAPI",
    "OpenAnswer",
    "OperationRequest",
    "PackageLoader",
    "Plugin",
    "PrefixLoader",
    "RedirectLoader",
    "Repaired",
    "Reply",
    "Request",
    "Resolver",
    "Scanned",
    "SchemaMismatch",
    "Sequence",
    "SessionFactory",
    "Stream",
    "TargetClient",
    "TlsContexts",
    "WebLoader",
    "WireTransport",
    "classify",
    "decoded",
    "failure_of",
    "load_document",
    "peek_certificate",
    "resolve_link",
    "scan",
    "start_debug_log",
    "stop_debug_log",
    "sync_session",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
