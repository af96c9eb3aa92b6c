"""Which part of an inventory is scanned here: every shard knows its own targets without asking anybody."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from hashlib import blake2b
from typing import ClassVar

from fleet.errors import UsageError
from fleet.frozen import frozen

INDEX_VARIABLE = "JOB_COMPLETION_INDEX"  # what Kubernetes tells each pod of an Indexed Job
NAME_VARIABLE = "HOSTNAME"  # in a StatefulSet the name of the pod, which ends with its number
_TEXT = re.compile(r"(\d{1,9}|auto|hostname)?/(\d{1,9})", re.ASCII)
_ORDINAL = re.compile(r".*-(\d{1,9})", re.ASCII | re.DOTALL)


@frozen
class Shard:
    """Part `index` (from 0) of `count`.

    A target belongs to exactly one of them, whatever its line, its file and the machine: the first eight
    bytes of the BLAKE2b digest (`digest_size=8`) of its id in UTF-8, as a big-endian number, modulo `count`.
    Raises ValueError for numbers that do not fit.
    """

    MOST: ClassVar[int] = 100_000  # shards of one scan: as many as an Indexed Job may have pods at a time

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= self.MOST:
            raise ValueError(f"a scan has 1 to {self.MOST:,} shards, not {self.count:,}")
        if not 0 <= self.index < self.count:
            raise ValueError(
                f"shards count from 0: of {self.count:,} the last is {self.count - 1:,}, not {self.index:,}"
            )

    @classmethod
    def parse(cls, text: str, environment: Mapping[str, str] = os.environ) -> Shard:
        """`2/8`; `/8` and `auto/8` take the index from $JOB_COMPLETION_INDEX, `hostname/8` from the end of
        the host's name, as 2 from `fleet-2`. Raises UsageError."""
        parts = _TEXT.fullmatch(text.strip())
        if parts is None:
            raise UsageError(
                f"--shard {text!r}: write I/N, as 0/8, or /8 for the part that ${INDEX_VARIABLE} names"
            )
        index, count = parts.groups()
        if index == "hostname":
            name = environment.get(NAME_VARIABLE) or socket.gethostname()
            ordinal = _ORDINAL.fullmatch(name)
            if ordinal is None:
                raise UsageError(
                    f"--shard {text}: this host is called {name[:80]!r}, which does not end with -NUMBER\n"
                    f"  or write I/{count}"
                )
            index = ordinal[1]
        if index in (None, "auto"):
            index = environment.get(INDEX_VARIABLE, "")
            if not (index.isascii() and index.isdigit()):
                raise UsageError(
                    f"--shard {text}: ${INDEX_VARIABLE} is {index!r}, not a number\n  or write I/{count}"
                )
        try:
            return cls(int(index), int(count))
        except ValueError as error:
            raise UsageError(f"--shard {text}: {error}") from None

    def holds(self, target: str) -> bool:
        """Whether the target of this id is one of the shard's."""
        digest = blake2b(target.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
