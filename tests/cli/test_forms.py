"""Every command that shows something takes `--format` alike; what scripts have used goes on working."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fleet.cli.entry import group, run
from fleet.cli.options.forms import FormatOption


def commands(
    of: click.Command = group, named: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(of, click.Group):
        yield named, of
        return
    context = click.Context(of)
    for name in of.list_commands(context):
        inner = of.get_command(context, name)
        assert inner is not None
        yield from commands(inner, (*named, name))


def test_the_option_is_one_wherever_people_read() -> None:
    """The forms of a description that is written (`spec convert`) are none of an answer."""
    with_it = {
        named: next(param for param in command.params if param.name == "form")
        for named, command in commands()
        if any("--format" in param.opts for param in command.params)
        and named not in {("spec", "reduce"), ("spec", "convert")}
    }
    assert len(with_it) >= 10
    for named, option in with_it.items():
        assert isinstance(option, FormatOption), named
        assert (option.default, option.section) == ("text", "Form"), named
        assert option.type.choices[0] == "text", named


@pytest.fixture
def outcomes(tmp_path: Path) -> str:
    path = tmp_path / "outcomes.jsonl"
    steps = {"system": {"complete": True, "rows": [{"@uri": "/1", "model": "R"}]}}
    outcome = {"v": 1, "run": "r", "id": "a", "target": "https://a", "status": "ok", "steps": steps,
               "errors": [], "requests": 1, "bytes": 5, "retries": 0, "seconds": 1}  # fmt: skip
    path.write_text(json.dumps(outcome) + "\n")
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


def test_a_form_is_known_in_any_case_and_json_is_not_a_line_of_it(
    outcomes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "report", outcomes, "--format", "JSON") == said(capsys, "report", outcomes, "--json")
    assert run(["show", outcomes, "system", "--format", "json"]) == 2
    assert "did you mean 'jsonl', a JSON object per line?" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("report",), ("explain", "a"), ("show", "system"), ("conformance",)])
def test_table_is_another_word_for_text(
    command: tuple[str, ...], outcomes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *more = command
    asked = (name, *more, outcomes) if name == "explain" else (name, outcomes, *more)
    plain = said(capsys, *asked)
    assert plain
    assert said(capsys, *asked, "--format", "text") == said(capsys, *asked, "--format", "table") == plain


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("report", "json"),
        ("report", "md"),
        ("explain", "json"),
        ("conformance", "json"),
        ("conformance", "md"),
    ],
)
def test_a_form_may_be_a_flag_of_its_own(
    command: str, form: str, outcomes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (command, *(["a"] if command == "explain" else []), outcomes)
    long, short = said(capsys, *asked, "--format", form), said(capsys, *asked, f"--{form}")
    if form == "json":
        assert json.loads(short).keys() == json.loads(long).keys()
    else:
        assert short.splitlines()[0] == long.splitlines()[0] != said(capsys, *asked).splitlines()[0]


def test_a_report_is_a_page_on_standard_output_too(
    outcomes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = said(capsys, "report", outcomes, "--format", "html")
    assert shown.startswith("<!doctype html>")
    assert said(capsys, "report", outcomes, "--html", str(tmp_path / "page.html")) == ""


@pytest.mark.parametrize("command", ["show", "report", "checks", "conformance"])
def test_without_a_run_it_is_the_latest(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run([command]) == 2
    assert "latest" in capsys.readouterr().err


def test_what_is_gone_on_with_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["resume"]) == 2
    assert "Missing argument 'RUN'" in capsys.readouterr().err
