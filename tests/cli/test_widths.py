"""Every command on terminals of 40 to 200 columns, without colours, and in a locale without characters."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from forked import FLEET
from inert.terminal import shown
from recorded import Recorded, record_run

from fleet.cli.entry import group

WIDTHS = (40, 60, 80, 120, 200)
WORD = 24  # letters: a longer one may break at 40 columns
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
RUN = "20261122-1542-k7q"
SHOWN = [
    ["report", RUN],
    ["runs"],
    ["show", RUN, "drive", "--limit", "5"],
    ["explain", "bmc-04-000", RUN],
    ["scan", "bmc-[001-300].site-a.example", "--sample", "50%", "--dry-run"],
    ["version"],
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A run of 5,000 hosts with known troubles."""
    return record_run(tmp_path_factory.mktemp("widths") / "runs" / RUN, hosts=5000)


def helps(width: int) -> Iterator[tuple[str, str]]:
    """The help of every command, so wide."""
    settings = {"terminal_width": width, "max_content_width": width}
    # A command keeps the names of its help option from the first context it meets, whoever comes next.
    of_group = {**group.context_settings, **settings}
    waiting = [("fleet", click.Context(group, info_name="fleet", **of_group))]
    while waiting:
        name, context = waiting.pop(0)
        yield name, context.command.get_help(context)
        if isinstance(context.command, click.Group):
            for each in context.command.list_commands(context):
                command = context.command.get_command(context, each)
                waiting.append(
                    (f"{name} {each}", click.Context(command, parent=context, info_name=each, **settings))
                )


def words(text: str) -> Counter[str]:
    return Counter(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_help_text_breaks_between_words_and_keeps_within_the_width(width: int) -> None:
    wide = dict(helps(10_000))
    for name, text in helps(width):
        if "\nCommands:\n" in text:  # where the lines about commands are cut short
            continue
        assert {word for word in words(wide[name]) - words(text) if len(word) <= WORD} == set(), name
        own = {line.strip() for line in wide[name].splitlines()}  # examples stand as they are, to be copied
        beyond = [line for line in text.splitlines() if len(line) > width and line.strip() not in own]
        assert [line for line in beyond if len(line.split()) > 2] == [], name


@pytest.mark.parametrize("width", WIDTHS[1:])
def test_the_exit_statuses_keep_within_the_width(width: int) -> None:
    text = dict(helps(width))["fleet"]
    statuses = text[text.index("Exit status:") :].splitlines()
    assert [line for line in statuses if len(line) > width] == []
    assert [line.split()[0] for line in statuses[1:]] == ["0", "1", "2", "70", "74", "75", "129,"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    own = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    return own | {"XDG_STATE_HOME": str(folder / "state")} | more


def on_terminal(folder: Path, width: int, *arguments: str, **more: str) -> str:
    """What a command shows on a terminal of its own."""
    found = shown(*arguments, width=width, folder=folder, env=environment(folder, **more))
    assert found.status == 0, found.screen
    return found.screen


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("arguments", SHOWN, ids=lambda arguments: arguments[0])
def test_what_is_shown_keeps_within_the_terminal(
    recorded: Recorded, width: int, arguments: list[str]
) -> None:
    text = ESCAPE.sub("", on_terminal(recorded.path.parents[1], width, *arguments))
    lines = [line.rstrip() for line in text.splitlines()]
    assert len(lines) >= 2
    assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []


def test_an_operation_keeps_within_the_terminal_but_for_what_is_copied(tmp_path: Path) -> None:
    text = on_terminal(tmp_path, 60, "spec", "show", "redfish", "getSystem")
    lines = [line.rstrip() for line in text.splitlines()]
    assert [line.split()[0] for line in lines if len(line) > 60] == ["fleet", "await"]
    assert "      linked resources inside: `.`, `*` or `~`, with levels" in lines


@pytest.mark.parametrize("arguments", SHOWN, ids=lambda arguments: arguments[0])
def test_no_colour_where_none_is_wanted_and_no_escape_where_none_is_known(
    recorded: Recorded, arguments: list[str]
) -> None:
    folder = recorded.path.parents[1]
    plain = on_terminal(folder, 80, *arguments, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*(?:3|4|9|10)[0-9][0-9;]*m", plain)
    assert "\x1b" not in on_terminal(folder, 80, *arguments, TERM="dumb")


@pytest.mark.parametrize("arguments", [*SHOWN, ["--help"], ["scan", "--help"]], ids=" ".join)
def test_a_locale_without_characters_ends_nothing(recorded: Recorded, arguments: list[str]) -> None:
    folder = recorded.path.parents[1]
    ended = subprocess.run(
        [FLEET, *arguments],
        cwd=folder,
        env=environment(folder, LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended.stderr
    assert b"\x1b" not in ended.stdout
    ended.stdout.decode("ascii")
