"""Which targets an inventory has named already, in a few bytes each."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from fleet.digest import DigestTable


class Seen:
    """Which targets have been read.

    An address is kept as 96 bits of its BLAKE2b digest: among a million targets the chance that any two are
    taken for one is about 6e-18. An explicit id is kept as 64 bits, with 32 bits of its address beside
    them: the chance of a false "one id, two addresses" is 3e-8 for a million ids, and it is reported, never
    silent; two addresses of one id pass as duplicates with a chance of 2e-10 each.
    """

    __slots__ = ("_addresses", "_identities", "_url_like")

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._addresses = DigestTable()
        self._identities = DigestTable(value_bits=32, digest=8)
        self._url_like = False  # some explicit id could be the implicit id of another target
        for url in urls:
            self.add(url, url)

    @property
    def count(self) -> int:
        """Targets told apart so far."""
        return len(self._addresses)

    @property
    def nbytes(self) -> int:
        """Memory that this takes, in bytes."""
        return self._addresses.nbytes + self._identities.nbytes

    def add(self, url: str, identity: str) -> str | None:
        """Remember a target.

        None when it is new. "duplicate" when its address was there. "conflict" when its id stands for
        another address already: the target is not remembered then.
        """
        address = _key(url)
        if identity == url:
            if self._url_like and address in self._identities:
                return "conflict"
            return None if self._addresses.add(address) else "duplicate"
        named, short = _key(identity), _short(address)
        known = self._identities.get(named)
        if known is not None:
            return "duplicate" if known == short else "conflict"
        if "://" in identity:
            if named in self._addresses:
                return "conflict"
            self._url_like = True
        if not self._addresses.add(address):
            return "duplicate"
        self._identities.add(named, short)
        return None


def _key(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _short(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=4).digest(), "little")
