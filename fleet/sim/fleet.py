"""The simulated fleet: thousands of hosts in one process, each at its own loopback address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from fleet.errors import ConfigError
from fleet.frozen import frozen
from fleet.outcome import FailureKind
from fleet.sim.address import addresses
from fleet.sim.assignment import assign_faults, fault_while_serving
from fleet.sim.certificates import Authority
from fleet.sim.control import Control
from fleet.sim.host import Host
from fleet.sim.listener import Listener
from fleet.sim.options import SimOptions
from fleet.sim.sessions import SessionRules
from fleet.sim.socks import SocksProxy
from fleet.sim.tree import Tree, builtin_tree, mockup_tree
from fleet.sim.unserved import Listens, UnservedHosts

SITES = ("a", "b", "c")


@frozen
class Entry:
    """One host of the fleet as an inventory lists it: `kinds` are the failures that its faults cause."""

    url: str
    address: str
    tree: str
    site: str
    faults: tuple[str, ...]
    kinds: tuple[FailureKind | None, ...]

    @property
    def line(self) -> str:
        """Its line in a hosts file."""
        return f"{self.url} site={self.site}"


class SimulatedFleet:
    """Serves from `async with` until its end. Raises ConfigError for options that make no fleet, OSError
    when the port is taken.

    `hosts` are base URLs, in the order of their addresses; hosts that refuse connections or whose name
    does not exist are listed where that is true. `ca_pem` is what a client that verifies has to trust.
    """

    def __init__(self, options: SimOptions | None = None) -> None:
        self.options: SimOptions = options or SimOptions()
        self.hosts: list[str] = []
        self.entries: list[Entry] = []
        self.port: int = 0
        self.control_url: str = ""
        self.socks_url: str | None = None
        self._authority = Authority()
        self._hosts: dict[str, Host] = {}
        self._closing = AsyncExitStack()
        self._socks: SocksProxy | None = None
        self._listener: Listener | None = None

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate, as PEM."""
        return self._authority.ca_pem

    @property
    def scheme(self) -> str:
        return "https" if self.options.tls else "http"

    @property
    def total(self) -> Mapping[str, int]:
        """The sums over all hosts, the largest peak, and what the proxy and the listener saw."""
        totals: dict[str, int] = {"hosts": len(self._hosts)}
        for host in self._hosts.values():
            for name, value in host.counts().items():
                if isinstance(value, int):
                    totals[name] = totals.get(name, 0) + value
        totals["peak_connections"] = max((host.peak for host in self._hosts.values()), default=0)
        totals["turned_away"] = self._listener.turned_away if self._listener else 0
        totals["socks_connections"] = self._socks.connections if self._socks else 0
        totals["socks_refused"] = self._socks.refused if self._socks else 0
        totals["socks_dropped"] = self._socks.dropped if self._socks else 0
        return totals

    def counts(self) -> dict[str, dict[str, Any]]:
        """What each host saw, by its base URL's address (`127.1.0.1`)."""
        return {address: host.counts() for address, host in self._hosts.items()}

    def reset(self) -> None:
        """Forgets what the hosts saw; open connections and live sessions stay."""
        for host in self._hosts.values():
            host.reset()

    def switch(self, address: str, fault: str | None, path: str | None = None) -> None:
        """Has a host misbehave from now on as `fault` says, and in no other way; None: it is well again. A
        `path` limits it to requests whose path matches a glob. `entries` go on telling what it began with.
        Raises KeyError for an address that is no host's, ConfigError for a fault that cannot be switched."""
        host = self._hosts[address]
        host.faults = (fault_while_serving(fault, address, path),) if fault is not None else ()

    def vary(self, address: str, values: Mapping[str, str]) -> None:
        """Has a host show other values from now on, by the names that `expected` has for them; with none it
        shows its own again. Raises KeyError for an address that is no host's, ConfigError for a value that
        no host has."""
        host = self._hosts[address]
        try:
            host.vary(values)
        except ValueError as problem:
            raise ConfigError(str(problem)) from None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._closing.aclose()

    async def _start(self) -> None:
        options = self.options
        trees = await asyncio.to_thread(_load_trees, options)
        self._listener = Listener(self._hosts.get, authority=self._authority, latency=options.latency)
        self._closing.callback(self._listener.close)
        self.port = self._listener.listen("0.0.0.0", options.port)  # noqa: S104  # the listener lets only 127/8 in
        self._make_hosts(trees)
        control = Listener(lambda _: self._control())
        self._closing.callback(control.close)
        self.control_url = f"http://127.0.0.1:{control.listen('127.0.0.1', 0)}"
        if options.socks is not None:
            self._socks = await self._closing.enter_async_context(
                SocksProxy(options.socks, limit=options.socks_limit)
            )
            self.socks_url = f"socks5h://127.0.0.1:{self._socks.port}"

    def _make_hosts(self, trees: Sequence[Tree]) -> None:
        options = self.options
        names = list(addresses(options.hosts, options.first_address))
        assigned = assign_faults(options.faults, names, options.seed)
        rules = SessionRules(options.sessions, options.lockout, options.lockout_seconds)
        unserved = self._closing.enter_context(UnservedHosts())
        for index, address in enumerate(names):
            faults = tuple(assigned.get(address, ()))
            behaviours = [each.behaviour for each in faults]
            listens: Listens = next((each.listens for each in behaviours if each.listens != "yes"), "yes")
            where = unserved.place(address, listens) or f"{address}:{self.port}"
            url = f"{self.scheme}://{where}"
            tree = trees[index % len(trees)]
            self._hosts[address] = Host(
                address, tree, options.auth, rules, faults, secure=options.tls, base_url=url
            )
            self.hosts.append(url)
            self.entries.append(
                Entry(
                    url=url,
                    address=address,
                    tree=tree.name,
                    site=SITES[index % len(SITES)],
                    faults=tuple(each.name for each in behaviours),
                    kinds=tuple(each.cause(secure=options.tls) for each in faults),
                )
            )

    def _control(self) -> Control:
        def listed() -> list[dict[str, Any]]:
            return [
                {"url": entry.url, "address": entry.address, "tree": entry.tree, "site": entry.site}
                | {"faults": list(entry.faults), "kinds": [kind and kind.value for kind in entry.kinds]}
                for entry in self.entries
            ]

        return Control(
            counts=self.counts,
            totals=lambda: self.total,
            hosts=listed,
            expected=lambda address: host.expected if (host := self._hosts.get(address)) else None,
            reset=self.reset,
            switch=self.switch,
            vary=self.vary,
        )


def _load_trees(options: SimOptions) -> list[Tree]:
    if options.trees:
        return [mockup_tree(directory) for directory in options.trees]
    return [builtin_tree(expand=options.expand)]
