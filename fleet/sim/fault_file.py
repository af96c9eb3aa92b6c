"""Fault files: YAML or JSON, a list of rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet.errors import ConfigError, SpecError
from fleet.guess import closest
from fleet.sim.faults import FAULTS
from fleet.sim.options import Fault

SIZE_LIMIT = 1024 * 1024

_OWN = ("fault", "match", "path", "times")


def read_faults(path: str | Path) -> list[Fault]:
    """The rules of a fault file, in its order.

        - {match: 2%, fault: tls.expired}
        - {match: "127.1.0.*", fault: busy, path: "/redfish/v1/Systems*", times: 2, retry_after: 1}

    Reads the file. Raises ConfigError when it cannot be read, is not such a list, or names an unknown fault.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            text = opened.read(SIZE_LIMIT + 1)
    except OSError as problem:
        raise ConfigError(f"cannot read: {problem.strerror}", file=str(file)) from problem
    if len(text) > SIZE_LIMIT:
        raise ConfigError(f"larger than {SIZE_LIMIT} bytes", file=str(file))
    from fleet.openapi import load_yaml  # noqa: PLC0415  # the YAML reader, only where there is YAML

    try:
        rules = load_yaml(text, source=str(file))
    except SpecError as problem:
        raise ConfigError(
            problem.message, file=str(file), line=problem.line, column=problem.column
        ) from problem
    if isinstance(rules, dict) and set(rules) == {"faults"}:
        rules = rules["faults"]
    if not isinstance(rules, list):
        raise ConfigError("a fault file is a list of rules", file=str(file))
    return [_rule(rule, index, str(file)) for index, rule in enumerate(rules, 1)]


def _rule(rule: Any, index: int, file: str) -> Fault:
    if not isinstance(rule, dict) or not isinstance(rule.get("fault"), str | int | float):
        raise ConfigError(f"rule {index}: a rule is a mapping that names a fault", file=file)
    fault = str(rule["fault"])  # 503 is a name too
    if fault not in FAULTS:
        raise ConfigError(f"rule {index}: unknown fault {fault!r}", file=file, hint=_suggest(fault))
    match, glob, times = rule.get("match", "*"), rule.get("path"), rule.get("times")
    if not isinstance(match, str):
        raise ConfigError(f"rule {index}: match is a glob or a percentage", file=file)
    if glob is not None and not isinstance(glob, str):
        raise ConfigError(f"rule {index}: path is a glob", file=file)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ConfigError(f"rule {index}: times is a number from 1 on", file=file)
    params = {str(name): value for name, value in rule.items() if name not in _OWN}
    return Fault(fault, match, path=glob, times=times, **params)


def _suggest(name: str) -> str:
    near = closest(name, FAULTS)
    return f"did you mean {near}?" if near else f"known: {', '.join(FAULTS)}"
