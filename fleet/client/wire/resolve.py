"""Names to addresses: one look-up per name and run, a bounded number at once."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict

from fleet.client.wire.failures import classify
from fleet.client.wire.lookup import Address, Answer, LookUp, Lookups, Question, system_addresses
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind
from fleet.policy import Names

# What name servers that filter say of a name. Connected to, both are the machine that asks.
_BLOCKED = frozenset({"0.0.0.0", "::"})  # noqa: S104 (nothing is bound)
_Found = tuple[Address, ...] | RequestFailed


class Resolver:
    """The addresses of a host. Numeric hosts never reach the system's resolver.

    One per scan: what it has learnt holds to its end, whatever the name server's TTL says. A name that does
    not exist is remembered too; a resolver that did not answer is asked again. When there are more names
    than `names.remembered`, the one that was learnt first is forgotten. `look_up` asks the system,
    in a thread.
    """

    def __init__(self, names: Names | None = None, *, look_up: LookUp = system_addresses) -> None:
        self._names = names or Names()
        self._look_up = look_up
        self._known: OrderedDict[str, _Found] = OrderedDict()
        self._asking: dict[str, Question] = {}
        self._lookups = Lookups(self._names.threads, look_up)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Every address of `host` (at most `names.addresses`), in the system's order, with `port` filled in.

        Raises RequestFailed (`dns.not_found`, `dns.unavailable`).
        """
        numeric = numeric_address(host, port)
        if numeric is not None:
            return (numeric,)
        found = self._known.get(host)
        if found is None:
            found = await self._ask(host)
        if isinstance(found, RequestFailed):
            raise RequestFailed(found.kind, found.message)
        return tuple((family, (address[0], port, *address[2:])) for family, address in found)

    async def _ask(self, host: str) -> _Found:
        """All who want to know one name wait for one look-up, which outlives whoever gives up."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # what was asked in another loop is answered there, if at all
            self._lookups.close()
            self._lookups = Lookups(self._names.threads, self._look_up)
            self._loop, self._asking = loop, {}
        question = self._asking.get(host)
        if question is None or question.answer.cancelled():
            question = self._asking[host] = Question(host, loop)
            question.answer.add_done_callback(lambda _answer: self._settle(question))
            question.waiting = 1
            self._lookups.ask(question)
        else:
            question.waiting += 1
        try:
            answer = await asyncio.shield(question.answer)
        finally:
            question.waiting -= 1
        return self._known.get(host) or self._judged(host, answer)

    def _settle(self, question: Question) -> None:
        """A look-up has ended: what is known now holds for the run."""
        host = question.host
        if self._asking.get(host) is question:
            del self._asking[host]
        if question.answer.cancelled():
            return
        found = self._judged(host, question.answer.result())
        if isinstance(found, RequestFailed) and found.kind is not FailureKind.DNS_NOT_FOUND:
            return
        self._known[host] = found
        if len(self._known) > self._names.remembered:
            self._known.popitem(last=False)

    def _judged(self, host: str, answer: Answer) -> _Found:
        if isinstance(answer, Exception):
            failed = classify(answer, phase="resolve")
            return RequestFailed(failed.kind, f"{host}: {failed.message}")
        usable = tuple(address for address in answer if address[1][0] not in _BLOCKED)
        if answer and not usable:
            message = f"{host}: the name server says {answer[0][1][0]}, as of a name that it blocks"
            return RequestFailed(FailureKind.DNS_NOT_FOUND, message)
        return usable[: self._names.addresses]


def numeric_address(host: str, port: int) -> Address | None:
    """The address itself, when `host` is one; None for a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return family, (host, port) if family == socket.AF_INET else (host, port, 0, 0)
    return None
