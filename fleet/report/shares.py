"""Which labels and proxies the targets of a group share, where the fleet as a whole does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import sqrt

from fleet.frozen import frozen

MAX_VALUES = 500  # of one label: a label with more names hosts, not places
MAX_LABELS = 50  # labels looked at
LEAST_TARGETS = 3  # targets of a group, from which a share says something
LEAST_SHARE = 0.5  # of the group
LEAST_LIFT = 0.15  # by which the share is above that of the fleet
LEAST_DEVIATIONS = 3.0  # from what chance would give

PROXY = "proxy"


@frozen
class Common:
    """`count` of the group's targets have this label; of all targets `fleet` have it."""

    name: str
    """the label; `proxy` for the way to the target"""
    value: str
    count: int
    """targets of the group that have it"""
    share: float
    """of the group, 0 to 1"""
    fleet: float
    """share of all targets that have it, 0 to 1"""


class Labels:
    """Counts of label values, bounded: a label that has too many values is forgotten."""

    __slots__ = ("_forgotten", "counts", "targets")

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self._forgotten: set[str] = set()
        self.targets: int = 0

    def add(self, labels: Mapping[str, str], proxy: str | None) -> None:
        """Count one target."""
        self.targets += 1
        if proxy:
            self._count(PROXY, proxy)
        for name, value in labels.items():
            self._count(name, str(value))

    def _count(self, name: str, value: str) -> None:
        counts = self.counts.get(name)
        if counts is None:
            if name in self._forgotten or len(self.counts) >= MAX_LABELS:
                return
            counts = self.counts[name] = Counter()
        counts[value] += 1
        if len(counts) > MAX_VALUES:
            del self.counts[name]
            self._forgotten.add(name)


def in_common(group: Labels, fleet: Labels, *, most: int = 3) -> tuple[Common, ...]:
    """What sets a group apart, the most telling first."""
    ranked = sorted(_telling(group, fleet), key=lambda found: (-found[0], found[1].name, found[1].value))
    return tuple(common for _, common in ranked[:most])


def _telling(group: Labels, fleet: Labels) -> Iterator[tuple[float, Common]]:
    size = group.targets
    if size < LEAST_TARGETS or not fleet.targets:
        return
    for name, counts in group.counts.items():
        value, count = counts.most_common(1)[0]
        whole = fleet.counts.get(name, Counter())[value]
        share, base = count / size, whole / fleet.targets
        expected = sqrt(max(size * base * (1 - base), 0.25))
        apart = (count - size * base) / expected
        if (
            share >= LEAST_SHARE
            and share - base >= LEAST_LIFT
            and (apart >= LEAST_DEVIATIONS or count == size == whole)
        ):
            yield share - base, Common(name, value, count, round(share, 4), round(base, 4))
