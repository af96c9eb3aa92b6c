"""A scan that is watched while it runs: what it says is read as it comes, so a test can act at a moment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from fleet_process import FLEET, Place, Simulator
from forked import Forked

PASSWORD = "c4nary-Pass/word"
AUTHS = "auths:\n  lab: {username: root, password: env:FLEET_TEST_PASSWORD}\n"
TELLING = ("--no-progress", "--log-level", "debug", "--log-format", "json")
PATIENCE = 180.0  # seconds after which a process that should have ended is a failed test


class Following:
    """A command that runs, and what it has said on stderr so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = ""
        self._more = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def until(self, pattern: str, *, times: int = 1) -> None:
        """Wait until these words were said; the test fails when the command ends without them."""
        with self._more:
            self._more.wait_for(lambda: self._ended or self._has(pattern, times), PATIENCE)
            assert self._has(pattern, times), self.said

    def end(self, patience: float = PATIENCE) -> int:
        """The exit status. Raises subprocess.TimeoutExpired when it does not come."""
        status = self.process.wait(patience)
        self._reader.join()
        return status

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.end()

    def _has(self, pattern: str, times: int) -> bool:
        return len(re.findall(pattern, self.said)) >= times

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            while data := os.read(stream.fileno(), 65_536):
                with self._more:
                    self.said += data.decode()
                    self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


@dataclass(frozen=True)
class Bench:
    """A directory to scan from, and the simulated hosts that are scanned into the run directory `run`."""

    place: Place
    simulator: Simulator

    @property
    def environment(self) -> dict[str, str]:
        return self.place.environment | {"FLEET_TEST_PASSWORD": PASSWORD}

    def start(self, *arguments: object, shell: str | None = None) -> Following:
        """Start a fleet command; a `shell` may do something before it becomes that command."""
        words = [FLEET, *map(str, arguments)]
        process = (Forked if shell is None else subprocess.Popen)(
            words if shell is None else ["/bin/bash", "-c", shell, *words],
            cwd=self.place.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return Following(process)

    def run(self, *arguments: object, shell: str | None = None) -> Following:
        """A fleet command, to its end."""
        running = self.start(*arguments, shell=shell)
        running.end()
        return running

    @property
    def sessions(self) -> int:
        """Sessions that are open on the hosts now."""
        return self.simulator.total("sessions")

    @property
    def asked(self) -> Counter[str]:
        """Requests by host address, of the hosts that had any."""
        return +Counter({host: seen["requests"] for host, seen in self.simulator.counts().items()})

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The outcomes in the journal; a line that is not whole yet is left out."""
        journal = self.place.folder / "run" / "outcomes.jsonl"
        text = journal.read_bytes() if journal.exists() else b""
        return [json.loads(line) for line in text.split(b"\n")[:-1]]

    @property
    def ids(self) -> list[str]:
        """The target of each outcome in the journal."""
        return [outcome["id"] for outcome in self.stored]

    @property
    def last(self) -> dict[str, str]:
        """The status that counts, by target."""
        return {outcome["id"]: outcome["status"] for outcome in self.stored}


def scan(*arguments: object) -> tuple[object, ...]:
    """The words of a scan of all hosts into the run directory `run`, which tells every step it takes."""
    access = ("--auths", "auths.yaml", "--cacert", "ca.pem")
    return ("scan", "hosts.txt", *access, "--run-dir", "run", *TELLING, *arguments)


def address(outcome: dict[str, Any]) -> str:
    """The host address of an outcome's target."""
    return str(outcome["target"]).partition("://")[2].partition(":")[0]
