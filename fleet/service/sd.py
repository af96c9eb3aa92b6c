"""What systemd wants to hear, and the sockets that it hands over; nothing happens where it is not there."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

FIRST_DESCRIPTOR = 3  # the descriptor of the first socket


class Manager:
    """The one that started us, if it listens."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        interval = environ.get("WATCHDOG_USEC", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Half of the time that it waits, as sd_watchdog_enabled(3) advises.
        self.watchdog: float | None = int(interval) / 2e6 if mine and interval.isdigit() else None

    def ready(self) -> None:
        self._say("READY=1")

    def reloading(self) -> None:
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def alive(self) -> None:
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        self._say(f"STATUS={text}")

    def _say(self, text: str) -> None:
        """Send a datagram that nobody need receive."""
        if self._address[:1] not in ("/", "@"):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            try:
                sock.setblocking(False)
                sock.sendto(text.encode(), address)
            except OSError:
                return


def inherited_sockets(environ: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """The listening sockets that were handed over (LISTEN_FDS)."""
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdigit():
        return []
    found = []
    for descriptor in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)):
        os.set_inheritable(descriptor, False)
        found.append(socket.socket(fileno=descriptor))
    return found
