"""Expressions that stand for many hosts, expanded one at a time.

10.0.0.0/24            the hosts of a network (network and broadcast address left out; /31 and /32 whole)
10.0.0.10-50           also in several octets: 10.0.0-3.1-254
10.0.0.10-10.0.1.20    from one address to another
[2001:db8::1-2001:db8::9]  also in IPv6, in brackets
bmc[001-512].dc1       leading zeros are kept
bmc[1,4,8-16/2,a-f]    lists, steps and letters; any number of brackets, the last one turns fastest
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import cached_property
from math import prod

from fleet.errors import InventoryError
from fleet.frozen import frozen
from fleet.inventory.address import shown, v6_text

_OCTETS = re.compile(r"(?:\d{1,3}(?:-\d{1,3})?\.){3}\d{1,3}(?:-\d{1,3})?")
_SPAN = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3})-(\d{1,3}(?:\.\d{1,3}){3})")
_ITEM = re.compile(
    r"(?:(\d{1,18})(?:-(\d{1,18})(?:/(\d{1,9}))?)?|([a-zA-Z])-([a-zA-Z])(?:/(\d{1,2}))?|([a-zA-Z0-9_]+))"
)


@frozen
class Interval:
    """Consecutive addresses, both ends included."""

    first: int
    last: int
    version: int

    @property
    def size(self) -> int:
        """How many hosts it stands for."""
        return self.last - self.first + 1

    def __iter__(self) -> Iterator[str]:
        for number in range(self.first, self.last + 1):
            yield (
                str(ipaddress.IPv4Address(number))
                if self.version == 4
                else v6_text(ipaddress.IPv6Address(number))
            )

    def __contains__(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.version == self.version and self.first <= int(address) <= self.last


@frozen
class Steps:
    """`8-16/2` inside brackets: numbers of at least `width` digits, or letters when `letters` is set."""

    numbers: range
    width: int = 0
    letters: bool = False

    @property
    def size(self) -> int:
        """How many texts it yields."""
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        if self.letters:
            return map(chr, self.numbers)
        return (f"{number:0{self.width}d}" for number in self.numbers)

    def __contains__(self, text: str) -> bool:
        if self.letters:
            return len(text) == 1 and ord(text) in self.numbers
        if not (text.isascii() and text.isdigit()) or len(text) > 19:
            return False
        return int(text) in self.numbers and text == f"{int(text):0{self.width}d}"


@frozen
class Word:
    """One literal item inside brackets, or the text between brackets."""

    text: str
    size: int = 1

    def __iter__(self) -> Iterator[str]:
        yield self.text

    def __contains__(self, text: str) -> bool:
        return text == self.text


Group = tuple[Steps | Word, ...]


@frozen(slots=False)
class Pattern:
    """Literal text and bracket groups in turn."""

    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """How many hosts it stands for."""
        return prod(sum(item.size for item in group) for group in self.groups)

    def __iter__(self) -> Iterator[str]:
        hosts: Iterator[str] = iter(("",))
        for group in self.groups:
            hosts = _extend(hosts, group)
        return hosts

    def __contains__(self, host: str) -> bool:
        found = self._shape.fullmatch(host)
        return found is not None and all(
            any(text in item for item in group)
            for text, group in zip(found.groups(), self.groups, strict=True)
        )

    @cached_property
    def _shape(self) -> re.Pattern[str]:
        return re.compile("".join(_shape_of(group) for group in self.groups))


HostRange = Interval | Pattern
MAX_BRACKETS = 8  # in one expression; each one is a generator deep


def parse_range(host: str, *, whole: bool = False) -> HostRange | None:
    """The range that a host expression stands for; None for a single host. Raises InventoryError.

    `whole` keeps the first and the last address of a network: for asking whether a host is in it.
    """
    if "[" in host or "]" in host:
        return _brackets(host)
    if "/" in host:
        return _network(host, whole)
    if ":" in host and "-" in host:
        low, _, high = host.partition("-")
        return _span(low, high, ipaddress.IPv6Address)
    if "-" in host and host[0].isdigit():
        if (span := _SPAN.fullmatch(host)) is not None:
            return _span(span.group(1), span.group(2), ipaddress.IPv4Address)
        if _OCTETS.fullmatch(host):
            return _octets(host)
    return None


def _network(text: str, whole: bool) -> Interval:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InventoryError(f"not a network: {shown(text)}") from None
    if text.partition("/")[0] != str(network.network_address) and (
        ipaddress.ip_address(text.partition("/")[0]) != network.network_address
    ):
        raise InventoryError(f"{text} has host bits set", hint=f"did you mean {network}?")
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.num_addresses > 2 and not whole:
        first += 1  # the network's own address; the subnet routers' anycast address in IPv6
        last -= 1 if network.version == 4 else 0
    return Interval(first, last, network.version)


def _span(
    low: str, high: str, address: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]
) -> Interval:
    try:
        first, last = int(address(low)), int(address(high))
    except ValueError:
        raise InventoryError(f"not a range of addresses: {shown(f'{low}-{high}')}") from None
    if first > last:
        raise InventoryError(f"{low}-{high} runs backwards", hint=f"did you mean {high}-{low}?")
    return Interval(first, last, 4 if address is ipaddress.IPv4Address else 6)


def _octets(text: str) -> Pattern:
    groups: list[Group] = []
    for octet in text.split("."):
        low, _, high = octet.partition("-")
        high = high or low
        if (
            int(low) > 255
            or int(high) > 255
            or (low != "0" and low[0] == "0")
            or (high != "0" and high[0] == "0")
        ):
            raise InventoryError(f"not a range of addresses: {shown(text)}")
        if int(low) > int(high):
            raise InventoryError(f"{octet} runs backwards in {shown(text)}")
        groups += [(Word("."),), (Steps(range(int(low), int(high) + 1)),)]
    return Pattern(tuple(groups[1:]))


def _brackets(text: str) -> Pattern:
    if text.count("[") > MAX_BRACKETS:
        raise InventoryError(f"more than {MAX_BRACKETS} brackets in {shown(text)}")
    groups: list[Group] = []
    for index, part in enumerate(re.split(r"\[([^\[\]]*)\]", text)):
        if index % 2:
            groups.append(tuple(_item(item, text) for item in part.split(",")))
        elif "[" in part or "]" in part:
            raise InventoryError(f"a bracket is not closed: {shown(text)}")
        elif part:
            groups.append((Word(part.lower()),))
    return Pattern(tuple(groups))


def _item(text: str, whole: str) -> Steps | Word:
    found = _ITEM.fullmatch(text)
    if found is None:
        raise InventoryError(
            f"not a range: [{text[:40]}] in {shown(whole)}",
            hint="write [001-512], [1,4,9], [0-30/2] or [a-f]",
        )
    low, high, step, first, last, letters_step, word = found.groups()
    if word is not None:
        return Word(word.lower())
    if first is not None:
        numbers = range(ord(first.lower()), ord(last.lower()) + 1, int(letters_step or 1) or 1)
        return _forwards(Steps(numbers, letters=True), text)
    if high is None:
        return Word(low)
    if len(low) > len(high):
        raise InventoryError(
            f"[{text}] runs backwards or its zeros disagree", hint="write [008-016]: equal widths"
        )
    width = len(low) if low[0] == "0" and len(low) > 1 else 0
    if width and len(high) != width:
        raise InventoryError(f"the zeros of [{text}] disagree", hint="write [008-016]: equal widths")
    if step is not None and int(step) == 0:
        raise InventoryError(f"the step of [{text}] is zero")
    return _forwards(Steps(range(int(low), int(high) + 1, int(step or 1)), width), text)


def _forwards(steps: Steps, text: str) -> Steps:
    if not steps.numbers:
        raise InventoryError(f"[{text}] runs backwards")
    return steps


def _extend(heads: Iterator[str], group: Group) -> Iterator[str]:
    for head in heads:
        for item in group:
            for text in item:
                yield head + text


def _shape_of(group: Group) -> str:
    """A regular expression for what a group may yield: exact for literals, checked afterwards for steps."""
    if all(isinstance(item, Word) for item in group):
        return "(" + "|".join(re.escape(item.text) for item in group if isinstance(item, Word)) + ")"
    return "([a-z0-9_]+)" if any(isinstance(item, Word) or item.letters for item in group) else r"(\d+)"
