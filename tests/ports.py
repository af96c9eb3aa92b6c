"""Ports for programs that are told one before they listen on it."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle

RANGE = range(15_000, 32_000)  # below those that systems give to clients: no connection of a test gets one
PARTS = 16


def free_port(host: str = "127.0.0.1") -> int:
    """A port where nothing listens, and that nobody gets who did not ask for it; never one that was given."""
    for _ in RANGE:
        port = next(_mine())
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("every port is taken")


@cache
def _mine() -> Iterator[int]:
    """The ports of this process, in an order of its own: of those that run tests, each has a part."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = RANGE[worker % PARTS :: PARTS]
    return cycle(random.sample(ports, len(ports)))
