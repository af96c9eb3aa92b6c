"""What a scan and its worker processes say to one another: pickled, for both are one program, forked.

A `number` is the speaker's own, and is used once. No secret is ever in a message.
"""

from __future__ import annotations

from typing import NamedTuple

from fleet.event import Event
from fleet.outcome import FailureKind, Outcome
from fleet.target import Target

# The scan to a worker.


class Begin(NamedTuple):
    """The first message: the run's id, and how many targets the worker may get to have in hand."""

    run: str
    pipeline: str
    room: int


class Take(NamedTuple):
    """Scan this target; `Done` answers."""

    number: int
    target: Target


class Drop(NamedTuple):
    """Cancel a target: its session is logged out, and `Done` answers."""

    number: int


class End(NamedTuple):
    """Say what is left to say, and end."""


class Ping(NamedTuple):
    """Are you there? `Pong` answers."""


class Admitted(NamedTuple):
    """The login of this number may begin; `Verdict` ends it."""

    number: int


class Denied(NamedTuple):
    """The login of this number may not begin."""

    number: int
    kind: FailureKind
    message: str


class Pass(NamedTuple):
    """Logins with these values of a credential need not ask, until one is refused or the pass lapses."""

    credential: str
    version: str = ""


class Lapse(NamedTuple):
    """Logins with this credential ask again, whatever its values."""

    credential: str


class Turns(NamedTuple):
    """When the requests that asked may begin, in seconds of the system's monotonic clock."""

    times: tuple[float, ...]


class Suspect(NamedTuple):
    """This proxy was not reached last time; whoever reaches it says so."""

    proxy: str


class Paused(NamedTuple):
    """Nothing goes through this proxy; from `until` on (monotonic seconds) one may ask to try."""

    proxy: str
    until: float


class Cleared(NamedTuple):
    """This proxy is used again."""

    proxy: str


class MayTry(NamedTuple):
    """One connection through the paused proxy, please."""

    proxy: str


# A worker to the scan.


class Done(NamedTuple):
    """What became of a target that was taken."""

    number: int
    outcome: Outcome


class Told(NamedTuple):
    """Something happened that every listener should hear."""

    event: Event


class Warned(NamedTuple):
    """What was found wrong with the description since this was last said."""

    warnings: tuple[str, ...]


class Pong(NamedTuple):
    """Here."""


class AskLogin(NamedTuple):
    """May a login begin? `Admitted` or `Denied` answers."""

    number: int
    credential: str
    target: str
    version: str = ""


class Verdict(NamedTuple):
    """What became of an admitted login, None for neither; before it was admitted: never mind."""

    number: int
    accepted: bool | None


class Accepted(NamedTuple):
    """A login that had a pass got in."""

    credential: str
    target: str
    version: str = ""


class Refused(NamedTuple):
    """A login that had a pass did not get in: the pass is gone."""

    credential: str
    target: str
    version: str = ""


class AskTurns(NamedTuple):
    """So many requests wait for their turn."""

    wanted: int


class Missed(NamedTuple):
    """A proxy could not be reached."""

    proxy: str


class Reached(NamedTuple):
    """A suspect proxy was reached."""

    proxy: str


class AskTry(NamedTuple):
    """May one connection try the paused proxy? Only a yes is answered."""

    proxy: str
