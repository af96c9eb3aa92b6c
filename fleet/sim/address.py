"""Which loopback addresses the simulated hosts have, and numbers that follow from an address alone."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator

from fleet.errors import ConfigError

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def addresses(count: int, first: str = "127.1.0.1") -> Iterator[str]:
    """`count` consecutive addresses from `first` on, without those that end in .0 or .255.

    Raises ConfigError when `first` is not an address of 127/8, or when 127/8 ends before the count is met.
    """
    start = ipaddress.IPv4Address(first)
    if start not in _LOOPBACK:
        raise ConfigError(f"{first} is not a loopback address: simulated hosts live in 127.0.0.0/8")
    number, given = int(start), 0
    while given < count:
        if number > int(_LOOPBACK.broadcast_address):
            raise ConfigError(f"127.0.0.0/8 has no {count} addresses from {first} on")
        if number & 0xFF not in (0x00, 0xFF):
            yield str(ipaddress.IPv4Address(number))
            given += 1
        number += 1


def is_loopback(address: str) -> bool:
    """Whether an address, as getsockname gives it, is one that only this machine can reach."""
    return address.startswith("127.")


def digest(address: str, purpose: str) -> int:
    """A 64-bit number that depends on the address and what it is wanted for, and on nothing else."""
    return int.from_bytes(hashlib.blake2b(f"{purpose}|{address}".encode(), digest_size=8).digest())


def share(address: str, seed: int) -> float:
    """Where an address stands between 0 and 1 for a seed: a rule for 5 % takes those below 0.05."""
    return digest(address, f"share {seed}") / 2**64
