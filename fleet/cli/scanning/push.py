"""The metrics of a scan pushed to a Pushgateway when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fleet.cli.options.watching import View
from fleet.cli.scanning.watch import Watch
from fleet.cli.shell import Shell
from fleet.errors import ConfigError, SinkError

if TYPE_CHECKING:
    from fleet.assembly import PreparedScan, ScanResult


def push_of(prepared: PreparedScan, view: View) -> Callable[[Watch, ScanResult, Shell], None] | None:
    """What pushes the metrics when the scan has ended, or None; whatever can be wrong with it is said now.
    Raises ConfigError."""
    if view.pushgateway is None:
        if view.push_group or view.push_auth is not None:
            raise ConfigError("--push-group and --push-auth go with --pushgateway")
        return None
    if view.target_metrics:
        raise ConfigError(
            "--pushgateway and --target-metrics: a gateway never forgets the series of a target",
            hint="metrics of targets belong in --metrics-file, or come from fleet serve",
        )
    from fleet.observe import Pushgateway, parse_group

    shard = prepared.options.shard
    group = {
        "spec": prepared.name,
        "pipeline": prepared.plan.pipeline,
        **({"shard": str(shard)} if shard is not None else {}),
        **parse_group(view.push_group),
    }
    user, password = None, None
    if view.push_auth is not None:
        pair = prepared.bindings.named(view.push_auth).pair
        if pair is None:
            raise ConfigError(f"--push-auth {view.push_auth}: a gateway takes a user and a password")
        user, password = pair
    gateway = Pushgateway(view.pushgateway, username=user, password=password)
    gateway.check()

    def push(seen: Watch, result: ScanResult, shell: Shell) -> None:
        """A push that fails is said, and changes nothing else: what the scan found is stored."""
        try:
            gateway.push(seen.metrics.registry, group, complete=result.complete)
        except SinkError as error:
            shell.complain(f"the metrics were not pushed: {error}")

    return push
