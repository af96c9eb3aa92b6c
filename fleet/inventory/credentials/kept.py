"""The values of credentials as they are: read once, kept, and read again when they may have changed."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from fleet.client import Credential
from fleet.errors import SecretError
from fleet.inventory.credentials.given import Given, Source
from fleet.inventory.credentials.secrets import Warn
from fleet.target import Target

LOOK_SECONDS = 5.0  # seconds between two looks at whether the files of a credential have changed
AGAIN_SECONDS = 10.0  # seconds between two questions to a program or a store because somebody was refused
MAX_REMEMBERED = 100_000  # credentials that are each one target's own


@dataclass(slots=True, eq=False)
class _Held:
    """One credential, for all targets or for one. Whoever holds the lock reads; the others wait for that."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    auth: Credential | None = None
    stamp: object = None
    looked: float = 0.0  # when the stamp was compared
    until: float | None = None  # when its time is up
    asked: float | None = None  # when it was read because of a refusal


class Kept:
    """What was read, by name and, where each target has its own, by target. Threads share it.

    A reading that fails leaves the values before it in use, and is told to `warn`: a file that is gone for a
    moment must not cost a fleet. `clock` is in seconds.
    """

    def __init__(
        self,
        *,
        warn: Warn | None = None,
        clock: Callable[[], float] = time.monotonic,
        look: float = LOOK_SECONDS,
    ) -> None:
        self._warn = warn or (lambda message: None)
        self._clock = clock
        self._look = look
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str | None], _Held] = {}
        self._key = secrets.token_bytes(
            32
        )  # worker processes are forked with it: versions mean the same there

    def get(self, name: str, source: Source, target: Target | None) -> Credential:
        """The values; read when there are none yet. Raises SecretError when that fails."""
        held = self._hold(name, source, target)
        auth = held.auth
        if auth is not None and not self._due(held):
            return auth
        with held.lock:
            if held.auth is None:
                return self._read(held, name, source, target)
            if self._due(held):
                self._refresh(held, name, source, target)
            return held.auth

    def other(self, name: str, source: Source, target: Target, refused: str) -> Credential | None:
        """The values where they are others than those of the version `refused`: others by now, or after a
        reading. None where there are none. Raises SecretError."""
        held = self._hold(name, source, target)
        with held.lock:
            if held.auth is not None and held.auth.version != refused:
                return held.auth
            if not source.renewable or not self._may_ask(held, source):
                return None
            held.asked = self._clock()
            auth = self._read(held, name, source, target)
            return auth if auth.version != refused else None

    def _hold(self, name: str, source: Source, target: Target | None) -> _Held:
        key = (name, target.id if source.own and target is not None else None)
        held = self._held.get(key)
        if held is None:
            with self._lock:
                held = self._held.setdefault(key, _Held())
                if len(self._held) > MAX_REMEMBERED:
                    del self._held[next(iter(self._held))]
        return held

    def _due(self, held: _Held) -> bool:
        now = self._clock()
        return now - held.looked >= self._look or (held.until is not None and now >= held.until)

    def _may_ask(self, held: _Held, source: Source) -> bool:
        """A file is read when it has changed; what cannot be told that of is asked once in a while."""
        if (stamp := source.stamp()) is not None:
            return stamp != held.stamp
        return held.asked is None or self._clock() - held.asked >= AGAIN_SECONDS

    def _refresh(self, held: _Held, name: str, source: Source, target: Target | None) -> None:
        """Read again where the files have changed or the time is up; what cannot be read changes nothing."""
        now = self._clock()
        over = held.until is not None and now >= held.until
        held.looked = now
        if not over and (not source.renewable or source.stamp() == held.stamp):
            return
        try:
            self._read(held, name, source, target)
        except SecretError as error:
            held.until = now + AGAIN_SECONDS if over else held.until
            self._warn(f"{error.message}; the values before stay in use")

    def _read(self, held: _Held, name: str, source: Source, target: Target | None) -> Credential:
        stamp = source.stamp()
        given = source.read(target)
        now = self._clock()
        held.stamp = stamp
        held.looked = now
        held.until = now + given.seconds if given.seconds is not None else None
        held.auth = Credential(
            name, given.username, given.password, given.token, given.schemes, self._version(given)
        )
        return held.auth

    def _version(self, given: Given) -> str:
        """The same for the same values, and no help in guessing them: the key is this process's own."""
        digest = blake2b(key=self._key, digest_size=8)
        revealed = (secret.reveal() if secret else None for secret in (given.password, given.token))
        parts: list[str | None] = [given.username, *revealed]
        for name in sorted(given.schemes):
            parts += [name, given.schemes[name].reveal()]
        for part in parts:
            data = b"" if part is None else b"\x01" + part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()
