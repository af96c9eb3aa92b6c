"""The closed, public set of failure kinds, each with whose fault it is and what to do about it."""

# ruff: noqa: E501  (one kind, one line: the table is read downwards)

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Blame = Literal["target", "proxy", "local", "spec", "policy"]


class FailureKind(StrEnum):
    """Every way a target can fail: a closed, public set. Kinds are added, never renamed.

    `blame` says whose fault it is, `retryable` whether sending the same idempotent request again may
    help, `meaning` what happened, and `hint` what a person can do about it ("" where there is nothing to do).
    """

    blame: Blame
    retryable: bool
    meaning: str
    hint: str

    def __new__(cls, value: str, blame: Blame, retryable: bool, meaning: str, hint: str) -> FailureKind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.blame = blame
        member.retryable = retryable
        member.meaning = meaning
        member.hint = hint
        return member

    # fmt: off
    DNS_NOT_FOUND = "dns.not_found", "target", False, "the name does not resolve", "check its spelling, or the search domain"
    DNS_UNAVAILABLE = "dns.unavailable", "local", True, "the resolver did not answer", "check this machine's DNS, then resume"

    CONNECT_REFUSED = "connect.refused", "target", True, "nothing listens on this port", "check the port, and that the service is up"
    CONNECT_UNREACHABLE = "connect.unreachable", "target", True, "there is no route to the host", "check power, cabling, VLAN and firewall"
    CONNECT_RESET = "connect.reset", "target", True, "the host closed the connection", "it may be overloaded: try --per-target 1; or it wants TLS (https://), or an older one (--tls-profile legacy)"

    TIMEOUT_CONNECT = "timeout.connect", "target", True, "no answer to the connection", "the host is down, or a firewall drops packets; --connect-timeout waits longer"
    TIMEOUT_TLS = "timeout.tls", "target", True, "connected, but the TLS handshake never ended", "the host may be overloaded: resume later, or try --per-target 1"
    TIMEOUT_REQUEST = "timeout.request", "target", True, "the whole answer did not come in time", "raise --timeout (or the step's `timeout`), or try --per-target 1"
    TIMEOUT_TARGET = "timeout.target", "target", False, "everything about the target together took too long", "raise --deadline, or ask for fewer steps"

    PROXY_UNREACHABLE = "proxy.unreachable", "proxy", True, "the proxy itself cannot be reached", "start it, then resume"
    PROXY_AUTH = "proxy.auth", "proxy", False, "the proxy refused our credentials", "check user and password under `proxies:`"
    PROXY_REFUSED = "proxy.refused", "proxy", False, "the proxy refused to connect to this host", "check the proxy's rules, and that it can reach the host"
    PROXY_TIMEOUT = "proxy.timeout", "proxy", True, "the proxy took the request and never answered", "the host is likely down behind it; --connect-timeout waits longer"
    PROXY_RESET = "proxy.reset", "proxy", True, "the proxy closed the connection without a word", "it may be overloaded: lower --per-proxy; or check the scheme and the port of its URL"
    PROXY_PROTOCOL = "proxy.protocol", "proxy", False, "the proxy does not speak the protocol of its URL scheme", "check the scheme of its URL (socks5h, socks5, socks4, http) and the port"
    PROXY_NO_ANSWER = "proxy.no_answer", "proxy", True, "the proxy said it connected, but no byte came from the host", "the host is likely down: `ssh -D` reports success before it connects"

    TLS_EXPIRED = "tls.expired", "target", False, "the certificate has expired", "renew it, or pin it: fleet tls learn, then --pins"
    TLS_NOT_YET_VALID = "tls.not_yet_valid", "target", False, "the certificate is not valid yet", "check the clocks, the host's and this machine's"
    TLS_SELF_SIGNED = "tls.self_signed", "target", False, "the certificate is self-signed", "pin it: fleet tls learn, then --pins; or trust it with --cacert"
    TLS_UNKNOWN_CA = "tls.unknown_ca", "target", False, "the certificate is signed by an authority that is not trusted", "give that authority's certificate with --cacert, or pin: fleet tls learn, then --pins"
    TLS_HOSTNAME = "tls.hostname", "target", False, "the certificate names another host", "scan by the name it holds, or pin it: fleet tls learn, then --pins"
    TLS_PIN = "tls.pin", "target", False, "the certificate is not the pinned one, or none is pinned", "no pin yet: fleet tls learn; changed: find out why, then learn with --accept-changes"
    TLS_VERSION = "tls.version", "target", False, "no TLS version in common", "old firmware may need --tls-profile legacy"
    TLS_HANDSHAKE = "tls.handshake", "target", False, "the TLS handshake failed", "old firmware may need --tls-profile legacy"
    TLS_CLIENT_CERT = "tls.client_cert", "target", False, "the host asks for a client certificate", "fleet has none to give: allow this machine in without one"
    TLS_PLAIN_HTTP = "tls.plain_http", "target", False, "plain HTTP answered where TLS was expected", "write http:// before this target, or check the port"

    AUTH_REJECTED = "auth.rejected", "policy", False, "the credentials were refused, or none were given (401)", "check user name, password, and which credential these targets use (--auths, --user)"
    AUTH_FORBIDDEN = "auth.forbidden", "policy", False, "the account may not do this (403)", "check the account's role and the host's licence"
    AUTH_LOCKED = "auth.locked", "policy", False, "the account, or this client, is locked out", "wait before you try again; every further login may prolong it"
    AUTH_SESSION_LIMIT = "auth.session_limit", "target", False, "the host has no free session", "close stale sessions, or wait until they expire, then resume"
    AUTH_EXPIRED = "auth.expired", "target", False, "the session was refused again right after a new login", "look at the host's session service and its clock"
    AUTH_PASSWORD_CHANGE = "auth.password_change", "policy", False, "the host demands a new password first", "log in once by hand and set it"
    AUTH_PAUSED = "auth.paused", "policy", False, "the credential was paused for the fleet: too many logins failed with it", "correct the credential, then resume"
    AUTH_UNAVAILABLE = "auth.unavailable", "local", True, "the credential of this target could not be read", "look at the helper or the secret store that gives it, then resume"
    AUTH_UNPROTECTED = "auth.unprotected", "policy", False, "credentials were kept back from an unprotected connection", "use https:// where the host speaks it"

    HTTP_NOT_FOUND = "http.not_found", "target", False, "404 where the spec expects a resource", "is it the right API? a step that may be absent says `optional: [404]`"
    HTTP_UNAVAILABLE = "http.unavailable", "target", True, "429 or 503, after every retry", "the host is busy: resume later, or lower --rate"
    HTTP_STATUS = "http.status", "target", False, "an unexpected HTTP status", "ask for the same with fleet call, and look at the host's log"

    PROTOCOL_FRAMING = "protocol.framing", "target", False, "the answer is not valid HTTP", "is another service on this port?"
    PROTOCOL_TRUNCATED = "protocol.truncated", "target", True, "the answer ended early", "the service may have crashed or restarted: resume later"
    PROTOCOL_HEADERS_TOO_LARGE = "protocol.headers_too_large", "target", False, "the answer's headers exceed the limit", "is another service on this port?"
    PROTOCOL_TOO_MANY_1XX = "protocol.too_many_1xx", "target", False, "endless interim answers", "is another service on this port?"

    BODY_TOO_LARGE = "body.too_large", "target", False, "the decoded body exceeds the limit", "raise --max-body if the host is right to send this much"
    BODY_ENCODING = "body.encoding", "target", False, "the body does not decode as its Content-Encoding says", "is something in between that changes answers?"
    BODY_NOT_JSON = "body.not_json", "target", False, "the body is not JSON", "is this a login page, or another service?"
    BODY_TOO_DEEP = "body.too_deep", "target", False, "the JSON nests deeper than the limit", "no service needs this: do not trust the host"

    REDIRECT_BLOCKED = "redirect.blocked", "target", False, "a redirect to another origin was not followed; nothing was sent there", "if that is where the API lives, put that address in the inventory"
    REDIRECT_LOOP = "redirect.loop", "target", False, "too many redirects", "open the address in a browser: it is misconfigured"
    LINK_FOREIGN = "link.foreign", "target", False, "a link to another origin was not followed; nothing was sent there", "if that is where the API lives, put that address in the inventory"
    LINK_LIMIT = "link.limit", "target", False, "a limit on pages, resources or rows was reached, or pages repeat", "report it to the vendor if its pages repeat"

    SCHEMA_MISMATCH = "schema.mismatch", "target", False, "the answer does not match the description", "correct the description, or scan with --validate warn"
    SPEC_NOT_THIS_API = "spec.not_this_api", "spec", False, "the host answers, but does not offer this API", "check the address and its path, or choose another --spec"

    LOCAL_DESCRIPTORS = "local.descriptors", "local", True, "out of file descriptors on this machine", "raise 'ulimit -n', or lower --concurrency, then resume"
    LOCAL_PORTS = "local.ports", "local", True, "out of local ports on this machine", "lower --concurrency, or widen ip_local_port_range, then resume"
    LOCAL_MEMORY = "local.memory", "local", True, "out of memory on this machine", "lower --concurrency, or give fleet more memory, then resume"
    LOCAL_DISK = "local.disk", "local", False, "a local disk is full, or not writable", "make room, then resume"
    LOCAL_CANCELLED = "local.cancelled", "local", False, "stopped before it was done", "fleet resume scans it"
    LOCAL_INTERNAL = "local.internal", "local", False, "a bug in fleet", "the log has the traceback; please report it"

    SKIPPED_EMPTY = "skipped.empty", "policy", False, "nothing listens there (--discover)", ""
    SKIPPED_PAUSED = "skipped.paused", "policy", False, "skipped while its credential or proxy was paused", "correct the credential or the proxy, then resume"
    # fmt: on

    @classmethod
    def of_crash(cls, error: BaseException) -> FailureKind:
        """What an error stands for that nobody expected: the end of the memory, which a thread needs too and
        which Python tells of in words alone, else a bug."""
        full = isinstance(error, MemoryError) or str(error) == "can't start new thread"
        return cls.LOCAL_MEMORY if full else cls.LOCAL_INTERNAL

    @property
    def group(self) -> str:
        """The class of the kind: `timeout` of `timeout.connect`."""
        return self.value.partition(".")[0]
