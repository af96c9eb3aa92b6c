"""One wrong password must never lock a fleet: the breaker that every login passes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import anyio

from fleet.errors import RequestFailed
from fleet.event import BreakerClosed, BreakerOpened, Listener
from fleet.outcome import FailureKind
from fleet.policy import Breaker

Waiting = Callable[[], AbstractContextManager[object]]


@dataclass(slots=True, eq=False)
class Attempt:
    """One login in flight. Without a verdict (the host was unreachable, say) it counts as neither."""

    accepted: bool | None = None

    def succeeded(self) -> None:
        self.accepted = True

    def failed(self) -> None:
        self.accepted = False


@dataclass(slots=True, eq=False)
class _Circuit:
    """What is known of one credential with one set of values. Open while it is paused: no login passes."""

    window: deque[bool]
    proven: bool = False
    in_flight: int = 0
    streak: set[str] = field(default_factory=set)  # targets that refused it since it last succeeded
    refused: dict[str, None] = field(default_factory=dict)  # all that ever did, oldest first
    paused_until: float | None = None
    canary: bool = False  # a login is in flight that may end the pause
    replaced: bool = False  # other values of the same name got in while it was paused
    changed: anyio.Event | None = None  # while somebody waits: set when a login ends


class CredentialBreaker:
    """Pauses a credential for the whole fleet when its logins fail.

    - Until it first succeeds, at most `unproven` logins with it are in flight, and never more than could
      fail before the pause: a wrong password costs at most `consecutive` logins over the whole fleet.
    - `consecutive` failures in a row on different targets, or `window_share` of the last `window` logins,
      pause it: one `BreakerOpened`, and every further login raises RequestFailed(auth.paused). Such a
      target was not tried: the verdict on it (in `pipeline`) is `skipped`, and a resumed scan takes it up.
    - After `reopen` seconds one canary login may try; when it succeeds, the pause ends (`BreakerClosed`).
    - A target that refused a credential is not tried with it again: RequestFailed(auth.rejected).

    Each `version` of a credential has a circuit of its own: of values that were read anew nothing is known
    yet. Where they get in, a pause of the values before them is told as ended; whoever still holds those is
    refused as before.
    """

    def __init__(
        self, policy: Breaker, tell: Listener, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy
        self._tell = tell
        self._clock = clock
        self._circuits: dict[tuple[str, str], _Circuit] = {}  # by name and version
        self._paused: dict[str, list[_Circuit]] = {}  # by name: those whose pause was told and is not over

    def attempt(
        self, credential: str, target: str, *, version: str = "", waiting: Waiting = nullcontext
    ) -> AbstractAsyncContextManager[Attempt]:
        """One login of `credential` (its name) at `target` (its id); call `succeeded()` or `failed()` on it.

        Waits while too many unproven logins are in flight, within `waiting()`.
        """
        circuit = self._circuits.get((credential, version)) or self._add(credential, version)
        return _Login(self, circuit, credential, target, waiting)

    def paused(self, credential: str, version: str = "") -> bool:
        """Whether logins with it are held back, for the whole fleet."""
        circuit = self._circuits.get((credential, version))
        return circuit is not None and circuit.paused_until is not None

    def proven(self, credential: str, version: str = "") -> bool:
        """Whether it got in before and is not paused: its logins need not wait, wherever they begin."""
        circuit = self._circuits.get((credential, version))
        return circuit is not None and circuit.proven and circuit.paused_until is None

    def note(self, credential: str, target: str, *, version: str = "", accepted: bool) -> None:
        """The verdict on a login that began elsewhere because the credential was `proven`."""
        if (circuit := self._circuits.get((credential, version))) is not None:
            self._judge(circuit, credential, target, accepted=accepted, canary=False)

    def crowded(self, credential: str, version: str = "") -> bool:
        """Whether a login with it would wait for others now."""
        circuit = self._circuits.get((credential, version))
        return circuit is not None and circuit.paused_until is None and not self._has_room(circuit)

    def _add(self, credential: str, version: str) -> _Circuit:
        """A circuit for values that nothing is known of; the oldest idle one makes room for it."""
        if len(self._circuits) >= self._policy.remembered:
            idle = (
                key for key, held in self._circuits.items() if not held.in_flight and not held.paused_until
            )
            if (oldest := next(idle, None)) is not None:
                del self._circuits[oldest]
        circuit = self._circuits[credential, version] = _Circuit(deque(maxlen=self._policy.window))
        return circuit

    def _has_room(self, circuit: _Circuit) -> bool:
        return circuit.proven or (
            circuit.in_flight < self._policy.unproven
            and circuit.in_flight + len(circuit.streak) < self._policy.consecutive
        )

    async def begin(self, circuit: _Circuit, credential: str, target: str, waiting: Waiting) -> bool:
        """Counts a login in when it may begin; whether it is the canary."""
        while (canary := self._admits(circuit, credential, target)) is None:
            if circuit.changed is None:
                circuit.changed = anyio.Event()
            with waiting():
                await circuit.changed.wait()
        circuit.in_flight += 1
        circuit.canary = circuit.canary or canary
        return canary

    def end(
        self, circuit: _Circuit, credential: str, target: str, *, accepted: bool | None, canary: bool
    ) -> None:
        """Counts a login out, with its verdict if there is one."""
        circuit.in_flight -= 1
        if canary:
            circuit.canary = False
        if accepted is not None:
            self._judge(circuit, credential, target, accepted=accepted, canary=canary)
        if circuit.changed is not None:
            circuit.changed.set()
            circuit.changed = None

    def _admits(self, circuit: _Circuit, credential: str, target: str) -> bool | None:
        """Whether a login that may begin now is the canary; None for one that has to wait. Raises
        RequestFailed for one that may not begin at all."""
        if target in circuit.refused:
            raise RequestFailed(
                FailureKind.AUTH_REJECTED,
                f"this host refused the credential {credential!r} before; it was not tried again",
            )
        if circuit.paused_until is not None:
            if circuit.replaced or circuit.canary or self._clock() < circuit.paused_until:
                raise RequestFailed(
                    FailureKind.AUTH_PAUSED,
                    f"the credential {credential!r} is paused: too many logins failed with it",
                )
            return True
        return False if self._has_room(circuit) else None

    def _judge(
        self, circuit: _Circuit, credential: str, target: str, *, accepted: bool, canary: bool
    ) -> None:
        circuit.window.append(accepted)
        if accepted:
            self._accept(circuit, credential, canary=canary)
        else:
            self._refuse(circuit, credential, target, canary=canary)

    def _accept(self, circuit: _Circuit, credential: str, *, canary: bool) -> None:
        if not circuit.proven and circuit.paused_until is None:
            self._replace_others(credential)
        circuit.proven = True
        circuit.streak.clear()
        if canary:
            circuit.paused_until = None
            circuit.window.clear()
            self._paused[credential].remove(circuit)
            self._tell(BreakerClosed("credential", credential))

    def _refuse(self, circuit: _Circuit, credential: str, target: str, *, canary: bool) -> None:
        circuit.streak.add(target)
        circuit.refused[target] = None
        if len(circuit.refused) > self._policy.remembered:
            del circuit.refused[next(iter(circuit.refused))]
        if canary and not circuit.replaced:
            circuit.paused_until = self._clock() + self._policy.reopen
        elif circuit.paused_until is None and (why := self._reason(circuit)):
            circuit.paused_until = self._clock() + self._policy.reopen
            self._paused.setdefault(credential, []).append(circuit)
            self._tell(BreakerOpened("credential", credential, why))

    def _replace_others(self, credential: str) -> None:
        """New values got in: a pause of those before them is over for whoever watches, and stays for them."""
        for other in self._paused.pop(credential, ()):
            other.replaced = True
            self._tell(BreakerClosed("credential", credential))

    def forget(self) -> None:
        """Know nothing of any credential: what is paused is told as over."""
        for credential in list(self._paused):
            self._replace_others(credential)
        self._circuits.clear()

    def _reason(self, circuit: _Circuit) -> str | None:
        if len(circuit.streak) >= self._policy.consecutive:
            return f"{len(circuit.streak)} logins in a row failed on different targets"
        failures = circuit.window.count(False)
        if failures >= self._policy.window_share * self._policy.window:
            return f"{failures} of the last {len(circuit.window)} logins failed"
        return None


class _Login(AbstractAsyncContextManager[Attempt]):
    """One login on its way through the breaker: entered when it may begin.

    `asynccontextmanager` would do the same; but asyncio keeps track of every asynchronous generator, and each
    target would pay for that.
    """

    __slots__ = ("_attempt", "_breaker", "_canary", "_circuit", "_credential", "_target", "_waiting")

    def __init__(
        self, breaker: CredentialBreaker, circuit: _Circuit, credential: str, target: str, waiting: Waiting
    ) -> None:
        self._breaker = breaker
        self._circuit = circuit
        self._credential = credential
        self._target = target
        self._waiting = waiting
        self._attempt = Attempt()
        self._canary = False

    async def __aenter__(self) -> Attempt:
        self._canary = await self._breaker.begin(self._circuit, self._credential, self._target, self._waiting)
        return self._attempt

    async def __aexit__(self, *raised: object) -> None:
        self._breaker.end(
            self._circuit,
            self._credential,
            self._target,
            accepted=self._attempt.accepted,
            canary=self._canary,
        )
