"""Fault files: YAML or JSON, a list of rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet.errors import ConfigError
from fleet.guess import closest
from fleet.sim.faults import FAULTS
from fleet.sim.options import Fault
from fleet.yamlfile import read_yaml

_OWN = ("fault", "match", "path", "times")


def read_faults(path: str | Path) -> list[Fault]:
    """The rules of a fault file, in its order.

        - {match: 2%, fault: tls.expired}
        - {match: "127.1.0.*", fault: busy, path: "/redfish/v1/Systems*", times: 2, retry_after: 1}

    Reads the file. Raises ConfigError when it cannot be read, is not such a list, or names an unknown fault.
    """
    file = read_yaml(path, "fault file")
    whole = isinstance(file.tree, dict) and set(file.tree) == {"faults"}
    rules = file.tree["faults"] if whole else file.tree
    if not isinstance(rules, list):
        raise file.complaint("a fault file is a list of rules")
    found = []
    for index, rule in enumerate(rules):
        try:
            found.append(_rule(rule))
        except ConfigError as wrong:
            place = ("faults", index) if whole else (index,)
            raise file.complaint(f"rule {index + 1}: {wrong.message}", place, wrong.hint) from None
    return found


def _rule(rule: Any) -> Fault:
    if not isinstance(rule, dict) or not isinstance(rule.get("fault"), str | int | float):
        raise ConfigError("a rule is a mapping that names a fault")
    fault = str(rule["fault"])  # 503 is a name too
    if fault not in FAULTS:
        raise ConfigError(f"unknown fault {fault!r}", hint=_suggest(fault))
    match, glob, times = rule.get("match", "*"), rule.get("path"), rule.get("times")
    if not isinstance(match, str):
        raise ConfigError("match is a glob or a percentage")
    if glob is not None and not isinstance(glob, str):
        raise ConfigError("path is a glob")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ConfigError("times is a number from 1 on")
    params = {str(name): value for name, value in rule.items() if name not in _OWN}
    return Fault(fault, match, path=glob, times=times, **params)


def _suggest(name: str) -> str:
    near = closest(name, FAULTS)
    return f"did you mean {near}?" if near else f"known: {', '.join(FAULTS)}"
