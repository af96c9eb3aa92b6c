"""The metrics of a scan that ended, handed to a Pushgateway: for batch jobs that nobody can scrape."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from prometheus_client import CollectorRegistry

from fleet.client import Web
from fleet.errors import ConfigError, SinkError
from fleet.frozen import frozen
from fleet.observe.exposition import render
from fleet.secret import Secret

JOB = "fleet_scan"
PUSH_SECONDS = 10.0  # for one push; a scan must not end late for it
MAX_ANSWER_BYTES = 64 * 1024  # bytes of the gateway's answer


@frozen
class Pushgateway:
    """Where to push. `url` is the gateway's, with a path prefix if it has one."""

    url: str
    ca_file: str | None = None
    username: str | None = None
    password: Secret | None = None

    def check(self) -> None:
        """Raise ConfigError for a URL that cannot be used."""
        self._web()

    def push(self, registry: CollectorRegistry, group: Mapping[str, str], *, complete: bool) -> None:
        """Put the metrics into a group of the job `fleet_scan`. Blocks. Raises SinkError.

        Those of a complete scan replace the whole group. Those of one that is not complete replace what they
        name: when a scan last succeeded stays, so that an alert has something to age.
        """
        web = self._web()
        prefix = urlsplit(self.url).path.rstrip("/")
        headers: dict[str, str | Secret] = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        if self.username is not None and self.password is not None:
            pair = base64.b64encode(f"{self.username}:{self.password.reveal()}".encode()).decode()
            headers["Authorization"] = Secret(f"Basic {pair}")
        try:
            reply = web.ask(
                prefix + path_of(group),
                method="PUT" if complete else "POST",
                body=render(registry),
                headers=headers,
            )
        except ConfigError as failed:
            raise SinkError(failed.message) from None
        if not 200 <= reply.status < 300:
            said = reply.body[:300].decode("utf-8", "replace").strip().splitlines()
            raise SinkError(f"{web.what}: answered with {reply.status}" + (f": {said[0]!a}" if said else ""))

    def _web(self) -> Web:
        what = f"--pushgateway {self.url}" if "@" not in self.url else "--pushgateway"
        web = Web(
            self.url,
            what=what,
            error=ConfigError,
            seconds=PUSH_SECONDS,
            most=MAX_ANSWER_BYTES,
            ca_file=self.ca_file,
        )
        if urlsplit(self.url).query or urlsplit(self.url).fragment:
            raise ConfigError(f"{what}: a gateway's URL has no query and no fragment")
        return web


def path_of(group: Mapping[str, str]) -> str:
    """Where a group of the job is pushed to. A value that a path cannot carry goes in base64."""
    return "/metrics" + "".join(_pair(name, value) for name, value in [("job", JOB), *group.items()])


def parse_group(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Further grouping keys of the command line. Raises ConfigError for names that the group has already."""
    group: dict[str, str] = {}
    for name, value in pairs:
        if name in ("job", "instance", "spec", "pipeline", "shard", "target") or name in group:
            raise ConfigError(
                f"--push-group {name}: the group has this name already, or must not have it",
                hint="job, spec, pipeline and shard are fleet's own; a name of yours says site, or cluster",
            )
        if not (name.isascii() and name.isidentifier()) or name.startswith("__"):
            raise ConfigError(f"--push-group {name!a}: not the name of a label")
        group[name] = value
    return group


def _pair(name: str, value: str) -> str:
    if not value or "/" in value:
        encoded = base64.urlsafe_b64encode(value.encode()).decode().rstrip("=") or "="
        return f"/{name}@base64/{encoded}"
    return f"/{name}/{quote(value, safe='')}"
