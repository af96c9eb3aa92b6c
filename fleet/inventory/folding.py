"""Many hosts as few expressions, the inverse of `fleet.inventory.ranges`: `bmc-17-[001-074]`,
`https://10.8.[16-19].[2-41]:8443`, `[2001:db8::1-2001:db8::9]`.

A host is read as text with numbers in it. Hosts of one text are a set of points, one number a dimension, and
are covered by boxes that do not overlap: what the expressions stand for is exactly what was folded.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod

from fleet.frozen import frozen
from fleet.inventory.address import v6_text
from fleet.inventory.ranges import MAX_BRACKETS

MAX_HELD = (
    200_000  # groups of hosts that differ in their last number only; what is beyond is counted, not named
)
MAX_ITEMS = 12  # items in one bracket: a longer list is read by nobody, and makes two expressions instead
EXACTING_HOSTS = 20_000  # hosts of one text up to which a second way to fold them is tried
LEAST_PROGRESSION = 4  # numbers at equal distances, from which `1-15/2` is shorter than a list

_URL = re.compile(
    r"((?:[a-z][a-z0-9+.-]*://)?)([^\[\]/:,\s]+|\[[0-9a-f:.]+\])((?::[0-9]{1,5})?(?:/.*)?)", re.DOTALL
)
_NUMBER = re.compile(r"(?<![0-9])([0-9]{1,18})(?![0-9])")
_CHUNK = 10  # bits of a number that say where in a chunk it stands: 1,024 neighbours take 160 bytes

Literals = tuple[str, ...]
Numbers = tuple[int, ...]
Box = tuple[Numbers, ...]  # one tuple of numbers, in order, for each dimension
_Chunks = dict[int, int]  # number >> _CHUNK: a bit for each number that is there


@frozen
class FoldedSet:
    """Hosts as one expression; `size` is how many they are."""

    text: str
    size: int


class Folder:
    """Takes hosts (or base URLs, or ids) one by one; a host that comes twice counts once.

    Memory grows with the sets more than with the hosts: neighbours cost a bit each. `unnamed` counts hosts
    that came when `most` groups of neighbours were held.
    """

    __slots__ = ("_held", "_most", "_shapes", "_singles", "_v6", "unnamed")

    def __init__(self, *, most: int = MAX_HELD) -> None:
        self._shapes: dict[tuple[str, str, Literals, Numbers], dict[Numbers, _Chunks]] = {}
        self._singles: dict[str, None] = {}
        self._v6: dict[tuple[str, str], _Chunks] = {}
        self._held = 0
        self._most = most
        self.unnamed: int = 0

    def largest(self, most: int) -> tuple[tuple[str, ...], int]:
        """The `most` largest sets as texts, and how many hosts are in none of them."""
        ranked = sorted(self.sets(), key=lambda folded: -folded.size)
        rest = sum(folded.size for folded in ranked[most:])
        return tuple(folded.text for folded in ranked[:most]), rest + self.unnamed

    def add(self, host: str) -> None:
        """Fold one host in."""
        if self._held >= self._most:
            self.unnamed += 1
            return
        found = _URL.fullmatch(host)
        prefix, name, suffix = found.groups() if found is not None else ("", host, "")
        if ":" in name:
            number = _v6_number(name)
            if number is not None:
                self._put(self._v6.setdefault((prefix, suffix), {}), number)
                return
            found = None
        parts = _NUMBER.split(name) if found is not None else [name]
        if len(parts) == 1:
            self._held += host not in self._singles
            self._singles[host] = None
            return
        if len(parts) > 2 * MAX_BRACKETS + 1:
            at = len(parts) - 2 * MAX_BRACKETS - 1
            parts = ["".join(parts[: at + 1]), *parts[at + 1 :]]
        digits = parts[1::2]
        shape = tuple(-len(text) if text[0] == "0" and len(text) > 1 else len(text) for text in digits)
        heads = self._shapes.setdefault((prefix, suffix, tuple(parts[::2]), shape), {})
        numbers = tuple(map(int, digits))
        self._put(heads.setdefault(numbers[:-1], {}), numbers[-1])

    def merge(self, other: Folder) -> None:
        """Fold in all that another one holds."""
        for shape, heads in other._shapes.items():
            held = self._shapes.setdefault(shape, {})
            for head, chunks in heads.items():
                self._put_all(held.setdefault(head, {}), chunks)
        for key, chunks in other._v6.items():
            self._put_all(self._v6.setdefault(key, {}), chunks)
        for host in other._singles:
            self._held += host not in self._singles
            self._singles[host] = None
        self.unnamed += other.unnamed

    def _put_all(self, into: _Chunks, chunks: _Chunks) -> None:
        for chunk, bits in chunks.items():
            self._held += chunk not in into
            into[chunk] = into.get(chunk, 0) | bits

    def sets(self) -> list[FoldedSet]:
        """Every host that was added and is not `unnamed`, in a stable order."""
        found = [FoldedSet(host, 1) for host in self._singles]
        texts: dict[tuple[str, str, Literals], list[Numbers]] = {}
        for prefix, suffix, literals, shape in self._shapes:
            texts.setdefault((prefix, suffix, literals), []).append(shape)
        for (prefix, suffix, literals), shapes in texts.items():
            for widths, points in self._points(prefix, suffix, literals, shapes).items():
                found += _written(prefix, suffix, literals, widths, points)
        for (prefix, suffix), chunks in self._v6.items():
            found += _written_v6(prefix, suffix, _numbers(chunks))
        return sorted(found, key=lambda folded: natural(folded.text))

    def _put(self, chunks: _Chunks, number: int) -> None:
        chunk, bit = number >> _CHUNK, 1 << (number & ((1 << _CHUNK) - 1))
        before = chunks.get(chunk)
        if before is None:
            self._held += 1
            chunks[chunk] = bit
        else:
            chunks[chunk] = before | bit

    def _points(
        self, prefix: str, suffix: str, literals: Literals, shapes: Sequence[Numbers]
    ) -> dict[Numbers, dict[Numbers, set[int]]]:
        """By the widths that numbers are padded to (0: as they are), then by all numbers but the last: the
        last ones. `099` and `100` have one width, for the first has a zero and the second is as long."""
        padded = [{-shape[at] for shape in shapes if shape[at] < 0} for at in range(len(literals) - 1)]
        points: dict[Numbers, dict[Numbers, set[int]]] = {}
        for shape in shapes:
            widths = tuple(abs(length) if abs(length) in padded[at] else 0 for at, length in enumerate(shape))
            heads = points.setdefault(widths, {})
            for head, chunks in self._shapes[prefix, suffix, literals, shape].items():
                heads.setdefault(head, set()).update(_numbers(chunks))
        return points


def fold(hosts: Iterable[str]) -> list[FoldedSet]:
    """Few expressions that stand for exactly these hosts, in a stable order."""
    folder = Folder()
    for host in hosts:
        folder.add(host)
    return folder.sets()


def _v6_number(name: str) -> int | None:
    """An IPv6 literal in brackets as a number, if it is spelled as one is written again."""
    try:
        address = ipaddress.IPv6Address(name[1:-1])
    except ValueError:
        return None
    return int(address) if f"[{v6_text(address)}]" == name else None


def _numbers(chunks: _Chunks) -> Iterator[int]:
    for chunk in sorted(chunks):
        bits, base = chunks[chunk], chunk << _CHUNK
        while bits:
            low = bits & -bits
            yield base + low.bit_length() - 1
            bits ^= low


def _written(
    prefix: str, suffix: str, literals: Literals, widths: Numbers, points: dict[Numbers, set[int]]
) -> Iterator[FoldedSet]:
    boxes = [(*((number,) for number in head), tuple(sorted(last))) for head, last in points.items()]
    dimensions = len(literals) - 1
    joined = _joined(boxes, range(dimensions - 2, -1, -1))
    if len(joined) > 1 and dimensions > 1 and sum(map(len, points.values())) <= EXACTING_HOSTS:
        single = [(*box[:-1], (number,)) for box in boxes for number in box[-1]]
        joined = min(joined, _joined(single, range(dimensions)), key=len)
    for box in joined:
        spans = [_spans(numbers, width) for numbers, width in zip(box, widths, strict=True)]
        pages = [[span[at : at + MAX_ITEMS] for at in range(0, len(span), MAX_ITEMS)] for span in spans]
        for page in product(*pages):
            yield FoldedSet(
                prefix + _expression(literals, page) + suffix,
                prod(sum(count for _, count in span) for span in page),
            )


def _joined(boxes: list[Box], order: Iterable[int]) -> list[Box]:
    """Boxes that agree in all dimensions but one made one box, dimension after dimension."""
    for at in order:
        alike: dict[tuple[Box, Box], list[Numbers]] = {}
        for box in boxes:
            alike.setdefault((box[:at], box[at + 1 :]), []).append(box[at])
        boxes = [
            (*before, tuple(sorted(number for part in parts for number in part)), *after)
            for (before, after), parts in alike.items()
        ]
    return boxes


def _spans(numbers: Numbers, width: int) -> list[tuple[str, int]]:
    """Numbers in order as items of a bracket, each with how many it stands for."""
    spans: list[tuple[str, int]] = []
    at = 0
    while at < len(numbers):
        end = at + 1
        step = numbers[end] - numbers[at] if end < len(numbers) else 0
        while end < len(numbers) and numbers[end] - numbers[end - 1] == step:
            end += 1
        if step > 1 and end - at < LEAST_PROGRESSION:
            end = at + 1
        first, last = f"{numbers[at]:0{width}d}", f"{numbers[end - 1]:0{width}d}"
        if end - at == 1:
            spans.append((first, 1))
        else:
            spans.append((f"{first}-{last}" if step == 1 else f"{first}-{last}/{step}", end - at))
        at = end
    return spans


def _expression(literals: Literals, page: Iterable[Sequence[tuple[str, int]]]) -> str:
    written = [literals[0]]
    for span, literal in zip(page, literals[1:], strict=True):
        alone = len(span) == 1 and span[0][1] == 1
        written += [span[0][0] if alone else f"[{','.join(text for text, _ in span)}]", literal]
    return "".join(written)


def _written_v6(prefix: str, suffix: str, numbers: Iterable[int]) -> Iterator[FoldedSet]:
    first = last = -1
    for number in numbers:
        if last >= 0 and number == last + 1:
            last = number
            continue
        if last >= 0:
            yield _span_v6(prefix, suffix, first, last)
        first = last = number
    if last >= 0:
        yield _span_v6(prefix, suffix, first, last)


def _span_v6(prefix: str, suffix: str, first: int, last: int) -> FoldedSet:
    low, high = ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)
    text = v6_text(low) if first == last else f"{v6_text(low)}-{v6_text(high)}"
    return FoldedSet(f"{prefix}[{text}]{suffix}", last - first + 1)


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key by which `bmc-2` stands before `bmc-10`."""
    return [(0, int(part), part) if at % 2 else (1, 0, part) for at, part in enumerate(_NUMBER.split(text))]
