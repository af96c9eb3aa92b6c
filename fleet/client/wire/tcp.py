"""TCP to a host: of several addresses, the first that answers (RFC 8305, "happy eyeballs")."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest

import anyio

from fleet.client.wire.channel import Channel
from fleet.client.wire.failures import classify
from fleet.client.wire.lookup import Address
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

STAGGER = 0.25  # seconds before the next address is tried beside those that have not answered

# Of several failures the one that says most of the host: that it is there, then that it is silent.
_TELLING = (FailureKind.CONNECT_REFUSED, FailureKind.CONNECT_RESET, FailureKind.TIMEOUT_CONNECT)


async def connect(addresses: Sequence[Address], deadline: float) -> Channel:
    """A connection to the first of these addresses that lets itself be connected to, by the deadline (a time
    of the event loop's clock).

    IPv6 and IPv4 take turns, beginning with the first address. Each gets a quarter of a second before the
    next is tried beside it, and one that fails makes way at once; the losers are closed. Raises
    RequestFailed: when all fail, the most telling failure.
    """
    if len(addresses) == 1:
        try:
            return await _open(addresses[0], deadline)
        except (OSError, TimeoutError) as error:
            raise classify(error, phase="connect") from error
    race = _Race(deadline)
    try:
        await race.run(interleaved(addresses))
    except BaseException:
        race.abandon()
        raise
    return race.result()


class _Race:
    """Attempts that run beside each other, until one has won."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._won: Channel | None = None
        self._failures: list[RequestFailed] = []

    async def run(self, addresses: Sequence[Address]) -> None:
        async with anyio.create_task_group() as group:
            for address in addresses:
                over = anyio.Event()
                group.start_soon(self._attempt, address, over, group.cancel_scope)
                with anyio.move_on_after(STAGGER):
                    await over.wait()
                if any(failed.kind.blame == "local" for failed in self._failures):
                    group.cancel_scope.cancel()  # no address is at fault, and none would do better
                    return

    async def _attempt(self, address: Address, over: anyio.Event, race: anyio.CancelScope) -> None:
        try:
            channel = await _open(address, self._deadline)
        except (OSError, TimeoutError) as error:
            self._failures.append(classify(error, phase="connect"))
        else:
            if self._won is None:
                self._won = channel
                race.cancel()
            else:
                channel.close()
        finally:
            over.set()

    def abandon(self) -> None:
        """Whoever has won is not wanted any more."""
        if self._won is not None:
            self._won.close()

    def result(self) -> Channel:
        if self._won is not None:
            return self._won
        failures = self._failures
        self._failures = []  # each holds the frames that it was raised in
        found = next((failed for failed in failures if failed.kind.blame == "local"), None)
        for kind in _TELLING:
            found = found or next((failed for failed in failures if failed.kind is kind), None)
        found = found or failures[0]
        message = found.message
        if len(failures) > 1 and found.kind.blame != "local":
            message += f" ({len(failures)} addresses tried)"
        raise RequestFailed(found.kind, message)


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The same addresses, families in turn, in their order within each."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = zip_longest(*families.values())
    return [address for address in chain.from_iterable(turns) if address is not None]


async def _open(address: Address, deadline: float) -> Channel:
    family, destination = address
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    channel = Channel(sock)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await channel.connect(destination, deadline)
    except OSError as error:
        channel.close()
        if family == socket.AF_INET6 and (why := _leads_nowhere(error, destination)):
            raise OSError(errno.ENETUNREACH, why) from error
        raise
    except BaseException:
        channel.close()
        raise
    return channel


def _leads_nowhere(error: OSError, destination: tuple[object, ...]) -> str | None:
    """What the kernel means that refuses an IPv6 address before anything is sent, where it means the address.

    Without an address of its own to send from it says what it says when all ports are taken; asked for a
    datagram socket, which takes none of those, it says the same only of the address.
    """
    if error.errno == errno.EINVAL:
        return "a link-local address leads nowhere without an interface"
    if error.errno != errno.EADDRNOTAVAIL:
        return None
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagrams:
        unusable = datagrams.connect_ex(destination) == errno.EADDRNOTAVAIL
    return "this machine has no IPv6 address to reach it from" if unusable else None
