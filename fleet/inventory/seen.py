"""A set of digests that stays small and grows without a pause.

A million targets must be told apart in at most 32 bytes each. A Python set of strings takes about 150, so
targets are kept as 96-bit digests, packed end to end into short byte strings ("buckets"). Looking one up is
a `bytes.find` in one bucket; the table grows by splitting one bucket at a time (linear hashing), so there
is never a second copy of it and no insertion pays for a rehash of everything.

Measured for one million entries: 14 to 16 bytes each, 2 us per insertion (`benchmarks/inventory.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

ENTRY = 12  # bytes of one entry
AVERAGE = 96  # entries of one bucket: fewer waste memory on headers, more waste time on searching


class PackedEntries:
    """Entries of 12 bytes, found by their first `key` bytes. The bytes must be uniformly distributed."""

    __slots__ = ("_buckets", "_key", "_level", "_room", "_split", "count")

    def __init__(self, key: int = ENTRY) -> None:
        self.count = 0
        self._key = key
        self._buckets: list[bytes] = [b""]
        self._level = 1  # buckets at the start of this round of splits: a power of two
        self._split = 0  # the next bucket to split
        self._room = AVERAGE  # insertions until the next split

    def find(self, key: bytes) -> bytes | None:
        """The entry that starts with these `key` bytes."""
        bucket = self._buckets[self._place(key)]
        at = bucket.find(key)
        while at >= 0:
            if at % ENTRY == 0:
                return bucket[at : at + ENTRY]
            at = bucket.find(key, at + 1)
        return None

    def add(self, entry: bytes) -> bool:
        """Insert an entry. False, and no change, when one with the same key is there."""
        key = entry[: self._key]
        place = self._place(key)
        bucket = self._buckets[place]
        at = bucket.find(key)
        while at >= 0:
            if at % ENTRY == 0:
                return False
            at = bucket.find(key, at + 1)
        self._buckets[place] = bucket + entry
        self.count += 1
        self._room -= 1
        if self._room == 0:
            self._grow()
        return True

    def _place(self, key: bytes) -> int:
        number = int.from_bytes(key[:4], "little")
        place = number & (self._level - 1)
        return place if place >= self._split else number & (2 * self._level - 1)

    def _grow(self) -> None:
        bucket = self._buckets[self._split]
        stay: list[bytes] = []
        move: list[bytes] = []
        for at in range(0, len(bucket), ENTRY):
            entry = bucket[at : at + ENTRY]
            (move if int.from_bytes(entry[:4], "little") & self._level else stay).append(entry)
        self._buckets[self._split] = b"".join(stay)
        self._buckets.append(b"".join(move))
        self._split += 1
        if self._split == self._level:
            self._level *= 2
            self._split = 0
        self._room = AVERAGE


class Seen:
    """Which targets have been read.

    An address is kept as 96 bits of its BLAKE2b digest: among a million targets the chance that any two are
    taken for one is about 6e-18. An explicit id is kept as 64 bits, with 32 bits of its address beside
    them: the chance of a false "one id, two addresses" is 3e-8 for a million ids, and it is reported, never
    silent; two addresses of one id pass as duplicates with a chance of 2e-10 each.
    """

    __slots__ = ("_addresses", "_identities", "_url_like")

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._addresses = PackedEntries()
        self._identities = PackedEntries(key=8)
        self._url_like = False  # some explicit id could be the implicit id of another target
        for url in urls:
            self.add(url, url)

    @property
    def count(self) -> int:
        """Targets told apart so far."""
        return self._addresses.count

    def add(self, url: str, identity: str) -> str | None:
        """Remember a target.

        None when it is new. "duplicate" when its address was there. "conflict" when its id stands for
        another address already: the target is not remembered then.
        """
        address = _digest(url)
        if identity == url:
            if self._url_like and self._identities.find(_digest(identity)[:8]) is not None:
                return "conflict"
            return None if self._addresses.add(address) else "duplicate"
        named = _digest(identity)
        known = self._identities.find(named[:8])
        if known is not None:
            return "duplicate" if known[8:] == address[:4] else "conflict"
        if "://" in identity:
            if self._addresses.find(named) is not None:
                return "conflict"
            self._url_like = True
        if not self._addresses.add(address):
            return "duplicate"
        self._identities.add(named[:8] + address[:4])
        return None


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=ENTRY).digest()
