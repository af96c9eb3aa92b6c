"""Ways to misbehave, by name: each says which failure kind it should cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from fleet.sim.faults import auth, body, connection, http, link, status, timing, tls
from fleet.sim.faults.behaviour import Behaviour

__all__ = ["BEHAVIOURS", "FAULTS", "Behaviour"]

BEHAVIOURS: tuple[type[Behaviour], ...] = (
    *connection.BEHAVIOURS,
    *tls.BEHAVIOURS,
    *timing.BEHAVIOURS,
    *http.BEHAVIOURS,
    *status.BEHAVIOURS,
    *body.BEHAVIOURS,
    *link.BEHAVIOURS,
    *auth.BEHAVIOURS,
)


def _named() -> Iterator[tuple[str, type[Behaviour]]]:
    for behaviour in BEHAVIOURS:
        for name in (behaviour.name, *behaviour.aliases):
            yield name, behaviour


# By name and by alias; `FAULTS["refuse"].kind` is the failure kind that the fault should cause.
FAULTS: Mapping[str, type[Behaviour]] = MappingProxyType(dict(_named()))
