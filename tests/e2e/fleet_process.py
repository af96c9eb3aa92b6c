"""Runs `fleet` as a user does: as a process of its own, in a directory, with nothing of this environment."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forked import FLEET, Forked, run

SPEC = Path(__file__).parents[2] / "configs" / "redfish.yaml"  # as it is shipped
PATIENCE = 120  # seconds, for what takes a few


@dataclass(frozen=True)
class Ended:
    """A command that ran: its exit status, what it wrote, the CPU seconds it took."""

    status: int
    out: str
    err: str
    cpu: float


@dataclass
class Place:
    """A directory to run commands in, with a home of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        own = {
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
        }
        return own | self.env

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def spec(self, name: str, *changes: tuple[str, str]) -> str:
        """The shipped spec with some texts replaced, as a file; its description stays where it is."""
        text = SPEC.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        self.write(name, text.replace("api: openapi/", f"api: {SPEC.parent}/openapi/"))
        return name

    def fleet(
        self, *arguments: object, given: str | None = None, env: Mapping[str, str] | None = None
    ) -> Ended:
        """Runs `fleet` to its end; `given` is its standard input."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = run(
            [FLEET, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | dict(env or {}),
            input=given or "",
            timeout=PATIENCE,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Ended(ended.returncode, ended.stdout, ended.stderr, cpu)

    def scan(self, *arguments: object, run: str = "run", **more: Any) -> Ended:
        """A scan into the run directory `run`, without a progress bar."""
        return self.fleet("scan", *arguments, "--run-dir", run, "--no-progress", **more)

    def start(
        self, *arguments: object, env: Mapping[str, str] | None = None, stderr: Any = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Starts `fleet`; for `with`, which waits for its end."""
        return Forked(
            [FLEET, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def outcomes(self, run: str = "run") -> dict[str, dict[str, Any]]:
        """The outcomes of a run, by target; a target that has two fails the test."""
        lines = (self.folder / run / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
        every = [json.loads(line) for line in lines]
        by_target = {outcome["target"]: outcome for outcome in every}
        assert len(by_target) == len(every)
        return by_target

    def summary(self, run: str = "run") -> dict[str, Any]:
        return json.loads((self.folder / run / "summary.json").read_text(encoding="utf-8"))

    @contextmanager
    def simulator(self, *arguments: object) -> Iterator[Simulator]:
        """`fleet sim` with these arguments, in a process of its own; ended by SIGTERM."""
        with self.start("sim", *arguments) as process:
            try:
                assert process.stdout is not None
                ready = process.stdout.readline()
                match = re.search(r"control=(\S+)(?: socks=(\S+))?", ready)
                assert match is not None, ready or process.communicate()[1]
                yield Simulator(match[1], match[2], process)
            finally:
                process.terminate()


@dataclass(frozen=True)
class Simulator:
    """A simulated fleet: what its hosts saw."""

    control: str
    socks: str | None
    process: subprocess.Popen[str]

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.control}{path}", timeout=60) as reply:
            return json.load(reply)

    def hosts(self) -> list[dict[str, Any]]:
        return self.ask("/hosts")

    def counts(self) -> dict[str, dict[str, Any]]:
        return self.ask("/counts")

    def total(self, name: str) -> int:
        return int(self.ask("/totals")[name])

    def reset(self) -> None:
        urllib.request.urlopen(f"{self.control}/reset", data=b"", timeout=60).close()


def kinds(outcome: Mapping[str, Any]) -> list[str]:
    """The failure kinds of an outcome: its failure, then its errors, each once."""
    failure = outcome.get("failure")
    found = [failure["kind"]] if failure else []
    found += [error["kind"] for error in outcome["errors"]]
    return list(dict.fromkeys(found))
