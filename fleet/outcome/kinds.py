"""The closed, public set of failure kinds, each with whose fault it is and what to do about it."""

# ruff: noqa: E501  (one kind, one line: the table is read downwards)

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Blame = Literal["target", "proxy", "local", "spec", "policy"]


class FailureKind(StrEnum):
    """Every way a target can fail: a closed, public set. Kinds are added, never renamed.

    `blame` says whose fault it is, `retryable` whether sending the same idempotent request again may
    help, and `hint` what a person can do about it.
    """

    blame: Blame
    retryable: bool
    hint: str

    def __new__(cls, value: str, blame: Blame, retryable: bool, hint: str) -> FailureKind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.blame = blame
        member.retryable = retryable
        member.hint = hint
        return member

    # fmt: off
    DNS_NOT_FOUND = "dns.not_found", "target", False, "the name does not resolve: check its spelling, or the search domain"
    DNS_UNAVAILABLE = "dns.unavailable", "local", True, "the resolver did not answer: check this machine's DNS, then resume"

    CONNECT_REFUSED = "connect.refused", "target", True, "nothing listens on this port: check the port, or that the service is up"
    CONNECT_UNREACHABLE = "connect.unreachable", "target", True, "no route to the host: check power, cabling, VLAN and firewall"
    CONNECT_RESET = "connect.reset", "target", True, "the host closed the connection: it may be overloaded; try --per-target 1"

    TIMEOUT_CONNECT = "timeout.connect", "target", True, "no answer to the connection: host down, or a firewall drops packets"
    TIMEOUT_TLS = "timeout.tls", "target", True, "connected, but the TLS handshake never ended: the host may be overloaded"
    TIMEOUT_REQUEST = "timeout.request", "target", True, "the answer took too long: raise --timeout, or the step's timeout"
    TIMEOUT_TARGET = "timeout.target", "target", False, "the whole target took too long: raise --deadline, or ask for fewer steps"

    PROXY_UNREACHABLE = "proxy.unreachable", "proxy", True, "the proxy itself cannot be reached: start it, then resume"
    PROXY_AUTH = "proxy.auth", "proxy", False, "the proxy refused our credentials: check the proxies: section"
    PROXY_REFUSED = "proxy.refused", "proxy", False, "the proxy refused to connect to this host: check its rules"
    PROXY_TIMEOUT = "proxy.timeout", "proxy", True, "the proxy accepted the request and never answered"
    PROXY_PROTOCOL = "proxy.protocol", "proxy", False, "the proxy does not speak the protocol of its URL scheme"
    PROXY_NO_ANSWER = "proxy.no_answer", "proxy", True, "the proxy said it connected, but no byte came from the host: it is likely down"

    TLS_EXPIRED = "tls.expired", "target", False, "the certificate has expired: renew it, or pin it (fleet tls learn)"
    TLS_NOT_YET_VALID = "tls.not_yet_valid", "target", False, "the certificate is not valid yet: check the clocks"
    TLS_SELF_SIGNED = "tls.self_signed", "target", False, "self-signed certificate: pin it with 'fleet tls learn', or give --cacert"
    TLS_UNKNOWN_CA = "tls.unknown_ca", "target", False, "signed by an unknown authority: give its certificate with --cacert"
    TLS_HOSTNAME = "tls.hostname", "target", False, "the certificate names another host: scan by the name it holds, or pin it"
    TLS_PIN = "tls.pin", "target", False, "the certificate is not the pinned one: replaced, or somebody in between; check, then learn again"
    TLS_VERSION = "tls.version", "target", False, "no TLS version in common: old firmware may need --tls-profile legacy"
    TLS_HANDSHAKE = "tls.handshake", "target", False, "the TLS handshake failed: old firmware may need --tls-profile legacy"
    TLS_CLIENT_CERT = "tls.client_cert", "target", False, "the host asks for a client certificate"
    TLS_PLAIN_HTTP = "tls.plain_http", "target", False, "plain HTTP answered where TLS was expected: use http:// for this target"

    AUTH_REJECTED = "auth.rejected", "policy", False, "the credentials were refused (401): check the auth bound to these targets"
    AUTH_FORBIDDEN = "auth.forbidden", "policy", False, "the account may not do this (403): check its role and the licence"
    AUTH_LOCKED = "auth.locked", "policy", False, "the account or this client is locked out: wait before trying again"
    AUTH_SESSION_LIMIT = "auth.session_limit", "target", False, "no free session on the host: close stale ones, or wait"
    AUTH_EXPIRED = "auth.expired", "target", False, "the session was refused again right after a new login"
    AUTH_PASSWORD_CHANGE = "auth.password_change", "policy", False, "the host demands a new password first"
    AUTH_PAUSED = "auth.paused", "policy", False, "too many logins failed with this credential: it was paused for the fleet"
    AUTH_UNPROTECTED = "auth.unprotected", "policy", False, "credentials were not sent over an unprotected connection: use https://"

    HTTP_NOT_FOUND = "http.not_found", "target", False, "404: the host does not offer this resource; is it the right API?"
    HTTP_UNAVAILABLE = "http.unavailable", "target", True, "429 or 503: the host is busy; resume later or lower --rate"
    HTTP_STATUS = "http.status", "target", False, "an unexpected HTTP status"

    PROTOCOL_FRAMING = "protocol.framing", "target", False, "the answer is not valid HTTP: is another service on this port?"
    PROTOCOL_TRUNCATED = "protocol.truncated", "target", True, "the answer ended early"
    PROTOCOL_HEADERS_TOO_LARGE = "protocol.headers_too_large", "target", False, "the answer's headers exceed the limit"
    PROTOCOL_TOO_MANY_1XX = "protocol.too_many_1xx", "target", False, "endless interim answers"

    BODY_TOO_LARGE = "body.too_large", "target", False, "the decoded body exceeds the limit (--max-body)"
    BODY_ENCODING = "body.encoding", "target", False, "the body does not decode as its Content-Encoding says"
    BODY_NOT_JSON = "body.not_json", "target", False, "the body is not JSON: is this a login page, or another service?"
    BODY_TOO_DEEP = "body.too_deep", "target", False, "the JSON nests deeper than the limit"

    REDIRECT_BLOCKED = "redirect.blocked", "target", False, "a redirect to another origin was not followed; nothing was sent there"
    REDIRECT_LOOP = "redirect.loop", "target", False, "too many redirects"
    LINK_FOREIGN = "link.foreign", "target", False, "a link to another origin was not followed; nothing was sent there"
    LINK_LIMIT = "link.limit", "target", False, "a limit on pages or resources was reached, or pages repeat"

    SCHEMA_MISMATCH = "schema.mismatch", "target", False, "the answer does not match the description (validate: fail)"
    SPEC_NOT_THIS_API = "spec.not_this_api", "spec", False, "the host answers, but does not offer this API"

    LOCAL_DESCRIPTORS = "local.descriptors", "local", True, "out of file descriptors: raise 'ulimit -n', or lower --concurrency"
    LOCAL_PORTS = "local.ports", "local", True, "out of local ports: lower --concurrency, or widen ip_local_port_range"
    LOCAL_DISK = "local.disk", "local", False, "a local disk is full or not writable"
    LOCAL_CANCELLED = "local.cancelled", "local", False, "stopped before it was done: 'fleet resume' scans it"
    LOCAL_INTERNAL = "local.internal", "local", False, "a bug in fleet: the log has the traceback; please report it"

    SKIPPED_EMPTY = "skipped.empty", "policy", False, "nothing listens there (--discover)"
    SKIPPED_PAUSED = "skipped.paused", "policy", False, "skipped while its credential or proxy was paused: resume later"
    # fmt: on

    @property
    def group(self) -> str:
        """The class of the kind: `timeout` of `timeout.connect`."""
        return self.value.partition(".")[0]
