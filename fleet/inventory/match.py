"""Which targets a condition means: by label, by name, by address.

A condition is text, `site=a|b,role!=dev*`: comma is "and", `|` is "or", values are globs. The names `id`,
`auth`, `proxy`, `url` and `host` stand for the target's own; every other name is a label, and a label that
a target does not have is the empty text. What has no `=` is about the host: a glob, an address, a network
or a range; of several, as reports fold them, any is enough: `bmc-[001-074],bmc-99,site=a`.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate

from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.inventory.address import DEFAULT_PORTS, HostPort, normal_host, shown, split
from fleet.inventory.ranges import Interval, Pattern, parse_range
from fleet.target import Target

Match = str | Mapping[str, str | Sequence[str]] | Sequence[str]  # what a `match:` key may hold
_OPERATOR = re.compile(r"!?=")
_COLON = re.compile(r"([A-Za-z_]\w*):([^\d:/][^:]*)")  # a label as YAML writes it


class HostSet:
    """Hosts named by expressions: `host`, `host:port`, a network, a range, a glob.

    Plain hosts, networks and address ranges cost the same however many there are; patterns and globs are
    tried one after another.
    """

    def __init__(self, expressions: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._places: set[tuple[str, int]] = set()
        self._patterns: list[tuple[Pattern, int | None]] = []
        self._globs: list[tuple[re.Pattern[str], int | None]] = []
        self._intervals: dict[tuple[int, int | None], list[tuple[int, int]]] = {}  # (version, port): spans
        self._sorted = True
        for expression in expressions:
            self.add(expression)

    def __bool__(self) -> bool:
        return bool(self._hosts or self._places or self._patterns or self._globs or self._intervals)

    def add(self, expression: str) -> None:
        """Add what one expression stands for. Raises InventoryError."""
        if "*" in expression or "?" in expression:
            self._globs.append(_glob(expression))
            return
        parts = split(expression)
        if parts.path:
            raise InventoryError(
                f"an exclusion or a match is about hosts, without a path: {shown(expression)}"
            )
        hosts = parse_range(parts.host, whole=True)
        if isinstance(hosts, Interval):
            self._intervals.setdefault((hosts.version, parts.port), []).append((hosts.first, hosts.last))
            self._sorted = False
        elif hosts is not None:
            self._patterns.append((hosts, parts.port))
        elif parts.port is None:
            self._hosts.add(normal_host(parts.host))
        else:
            self._places.add((normal_host(parts.host), parts.port))

    def __contains__(self, host_port: tuple[str, int]) -> bool:
        host, port = host_port
        return (
            host in self._hosts
            or (host, port) in self._places
            or any(wanted in (None, port) and host in pattern for pattern, wanted in self._patterns)
            or any(wanted in (None, port) and glob.match(host) for glob, wanted in self._globs)
            or (bool(self._intervals) and self._in_interval(host, port))
        )

    def _in_interval(self, host: str, port: int) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        number = int(address)
        if not self._sorted:
            for spans in self._intervals.values():
                _merge(spans)
            self._sorted = True
        for wanted in (None, port):
            spans = self._intervals.get((address.version, wanted), [])
            at = bisect_right(spans, (number, 1 << 129)) - 1
            if at >= 0 and number <= spans[at][1]:
                return True
        return False


def _glob(expression: str) -> tuple[re.Pattern[str], int | None]:
    """A glob over host names, and the port it is limited to."""
    if "[" in expression or "/" in expression or "@" in expression:
        raise InventoryError(
            f"a glob of hosts has * and ? only: {shown(expression)}",
            hint="give ranges as expressions of their own",
        )
    host, colon, port = expression.lower().rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        return re.compile(translate(host)), int(port)
    return re.compile(translate(expression.lower())), None


def _merge(spans: list[tuple[int, int]]) -> None:
    """Sort and join overlapping spans in place, so that one bisection answers."""
    spans.sort()
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    spans[:] = merged


@frozen
class Clause:
    """One comparison: `name` against any of some globs, or the host against a set."""

    name: str
    globs: tuple[re.Pattern[str], ...]
    hosts: HostSet | None
    negated: bool

    def holds(self, target: Target, host_port: HostPort | None) -> bool:
        if self.hosts is not None:
            return ((host_port or host_port_of(target.url)) in self.hosts) != self.negated
        value = _value(target, self.name)
        return any(glob.match(value) for glob in self.globs) != self.negated


@frozen
class Condition:
    """Clauses that must all hold."""

    clauses: tuple[Clause, ...]
    text: str

    def holds(self, target: Target, host_port: HostPort | None = None) -> bool:
        """Whether all clauses hold. `host_port` saves finding out again where the target listens."""
        return all(clause.holds(target, host_port) for clause in self.clauses)


def parse_condition(text: str) -> Condition:
    """The condition that this text means. Raises InventoryError."""
    clauses: list[Clause] = []
    hosts: list[str] = []  # no host is two of them: they are alternatives
    for part in filter(None, map(str.strip, split_commas(text))):
        if (operator := _OPERATOR.search(part)) is not None:
            clauses.append(_clause(part, operator))
        elif (label := _COLON.fullmatch(part)) is not None:
            raise InventoryError(
                f"not a condition: {shown(part)}", hint=f"write {label[1]}={label[2].strip()}"
            )
        else:
            hosts.append(part)
    if hosts:
        clauses.append(_make("host", hosts, negated=False))
    if not clauses:
        raise InventoryError(
            "an empty condition matches nothing and everything", hint="write for example site=a"
        )
    return Condition(tuple(clauses), text)


def parse_match(match: Match) -> tuple[Condition, ...]:
    """The conditions of a `match:` key, any of which is enough.

    A text is one condition, a list holds alternatives, a mapping `{site: a, host: [10.0.*, 10.1.*]}` wants
    every name to match one of its globs. Raises InventoryError.
    """
    if isinstance(match, str):
        return (parse_condition(match),)
    if isinstance(match, Mapping):
        clauses = []
        for name, globs in match.items():
            values = [globs] if isinstance(globs, str) else list(globs)
            clauses.append(_make(name, values, negated=False))
        if not clauses:
            raise InventoryError("an empty match")
        texts = (
            f"{name}={globs if isinstance(globs, str) else '|'.join(globs)}" for name, globs in match.items()
        )
        return (Condition(tuple(clauses), ",".join(texts)),)
    if not match:
        raise InventoryError("an empty match")
    return tuple(parse_condition(text) for text in match)


class MatchRules:
    """Names, each with the conditions that bind it; in the order given, the first that holds decides."""

    def __init__(self, matches: Iterable[tuple[str, Match | None]]) -> None:
        self._rules = [(name, parse_match(match)) for name, match in matches if match is not None]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a rule may give."""
        return tuple(name for name, _ in self._rules)

    def rule_for(self, target: Target) -> tuple[str, str] | None:
        """The name that the rules bind to a target, and the condition that holds as it is written; None when
        no rule holds."""
        for name, conditions in self._rules:
            for condition in conditions:
                if condition.holds(target):
                    return name, condition.text
        return None


def place_of(url: str) -> tuple[str, int | None]:
    """The host and the port of a base URL that may not be one: a text that is none is its own host."""
    try:
        host_port = host_port_of(url)
    except InventoryError:
        return url, None
    return host_port.host, host_port.port


TARGET_FIELDS = frozenset({"id", "url", "target", "host", "port", "auth", "proxy", "labels"})


def fields_of(target: Target) -> dict[str, object]:
    """What an expression sees of a target: each of `TARGET_FIELDS`."""
    host, port = place_of(target.url)
    return {
        "id": target.id,
        "url": target.url,
        "target": target.url,
        "host": host,
        "port": port,
        "auth": target.auth,
        "proxy": target.proxy,
        "labels": dict(target.labels),
    }


def host_port_of(url: str) -> HostPort:
    """Where a normalised base URL listens."""
    parts = split(url)
    return HostPort(parts.host, parts.port or DEFAULT_PORTS[parts.scheme or "https"])


def _clause(text: str, operator: re.Match[str]) -> Clause:
    name, value = text[: operator.start()].strip(), text[operator.end() :].strip()
    if not name:
        raise InventoryError(f"a condition needs a name: {shown(text)}", hint="write for example site=a")
    return _make(name, value.split("|"), negated=operator.group() == "!=")


def _make(name: str, values: Sequence[str], *, negated: bool) -> Clause:
    if name == "host":
        return Clause(name, (), HostSet(values), negated)
    return Clause(name, tuple(re.compile(translate(value)) for value in values), None, negated)


def _value(target: Target, name: str) -> str:
    match name:
        case "id":
            return target.id
        case "url":
            return target.url
        case "auth":
            return target.auth or ""
        case "proxy":
            return target.proxy or ""
        case _:
            return target.labels.get(name, "")


def split_commas(text: str) -> list[str]:
    """Split at commas outside brackets: `host=bmc[1,4].dc1,site=a` has two parts."""
    return re.findall(r"(?:\[[^\]]*\]|[^,\[]|\[)+", text)
