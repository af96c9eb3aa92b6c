"""`fleet serve` in a process of its own, and a way to ask it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fleet_process import PATIENCE, Place, Simulator
from ports import free_port

CONFIG = """
listen: ["127.0.0.1:{port}"]
state: state
watch: 200ms
grace: 3s
jobs:
  health:
    pipelines: [{pipeline}]
    inventory: [hosts.txt]
    auths: auths.yaml
    caFile: ca.pem
{more}
"""
AUTHS = "auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n"


class Service:
    """`fleet serve` in a process of its own."""

    def __init__(self, place: Place, *, more: str = "", pipeline: str = "health") -> None:
        self.place = place
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.user: tuple[str, str] | None = None
        place.write("auths.yaml", AUTHS)
        place.write("serve.yaml", CONFIG.format(port=self.port, more=more, pipeline=pipeline))

    @contextmanager
    def running(self, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        with (self.place.folder / "serve.log").open("ab") as log:
            arguments = ["serve", "--config", "serve.yaml", "--log-format", "json"]
            given = {"BMC_PASSWORD": "calvin", **(env or {})}
            process = self.place.start(*arguments, env=given, stderr=log)
            with process:
                try:
                    until(lambda: self.get("/-/ready"), process)
                    yield process
                finally:
                    process.terminate()
                    process.wait(PATIENCE)

    def get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(self._asked(path), timeout=PATIENCE) as reply:
                return bytes(reply.read())
        except OSError:
            return None

    def _asked(self, path: str, data: bytes | None = None) -> urllib.request.Request:
        headers = {"X-Fleet-Request": "1"}
        if self.user is not None:
            headers["Authorization"] = "Basic " + b64encode(":".join(self.user).encode()).decode()
        return urllib.request.Request(self.url + path, data=data, headers=headers)

    def json(self, path: str) -> Any:
        found = self.get(path)
        assert found is not None, path
        return json.loads(found)

    def post(self, path: str) -> int:
        asked = self._asked(path, data=b"")
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = (self.place.folder / "serve.log").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        return [record for record in records if record["event"] == event]


def until(look: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> Any:
    """What `look` gives once it gives something; the longer that takes, the less often it is looked at."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < PATIENCE:
        if found := look():
            return found
        if process is not None and process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}")
        time.sleep(max(0.05, waited / 10))
    raise AssertionError("it never came")


@contextmanager
def fleet_of(place: Place, hosts: int, *more: str) -> Iterator[Simulator]:
    arguments = ["--hosts", hosts, "--tls", "--auth", "root:calvin", "--write-hosts", "hosts.txt"]
    with place.simulator(*arguments, "--write-ca", "ca.pem", *more) as simulator:
        yield simulator
