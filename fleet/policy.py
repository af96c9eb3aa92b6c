"""The numbers an operator sets. No behaviour: the parts that keep a limit name it here.

Durations are seconds, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from fleet.frozen import frozen
from fleet.secret import Secret

MIB = 1024 * 1024

Validate: TypeAlias = Literal["off", "warn", "fail"]
"""What becomes of an answer that breaks its schema: nobody looks, it is told, or it fails."""


@frozen
class Timeouts:
    """Wall-clock deadlines, never per read: a peer that drips bytes does not outlive them."""

    connect: float = 5.0  # resolve, TCP, and the proxy's handshake
    tls: float = 10.0  # or as long as a request, where that is less
    request: float = 20.0  # from the first byte sent to the last byte read
    target: float = 300.0  # everything about one target, retries included; not the waits of the scan
    logout: float = 5.0  # shielded from cancellation, so it needs a limit of its own


@frozen
class Limits:
    """What hostile or broken remote input may cost."""

    body: int = 16 * MIB  # one decoded body
    values: int = 1_000_000  # of one JSON body: each costs up to 250 bytes here, and as little as two there
    headers: int = 64 * 1024  # one answer's header block
    interim: int = 20  # 1xx answers before the final one
    redirects: int = 5
    pages: int = 1000  # of one collection
    resources: int = 20_000  # requested from one target
    rows: int = 50_000  # kept from one target; also the most elements read of one list
    item: int = 16 * MIB  # one item of a sequential answer, as it arrives
    stream: int = 1024 * MIB  # one decoded body that is handed on as it arrives and kept nowhere
    bodies: int = 256 * MIB  # decoded, all bodies of one target together
    errors: int = 100  # kept in one outcome; the rest is counted
    violations: int = 100
    message: int = 500  # characters of one failure message
    timeline: int = 100  # requests kept of what happened on a target that is not well, or was asked twice
    timeline_well: int = 3  # of any other: the slowest
    expansion: int = 2**24  # targets that one expression of an inventory may stand for (a whole /8)
    line: int = 64 * 1024  # one line of an inventory
    outcome: int = 256 * MIB  # one line of a journal that is read back: far above what the others let through


@frozen
class Retry:
    """When an idempotent request is sent again. Never for 401 and 403."""

    attempts: int = 2  # tries after the first
    budget: int = 10  # retries of one target, all requests together
    backoff: float = 0.5  # before the first retry; doubles, with full jitter
    backoff_max: float = 15.0
    retry_after_max: float = 60.0  # a longer Retry-After ends the request instead
    logins: int = 3  # new logins of one target after its session was refused


@frozen
class Rate:
    """How hard a scan may press. `requests` is per second over the whole scan; None is unlimited."""

    requests: float | None = None
    per_target: int = 2  # connections to one target; BMCs reset above 1 to 4
    patience: float = 1.0  # seconds of one request at a time, then of one connection's queue, before a second
    per_proxy: int = 256  # connections through one proxy; the most, where `concurrency` is None
    concurrency: int | None = None  # targets in flight, over all processes; None: found while scanning
    auto_start: int = 64  # where such a search begins, for the scan and for each proxy
    auto_least: int = 8
    auto_most: int = 1024
    workers: int | None = None  # processes; None: the cores for a large inventory, 1 for any other


@frozen
class Breaker:
    """When failed logins pause a credential for the whole fleet."""

    consecutive: int = 5  # failures in a row, on different targets
    window: int = 50
    window_share: float = 0.2
    unproven: int = 5  # logins in flight until the credential first succeeds
    reopen: float = 60.0  # after which one canary login may try again
    remembered: int = 10_000  # targets that refused a credential, per credential


@frozen
class Tls:
    """How certificates are judged, which old protocols are spoken, and whose TLS it is.

    With `library="rustls"` OpenSSL is asked only where rustls refuses a host; it takes the extra `rustls`.

    Credentials go over plain HTTP only where `allow_plaintext_credentials` says so; `mode="insecure"` is
    itself a person's choice, and `allow_unverified_credentials=False` keeps it to anonymous requests.
    """

    mode: Literal["verify", "pin", "insecure"] = "verify"
    profile: Literal["modern", "legacy"] = "modern"
    library: Literal["openssl", "rustls"] = "openssl"
    ca_file: str | None = None
    allow_plaintext_credentials: bool = False
    allow_unverified_credentials: bool = True


@frozen
class Proxy:
    """One proxy. `socks5h` and `http` resolve names at the proxy, `socks5` and `socks4` here."""

    scheme: Literal["socks5", "socks5h", "socks4", "http"]
    host: str
    port: int
    username: str | None = None
    password: Secret | None = None
    name: str = ""  # as `proxies:` names it; empty for a proxy given by URL

    @property
    def label(self) -> str:
        """What outcomes and metrics call it: its name, or its URL without credentials."""
        return self.name or f"{self.scheme}://{self.host}:{self.port}"


@frozen
class Names:
    """How names are looked up, where a proxy does not do it."""

    threads: int = 16  # look-ups at once
    remembered: int = 16_384  # names of one run: 10 MB
    addresses: int = 16  # of one name; a connection tries no more


@frozen
class Keep:
    """What a process that runs several scans keeps open between them (`fleet.client.KeptConnections`)."""

    connections: int = 4000  # idle ones, and never more than half of the descriptors
    per_proxy: int = 64  # of them, through one proxy
    idle: float = 60.0  # seconds without a request
    age: float = 3600.0  # seconds since it was opened: then names and certificates are judged anew


@frozen
class Policy:
    """All of it, as one value that travels."""

    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    retry: Retry = Retry()
    rate: Rate = Rate()
    breaker: Breaker = Breaker()
    tls: Tls = Tls()


# How much of what happened on each target is kept, by the word that asks for it, in the same form as a pace.
TIMELINES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "failed": {"limits.timeline": Limits().timeline, "limits.timeline_well": Limits().timeline_well},
        "all": {"limits.timeline": 1000, "limits.timeline_well": 1000},
        "none": {"limits.timeline": 0, "limits.timeline_well": 0},
    }
)

# Numbers that go together, by the dotted names that `Policy` has for them. A pace stands above the spec's own
# numbers, and below every number that a person gives.
PACES: Mapping[str, Mapping[str, int | float | None]] = MappingProxyType(
    {
        "gentle": {  # in working hours, over a line or a jump host that others use
            "rate.concurrency": 32,
            "rate.requests": 50.0,
            "rate.per_target": 1,
            "rate.per_proxy": 16,
            "retry.attempts": 1,
        },
        "normal": {},
        "fast": {  # a network of one's own, and hosts that bear it: BMCs reset above four connections
            "rate.concurrency": None,
            "rate.requests": None,
            "rate.per_target": 4,
            "rate.per_proxy": 1024,
            "rate.auto_start": 256,
            "rate.auto_most": 4096,
            "retry.attempts": 1,
        },
    }
)
