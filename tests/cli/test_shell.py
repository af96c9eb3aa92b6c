"""How commands speak to a person: on the terminal that is there, wherever their data goes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rich.text import Text

from fleet.cli.entry import run
from fleet.cli.errors import report_error
from fleet.cli.shell import Shell

WIDTH = 44
SENTENCE = "a sentence of so many words that no terminal of forty-four columns has room for all of it"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A narrow terminal: what it shows can be read from the first descriptor."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 20, WIDTH, 0, 0))
    yield reader, writer
    os.close(reader)


@pytest.mark.parametrize("way", ["say", "tell", "refuse"])
def test_a_sentence_is_as_wide_as_the_terminal_it_is_shown_on(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Standard error is a terminal here, and standard output none."""
    reader, writer = terminal
    monkeypatch.delenv("COLUMNS", raising=False)
    with open(writer, "w", encoding="utf-8") as errors:
        monkeypatch.setattr("sys.stderr", errors)
        shell = Shell()
        if way == "say":
            shell.say(SENTENCE)
        elif way == "tell":
            shell.tell(Text(SENTENCE))
        else:
            report_error(click.UsageError(SENTENCE), shell)
        shown = os.read(reader, 10_000).decode().removeprefix("Error: ").split("\r\n")
    assert " ".join(" ".join(shown).split()) == SENTENCE
    assert len(shown) > 2
    assert max(map(len, shown)) <= WIDTH


def test_what_is_built_in_is_named_and_not_where_it_is_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["scan", "192.0.2.1", "--pipeline", "healt", "--dry-run"]) == 2
    assert run(["call", "192.0.2.1", "getSystm"]) == 2
    told = capsys.readouterr().err
    assert re.search(
        r"^fleet: built-in redfish\.yaml:\d+:1: pipelines: there is no pipeline 'healt'$", told, re.M
    )
    assert "fleet: built-in openapi/redfish.yaml: the description has no operation 'getSystm'\n" in told
