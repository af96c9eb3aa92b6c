"""A table of digests that stays small and grows without a pause.

A million targets must be told apart in at most 32 bytes each; a Python set of strings takes about 150. So a
key is kept as a digest, packed end to end with others into short byte strings ("buckets"). Looking one up
is a `bytes.find` in one bucket. The table grows by splitting one bucket at a time (linear hashing): there is
never a second copy of it, and no insertion pays for a rehash of everything.

Measured for one million keys: 14 to 16 bytes each, 2 us per insertion (`benchmarks/inventory.py`).
"""

from __future__ import annotations

import sys
from hashlib import blake2b

DIGEST = 12  # bytes, if not told otherwise: two of a million keys share a digest with a chance of 6e-18
AVERAGE = 96  # entries of one bucket: fewer waste memory on headers, more waste time on searching


class DigestTable:
    """Keys, each known by a few bytes of its BLAKE2b digest, each with a small unsigned value.

    `value_bits` is rounded up to whole bytes; with 0 the table is a set. One entry takes `digest` bytes (at
    least 4) and its value, and about 2 bytes of overhead.
    """

    __slots__ = ("_buckets", "_count", "_digest", "_entry", "_level", "_room", "_split", "_value")

    def __init__(self, value_bits: int = 0, *, digest: int = DIGEST) -> None:
        self._digest = digest
        self._value = (value_bits + 7) // 8
        self._entry = digest + self._value
        self._buckets: list[bytes] = [b""]
        self._count = 0
        self._level = 1  # buckets at the start of this round of splits: a power of two
        self._split = 0  # the next bucket to split
        self._room = AVERAGE  # insertions until the next split

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: bytes) -> bool:
        digest = blake2b(key, digest_size=self._digest).digest()
        return self._at(self._buckets[self._place(digest)], digest) >= 0

    @property
    def nbytes(self) -> int:
        """Memory that the table takes, in bytes."""
        return sys.getsizeof(self._buckets) + sum(map(sys.getsizeof, self._buckets))

    def add(self, key: bytes, value: int = 0) -> bool:
        """Insert a key. False, and no change, when it is there. Raises OverflowError for a value too big."""
        digest = blake2b(key, digest_size=self._digest).digest()
        place = self._place(digest)
        bucket = self._buckets[place]
        if self._at(bucket, digest) >= 0:
            return False
        self._insert(place, bucket, digest, value)
        return True

    def put(self, key: bytes, value: int) -> None:
        """Insert a key, or give it another value. Raises OverflowError for a value too big."""
        digest = blake2b(key, digest_size=self._digest).digest()
        place = self._place(digest)
        bucket = self._buckets[place]
        at = self._at(bucket, digest)
        if at < 0:
            self._insert(place, bucket, digest, value)
            return
        start, end = at + self._digest, at + self._entry
        self._buckets[place] = bucket[:start] + value.to_bytes(self._value, "little") + bucket[end:]

    def get(self, key: bytes) -> int | None:
        """The value of a key (0 in a set); None when it is not there."""
        digest = blake2b(key, digest_size=self._digest).digest()
        bucket = self._buckets[self._place(digest)]
        at = self._at(bucket, digest)
        return None if at < 0 else int.from_bytes(bucket[at + self._digest : at + self._entry], "little")

    def _at(self, bucket: bytes, digest: bytes) -> int:
        at = bucket.find(digest)
        while at >= 0 and at % self._entry:
            at = bucket.find(digest, at + 1)
        return at

    def _insert(self, place: int, bucket: bytes, digest: bytes, value: int) -> None:
        self._buckets[place] = bucket + digest + value.to_bytes(self._value, "little")
        self._count += 1
        self._room -= 1
        if self._room == 0:
            self._grow()

    def _place(self, digest: bytes) -> int:
        number = int.from_bytes(digest[:4], "little")
        place = number & (self._level - 1)
        return place if place >= self._split else number & (2 * self._level - 1)

    def _grow(self) -> None:
        bucket = self._buckets[self._split]
        stay: list[bytes] = []
        move: list[bytes] = []
        for at in range(0, len(bucket), self._entry):
            entry = bucket[at : at + self._entry]
            (move if int.from_bytes(entry[:4], "little") & self._level else stay).append(entry)
        self._buckets[self._split] = b"".join(stay)
        self._buckets.append(b"".join(move))
        self._split += 1
        if self._split == self._level:
            self._level *= 2
            self._split = 0
        self._room = AVERAGE
