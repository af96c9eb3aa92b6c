"""Some of many targets.

Digests of their ids decide, so that the same targets are meant next week, on any machine, and however the
inventory is sorted.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import ClassVar

from fleet.errors import UsageError
from fleet.frozen import frozen
from fleet.target import Target

MAX_HELD = 100_000  # targets in memory at once: some 40 MB
_SPACE = 2**63
_TEXT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*%|(\d{1,9})", re.ASCII)


@frozen
class Sample:
    """A `share` of all targets (above 0, at most 1), or a `count` of them; one of the two is None.

    Whether a target is in a share depends on its id and a seed alone. A larger sample of the same seed holds
    every smaller one.
    """

    MOST: ClassVar[int] = MAX_HELD  # of a count: that many targets are held until the inventory has been read

    share: float | None
    count: int | None

    @classmethod
    def parse(cls, text: str) -> Sample:
        """`1%`, `0.5%`, `200`. Raises UsageError."""
        found = _TEXT.fullmatch(text.strip())
        share = float(found[1]) / 100 if found and found[1] else None
        count = int(found[2]) if found and found[2] else None
        if not found or share == 0 or count == 0 or (share is not None and share > 1):
            raise UsageError(f"--sample {text!r}: write a share like 1% or a number of targets, above zero")
        if count is not None and count > cls.MOST:
            raise UsageError(
                f"--sample {text}: at most {cls.MOST:,} targets are counted out\n"
                "  write a share of them, as --sample 10%"
            )
        return cls(share, count)

    def of(self, targets: Iterator[Target], seed: int, left: Callable[[int], None]) -> Iterator[Target]:
        """Those of the targets that are in the sample, in their order. `left` is told how many were not, as
        they go by; of a count nothing comes before the last target was read."""
        if self.count is not None:
            return self._counted(targets, seed, left)
        return self._shared(targets, seed, left)

    def _shared(self, targets: Iterator[Target], seed: int, left: Callable[[int], None]) -> Iterator[Target]:
        below = int((self.share or 0.0) * _SPACE)
        for target in targets:
            if rank(target.id, seed, "sample") < below:
                yield target
            else:
                left(1)

    def _counted(self, targets: Iterator[Target], seed: int, left: Callable[[int], None]) -> Iterator[Target]:
        most = self.count or 0
        held: list[tuple[int, int, Target]] = []  # the one to go first on top
        for at, target in enumerate(targets):
            entry = (-rank(target.id, seed, "sample"), -at, target)
            if len(held) < most:
                heapq.heappush(held, entry)
            else:
                heapq.heappushpop(held, entry)
                left(1)
        held.sort(key=lambda entry: -entry[1])
        yield from (target for _, _, target in held)

    def __str__(self) -> str:
        return (
            str(self.count)
            if self.count is not None
            else f"{(self.share or 0) * 100:.9f}".rstrip("0").rstrip(".") + "%"
        )


def rank(identity: str, seed: int, purpose: str) -> int:
    """Where an id stands among all, for one purpose: the same everywhere, and for every purpose another."""
    digest = blake2b(
        identity.encode("utf-8", "surrogatepass"),
        digest_size=8,
        key=str(seed).encode("ascii"),
        person=purpose.encode("ascii"),
    ).digest()
    return int.from_bytes(digest, "big") >> 1
