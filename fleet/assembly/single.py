"""One target at a time: a call, a trial of a spec, and the certificates that targets show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from fleet.assembly.connect import Connector
from fleet.assembly.prepare import PreparedScan
from fleet.client import Dialer, Endpoint, Resolver, TlsContexts, failure_of, peek_certificate
from fleet.errors import InventoryError, RequestFailed, UsageError
from fleet.event import Event, Listener
from fleet.frozen import frozen
from fleet.openapi import read_json
from fleet.outcome import Failure, FailureKind, Outcome
from fleet.pipeline import PipelineProbe
from fleet.policy import Tls
from fleet.target import Target

HANDSHAKES_AT_ONCE = 256  # handshakes, where nobody says how many


@frozen
class Called:
    """What one call gave: the answer's JSON (None when there was none), and the failure if it was one."""

    value: Any = None
    failure: Failure | None = None


@dataclass(slots=True)
class Learnt:
    """The SHA-256 of each target's certificate, by target id, and why others gave none."""

    pins: dict[str, str] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


def ignore(_event: Event) -> None:
    """The listener of those who do not listen."""


async def call_operation(
    prepared: PreparedScan,
    operation: str,
    parameters: Mapping[str, str | list[str]],
    *,
    tell: Listener = ignore,
) -> Called:
    """Call one operation of the description on the options' one target, logging in and out as a scan does.

    Parameters are texts, or lists of them. Raises UsageError for an unknown operation, a parameter that does
    not fit, and a method other than GET and HEAD.
    """
    called = prepared.document.operation(operation)
    if called.method not in {"GET", "HEAD"}:
        raise UsageError(f"{called.name} is a {called.method}: fleet only reads (GET and HEAD)")
    called.build(dict(parameters))  # what does not fit is said before anything is connected
    target = await anyio.to_thread.run_sync(_only_target, prepared)
    connector = await anyio.to_thread.run_sync(Connector.of, prepared, tell)
    try:
        with anyio.fail_after(prepared.policy.timeouts.target):
            async with connector(target) as client:
                login = prepared.plan.login
                if login is not None and login.source is not None and client.credential is not None:
                    await client.call(login.source, anonymous=True)  # it says where sessions are, if anywhere
                reply = await client.call(called, dict(parameters))
        value = read_json(reply.body, exact=True)[0] if reply.body else None
    except RequestFailed as failed:
        return Called(failure=Failure(failed.kind, failed.message, status=failed.status))
    except TimeoutError:
        seconds = prepared.policy.timeouts.target
        return Called(failure=Failure(FailureKind.TIMEOUT_TARGET, f"not done after {seconds:g} s"))
    refused = failure_of(reply)
    return Called(value, Failure(*refused, status=reply.status) if refused is not None else None)


async def check_against(prepared: PreparedScan, url: str, *, tell: Listener = ignore) -> Outcome:
    """Run the prepared pipeline on the one target at `url`. Raises UsageError where that is no target."""
    trial = replace(prepared, options=replace(prepared.options, sources=(url,), limit=None, select=()))
    target = await anyio.to_thread.run_sync(_only_target, trial)
    connector = await anyio.to_thread.run_sync(Connector.of, trial, tell)
    probe = PipelineProbe(trial.plan, connector, run="check", policy=trial.policy, listener=tell)
    return await probe(target)


async def learn_certificates(prepared: PreparedScan) -> Learnt:
    """Shake hands with every target and note its certificate; no request and no credential is sent."""
    learnt = Learnt()
    targets = await anyio.to_thread.run_sync(lambda: list(prepared.targets(_raise)))
    policy = prepared.policy
    dialer = await anyio.to_thread.run_sync(
        lambda: Dialer(
            tls=Tls(mode="insecure", profile=policy.tls.profile),
            contexts=TlsContexts(),
            resolver=Resolver(),
            timeouts=policy.timeouts,
            limits=policy.limits,
        )
    )
    waiting = iter(targets)
    async with anyio.create_task_group() as group:
        for _ in range(min(policy.rate.concurrency or HANDSHAKES_AT_ONCE, len(targets))):
            group.start_soon(_learn, waiting, prepared, dialer, learnt)
    return learnt


async def _learn(waiting: Iterator[Target], prepared: PreparedScan, dialer: Dialer, learnt: Learnt) -> None:
    for target in waiting:
        endpoint = Endpoint.parse(target.url)
        if not endpoint.tls:
            failure = Failure(
                FailureKind.TLS_PLAIN_HTTP, "the target's URL is http://: there is no certificate"
            )
            learnt.failures[target.id] = failure
            continue
        try:
            facts = await peek_certificate(endpoint, dialer, proxy=prepared.bindings.proxy(target))
        except RequestFailed as failed:
            learnt.failures[target.id] = Failure(failed.kind, failed.message)
        else:
            learnt.pins[target.id] = str(facts["sha256"])


def _only_target(prepared: PreparedScan) -> Target:
    targets = list(prepared.targets(_raise))
    if len(targets) != 1:
        raise UsageError(f"one target is wanted, {len(targets)} are named")
    return targets[0]


def _raise(error: InventoryError) -> None:
    raise error
