"""Ports for programs that are told one before they listen on it."""

from __future__ import annotations

import random
import socket

RANGE = range(15_000, 32_000)  # below those that systems give to clients: no connection of a test gets one


def free_port(host: str = "127.0.0.1") -> int:
    """A port where nothing listens, and that nobody gets who did not ask for it."""
    for port in random.sample(RANGE, len(RANGE)):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("every port is taken")
