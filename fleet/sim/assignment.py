"""Which hosts get which faults: rules against addresses, always with the same result."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fnmatch import fnmatchcase

from fleet.errors import ConfigError
from fleet.sim.address import share
from fleet.sim.faults import FAULTS
from fleet.sim.host import HostFault
from fleet.sim.options import Fault


def assign_faults(rules: Sequence[Fault], addresses: Sequence[str], seed: int) -> dict[str, list[HostFault]]:
    """The faults of each address that has any, in the order of the rules.

    Percentages take consecutive slices of the addresses in the order of their `share`: each rule gets
    the rounded number of hosts that it names (at least one), and no two of them the same host. Raises
    ConfigError for an unknown fault, a parameter that it does not have, or percentages above 100.
    """
    assigned: dict[str, list[HostFault]] = {}
    order = sorted(addresses, key=lambda address: share(address, seed))
    taken = 0
    for rule in rules:
        if rule.match.endswith("%"):
            wanted = max(1, round(len(order) * _percent(rule) / 100))
            chosen: Sequence[str] = order[taken : taken + wanted]
            taken += wanted
            if taken > len(order):
                raise ConfigError(f"{rule!r}: the percentages ask for more hosts than there are")
        else:
            globs = [glob.strip() for glob in rule.match.split(",")]
            chosen = [address for address in addresses if any(fnmatchcase(address, glob) for glob in globs)]
        for address in chosen:
            assigned.setdefault(address, []).append(_host_fault(rule, address))
    return assigned


def fault_while_serving(fault: str, address: str, path: str | None = None) -> HostFault:
    """A fault that one host begins with while it serves. Raises ConfigError for one that is unknown, or that
    shows elsewhere than in answers."""
    made = _host_fault(Fault(fault, path=path), address)
    if not made.behaviour.only_answers():
        raise ConfigError(f"the fault {fault!r} is a host's from its beginning: it shows not only in answers")
    return made


def _percent(rule: Fault) -> float:
    try:
        return float(rule.match[:-1])
    except ValueError:
        raise ConfigError(f"{rule!r}: {rule.match!r} is not a percentage") from None


def _host_fault(rule: Fault, address: str) -> HostFault:
    behaviour = FAULTS.get(rule.fault)
    if behaviour is None:
        raise ConfigError(f"unknown fault {rule.fault!r}; known: {', '.join(FAULTS)}")
    known = {field.name: field.default for field in dataclasses.fields(behaviour) if field.name != "address"}
    for name, value in rule.params.items():
        if name not in known:
            raise ConfigError(
                f"fault {rule.fault!r} has no parameter {name!r}; it has: {', '.join(known) or 'none'}"
            )
        wanted = type(known[name])
        if not (type(value) is wanted or (wanted is float and type(value) is int)):
            raise ConfigError(f"fault {rule.fault!r}: {name} is of type {wanted.__name__}, not {value!r}")
    return HostFault(behaviour(address=address, **rule.params), rule.path, rule.times)
