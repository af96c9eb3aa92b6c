"""The API of one target: a description bound to a base URL, and the connections that carry its calls.

  api, handle   `OpenAPI`: a description bound to a base URL; a handle makes requests and sends none
  description   where descriptions come from
  calls         what a library user calls: sessions, request objects, answers with their types
  target        what a scan calls: one target's login and requests
  exchange      one target's HTTP conversation: pool, retries, redirects, links
  wire          one connection

The front door is lazy: `from fleet.client import Endpoint` loads the endpoint's module and not httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI
    from fleet.client.calls.answer import decoded
    from fleet.client.calls.fanout import Scanned, scan
    from fleet.client.calls.linked import Answered, LinkedCall, Links
    from fleet.client.calls.options import HandleOptions
    from fleet.client.calls.request import OperationRequest
    from fleet.client.calls.sequence import Sequence
    from fleet.client.calls.session import SessionFactory, sync_session
    from fleet.client.calls.stream import OpenAnswer, Stream
    from fleet.client.debug import start_debug_log, stop_debug_log
    from fleet.client.description.fixups import Fixups, Repaired
    from fleet.client.description.load import load_document
    from fleet.client.description.loaders import (
        ChainLoader,
        FileSystemLoader,
        Loader,
        NullLoader,
        PackageLoader,
        PrefixLoader,
        RedirectLoader,
        WebLoader,
    )
    from fleet.client.description.treecache import CachedParse
    from fleet.client.endpoint import Endpoint
    from fleet.client.errors import (
        CallFailed,
        HTTPClientError,
        HTTPServerError,
        HTTPStatusError,
        SchemaMismatch,
    )
    from fleet.client.exchange.exchange import Exchange
    from fleet.client.exchange.links import resolve_link
    from fleet.client.exchange.trail import Trail
    from fleet.client.message import Headers, Reply, Request
    from fleet.client.plugins import DocumentEvent, DocumentPlugin, InitPlugin, Message, MessagePlugin, Plugin
    from fleet.client.target.client import TargetClient
    from fleet.client.target.credential import Credential, Renewal
    from fleet.client.target.loginplan import LoginPlan
    from fleet.client.target.sessions import KeptSessions
    from fleet.client.web import Web
    from fleet.client.wire.certificate import Certificate
    from fleet.client.wire.connection import Connection
    from fleet.client.wire.dial import Dialer, peek_certificate
    from fleet.client.wire.failures import classify, failure_of
    from fleet.client.wire.kept import KeepingDialer, KeptConnections
    from fleet.client.wire.resolve import Resolver
    from fleet.client.wire.rustls import check_tls_library
    from fleet.client.wire.tls import TlsContexts
    from fleet.client.wire.transport import WireTransport


__all__ = [
    "Answered",
    "CachedParse",
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
    "KeepingDialer",
    "KeptConnections",
    "KeptSessions",
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
    "Renewal",
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
    "Trail",
    "Web",
    "WebLoader",
    "WireTransport",
    "check_tls_library",
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

load_lazily(
    __name__,
    {
        "api": ("OpenAPI",),
        "calls.answer": ("decoded",),
        "calls.fanout": ("Scanned", "scan"),
        "calls.linked": ("Answered", "LinkedCall", "Links"),
        "calls.options": ("HandleOptions",),
        "calls.request": ("OperationRequest",),
        "calls.session": ("SessionFactory", "sync_session"),
        "calls.sequence": ("Sequence",),
        "calls.stream": ("OpenAnswer", "Stream"),
        "debug": ("start_debug_log", "stop_debug_log"),
        "description.fixups": ("Fixups", "Repaired"),
        "description.load": ("load_document",),
        "description.loaders": (
            "ChainLoader",
            "FileSystemLoader",
            "Loader",
            "NullLoader",
            "PackageLoader",
            "PrefixLoader",
            "RedirectLoader",
            "WebLoader",
        ),
        "description.treecache": ("CachedParse",),
        "endpoint": ("Endpoint",),
        "errors": ("CallFailed", "HTTPClientError", "HTTPServerError", "HTTPStatusError", "SchemaMismatch"),
        "exchange.exchange": ("Exchange",),
        "exchange.links": ("resolve_link",),
        "exchange.trail": ("Trail",),
        "message": ("Headers", "Reply", "Request"),
        "plugins": ("DocumentEvent", "DocumentPlugin", "InitPlugin", "Message", "MessagePlugin", "Plugin"),
        "target.client": ("TargetClient",),
        "target.credential": ("Credential", "Renewal"),
        "target.loginplan": ("LoginPlan",),
        "target.sessions": ("KeptSessions",),
        "web": ("Web",),
        "wire.certificate": ("Certificate",),
        "wire.connection": ("Connection",),
        "wire.dial": ("Dialer", "peek_certificate"),
        "wire.failures": ("classify", "failure_of"),
        "wire.kept": ("KeepingDialer", "KeptConnections"),
        "wire.resolve": ("Resolver",),
        "wire.rustls": ("check_tls_library",),
        "wire.tls": ("TlsContexts",),
        "wire.transport": ("WireTransport",),
    },
)
