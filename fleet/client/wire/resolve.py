"""Names to addresses: one look-up per name and run, in a bounded number of threads."""

from __future__ import annotations

import socket
from collections import OrderedDict
from typing import TypeAlias

import anyio
from anyio import to_thread

from fleet.client.wire.failures import classify
from fleet.errors import RequestFailed

Address: TypeAlias = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


class Resolver:
    """The addresses of a host. Numeric hosts never reach the system's resolver.

    `threads` bounds the look-ups in flight; `names` bounds what is remembered (the oldest is forgotten).
    A name that does not exist is remembered too; a resolver that did not answer is asked again.
    """

    def __init__(self, *, threads: int = 16, names: int = 16_384) -> None:
        self._threads = anyio.CapacityLimiter(threads)
        self._names = names
        self._known: OrderedDict[str, tuple[Address, ...] | RequestFailed] = OrderedDict()
        self._asking: dict[str, tuple[anyio.Lock, int]] = {}

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Every address of `host`, in the system's order, with `port` filled in.

        Raises RequestFailed (`dns.not_found`, `dns.unavailable`).
        """
        numeric = numeric_address(host, port)
        if numeric is not None:
            return (numeric,)
        found = self._known.get(host)
        if found is None:
            found = await self._ask_once(host)
        if isinstance(found, RequestFailed):
            raise RequestFailed(found.kind, found.message)
        return tuple((family, (address[0], port, *address[2:])) for family, address in found)

    async def _ask_once(self, host: str) -> tuple[Address, ...] | RequestFailed:
        """One caller asks and the others wait for it; when it is cancelled, the next one asks."""
        lock, waiting = self._asking.get(host) or (anyio.Lock(), 0)
        self._asking[host] = (lock, waiting + 1)
        try:
            async with lock:
                found = self._known.get(host)
                if found is None:
                    found = await self._ask(host)
                return found
        finally:
            lock, waiting = self._asking[host]
            if waiting == 1:
                del self._asking[host]
            else:
                self._asking[host] = (lock, waiting - 1)

    async def _ask(self, host: str) -> tuple[Address, ...] | RequestFailed:
        try:
            # Not cancellable in libc: a cancelled caller leaves its thread behind, which keeps its place.
            answers = await to_thread.run_sync(_look_up, host, abandon_on_cancel=True, limiter=self._threads)
        except (OSError, UnicodeError) as error:
            failed = classify(error, phase="resolve")
            failed.message = f"{host}: {failed.message}"
            if failed.kind != "dns.not_found":
                return failed
            self._remember(host, failed)
            return failed
        self._remember(host, answers)
        return answers

    def _remember(self, host: str, found: tuple[Address, ...] | RequestFailed) -> None:
        self._known[host] = found
        if len(self._known) > self._names:
            self._known.popitem(last=False)


def _look_up(host: str) -> tuple[Address, ...]:
    answers = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple((family, address) for family, _, _, _, address in answers)  # type: ignore[misc]


def numeric_address(host: str, port: int) -> Address | None:
    """The address itself, when `host` is one; None for a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return family, (host, port) if family == socket.AF_INET else (host, port, 0, 0)
    return None
