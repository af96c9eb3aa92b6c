"""Runs the commands that pages show, and writes what they say into the pages.

    python docs/console.py PAGE...            run the commands of each page; write outputs that have changed
    python docs/console.py --check PAGE...    exit status 1 where a page shows what its commands do not say;
                                              a diff says what

Of a page, these are run in their order, by one shell in an empty directory:

- a block of `console`: each line that begins with `$ ` is a command (with its continuation lines); what
  follows is its output, and is replaced. Outputs are those of a terminal of 100 columns.
- `<!-- file: NAME -->` before a block: the block is written to the file NAME.
- `<!-- first N lines -->` before a block of `console`: outputs are cut after N lines.
- `<!-- varies -->` before it: the output is never the same, and not compared.

The ports that `--port` and `--socks` name are used where they are free, and are others where something else
on the machine is in their way. A port is part of what a host is called, and which hosts a sample or canaries
are is computed of that: with other ports they are others. So no page may hang on which.

Times, sizes, rates, run names, addresses and ports of hosts, limits that follow the fleet, days until a
certificate ends, and how far a connection was when it was reset differ each time. They count as the same, and
so do lines that break elsewhere because of them: a page changes only when what is said does. How far a scan
is, and that a request waited for its turn, which only a slow machine has to say, is left out.
"""

from __future__ import annotations

import difflib
import os
import pty
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

COLUMNS = 100
PATIENCE = 120.0  # seconds for one command
MARK = "\x1e"
END = f"{MARK}\r\n"  # as the terminal shows it
STANDING = re.compile(r"^scanning: \d.*\n", re.MULTILINE)  # how far a scan is, once it has taken ten seconds
CUT = "..."  # the line that stands for the rest of an output
FENCE = re.compile(
    r"^(?P<marks>(?:<!-- [^\n]* -->\n)*)```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
WAITED = r"waited\s[\d.,]+\ss\sbefore\sit\swas\ssent"
VARYING = (
    (rf",\s+{WAITED}|{WAITED},\s+|{WAITED}", ""),
    (r"\bin\s[\d,]+\sdays\b", "DAYS"),
    (r"\d{8}-\d{4}-[a-z0-9]{3}", "RUN"),
    (r"\d{4}-\d\d-\d\d(?:[T\s]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?", "WHEN"),
    (r"https?://127\.0\.0\.1:\d+", "CONTROL"),
    (r"(?:https://)?127\.[\d.,\[\]-]+(?::\d+)?(?:,\s\.\.\.)?", "HOST"),
    (r"HOST(?:,?\s*HOST)*", "HOSTS"),
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b\d[\d,.]*\s(?:B|KiB|MiB|GiB|s|ms|min)\b", "AMOUNT"),
    (r"\d[\d,.]*/s", "RATE"),
    (r"\b\d+\.\d{2,3}\b", "SECONDS"),  # of a column of them
    (r"\d[\d,]*\s(?:requests|retries|retry)", "REQUESTS"),
    (r"\d\d:\d\d(?::\d\d)?", "CLOCK"),
    (r"the\shost\sclosed\sthe\sconnection\sduring\sthe\sTLS\shandshake|Connection\sreset\sby\speer", "RESET"),
    (r"(?:,\s\d[\d,]*\s(?:targets\sat\sonce|through\s\S+))+", ""),
    (r"canary:\s\S+\sof\s\d+\sfailed(?:\s\(.*?\))?", "CANARY"),
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, with the marks before it."""

    kind: str
    marks: str
    body: str

    @property
    def file(self) -> str | None:
        found = re.search(r"<!-- file: (\S+) -->", self.marks)
        return found[1] if found else None

    @property
    def most(self) -> int | None:
        found = re.search(r"<!-- first (\d+) lines -->", self.marks)
        return int(found[1]) if found else None

    @property
    def varies(self) -> bool:
        return "<!-- varies -->" in self.marks

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command as it is shown, and the output below it."""
        command, output = "", ""
        for line in self.body.splitlines(keepends=True):
            if line.startswith("$ "):
                if command:
                    yield command, output
                command, output = line, ""
            elif command.endswith("\\\n") and not output:
                command += line
            else:
                output += line
        if command:
            yield command, output


@dataclass(frozen=True)
class Change:
    """A command that said something else than its page shows."""

    command: str
    shown: str
    said: str

    def difference(self) -> str:
        """Both outputs as a unified diff, without what differs each time anyway."""
        texts = (
            [" ".join(line.split()) for line in masked(text).splitlines()] for text in (self.shown, self.said)
        )
        return "\n".join(difflib.unified_diff(*texts, "shown", "said", lineterm=""))


class Taken(OSError):
    """What a page leaves running in the background could not begin: a port has been taken meanwhile."""


class Shell:
    """One shell on a terminal of its own that knows no escapes, in an empty directory."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self._ports = ports  # as they are shown: as they are used
        self._screen, screen = pty.openpty()
        self._environment = {
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": str(COLUMNS),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(folder / ".cache")),
        }
        commands, self._keys = os.pipe()
        self._process = subprocess.Popen(
            ["/bin/bash", "--norc"],
            cwd=folder,
            env=self._environment,
            stdin=commands,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
        )
        os.close(screen)
        os.close(commands)

    def run(self, shown: str) -> str:
        """What a command says. Raises TimeoutError, Taken."""
        command = self.used(shown.removeprefix("$ ").rstrip("\n"))
        background = command.endswith("&")
        end = "" if background else ";"
        os.write(self._keys, f"{{ {command} {end} }} </dev/null; status=$?\n".encode())
        os.write(self._keys, f"printf '{MARK}\\n'; (exit $status)\n".encode())
        said = self._said(more=background)
        if background and said.startswith("fleet:"):
            raise Taken(said)
        for port, used in self._ports.items():
            said = said.replace(used, port)
        return said

    def used(self, text: str) -> str:
        """A text of the page with the ports that are used."""
        for port, used in self._ports.items():
            text = text.replace(port, used)
        return text

    def close(self) -> None:
        """Ends the shell, and what it left in the background."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        os.close(self._keys)
        self._process.wait(PATIENCE)
        os.close(self._screen)

    def _said(self, *, more: bool) -> str:
        """What comes until the command has ended, and of one in the background a line at least."""
        said, deadline = "", time.monotonic() + PATIENCE
        while END not in said or (more and "\n" not in said.replace(END, "")):
            ready, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no end after {PATIENCE:g} s: {said}")
            said += os.read(self._screen, 65_536).decode(errors="replace")
        return said.replace(END, "").replace("\r\n", "\n")


def written(page: Path) -> tuple[str, list[Change]]:
    """The page with the outputs of its commands, and the commands whose outputs were others."""
    text = page.read_text(encoding="utf-8")
    try:
        return _written(text, dict(_ports(text)))
    except Taken:
        return _written(text, dict(_ports(text, shown=False)))


def _written(text: str, ports: dict[str, str]) -> tuple[str, list[Change]]:
    changes: list[Change] = []
    with tempfile.TemporaryDirectory(prefix="page") as folder:
        shell = Shell(Path(folder), ports)
        try:

            def again(found: re.Match[str]) -> str:
                block = Block(found["kind"], found["marks"], found["body"])
                if block.file is not None:
                    (Path(folder) / block.file).write_text(shell.used(block.body), encoding="utf-8")
                if block.kind != "console":
                    return found[0]
                body = "".join(_told(shell, block, *pair, changes) for pair in block.commands())
                return f"{block.marks}```console\n{body}```"

            text = FENCE.sub(again, text)
        finally:
            shell.close()
    return text, changes


def _ports(text: str, *, shown: bool = True) -> Iterator[tuple[str, str]]:
    """For each port of a page itself, where it is wanted and free, or another with as many digits, so that
    nothing is laid out in another way."""
    for port in sorted(set(re.findall(r"--(?:port|socks) (\d{4,5})", text))):
        low, high = (2000, 10_000) if len(port) == 4 else (20_000, 30_000)
        candidates = [int(port)] if shown else []
        candidates += random.sample(range(low, high), 1000)
        yield port, str(next(filter(_free, candidates)))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has ended is in nobody's way
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _told(shell: Shell, block: Block, command: str, before: str, changes: list[Change]) -> str:
    """A command with its output: the one that the page has, where it says the same."""
    said = STANDING.sub("", "".join(f"{line.rstrip()}\n" for line in shell.run(command).splitlines()))
    if (block.varies and before) or same(before, said, block.most):
        return command + before
    lines = said.splitlines(keepends=True)
    if block.most is not None and len(lines) > block.most:
        said = f"{''.join(lines[: block.most])}{CUT}\n"
    changes.append(Change(command, before, said))
    return command + said


def same(shown: str, said: str, most: int | None = None) -> bool:
    """Whether a page shows what was said, wherever lines are broken, all of it or the first so many lines.

    Where lines break follows from numbers that differ each time. So of an output that is cut, the words count
    and not the lines: those that are shown must be the first ones of those that were said.
    """
    words = masked(said).split()
    if most is None or not shown.endswith(f"\n{CUT}\n"):
        return masked(shown).split() == words
    lines = shown.splitlines()[:-1]
    first = masked("\n".join(lines)).split()
    return len(lines) == most and len(words) > len(first) and words[: len(first)] == first


def masked(text: str) -> str:
    """An output with one word for each thing that differs each time."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return text


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    stale = 0
    for page in (Path(argument) for argument in arguments if argument != "--check"):
        text, changes = written(page)
        stale += bool(changes)
        for change in changes:
            print(f"{page}: {'not current' if check else 'written'}: {change.command.splitlines()[0]}")
            if check:
                print(change.difference())
        if changes and not check:
            page.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
