"""`fleet show`: which rows, in which shape, and nothing in them acts on who reads."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from inert import terminal

from fleet.cli.entry import run
from fleet.cli.render.cells import cell

HOSTILE = '=HYPERLINK("http://evil","x")\x1b]52;c;x\x07\n\u202e'


def record(target: str, rows: list[dict[str, Any]], *, complete: bool = True) -> bytes:
    steps = {"drive": {"complete": complete, "rows": rows}, "system": {"complete": True, "rows": [{}]}}
    return json.dumps({"v": 1, "id": target, "status": "ok", "steps": steps}).encode() + b"\n"


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run in which h1 was scanned twice and the last line is torn."""
    lines = [
        record("h1", [{"@uri": "/old", "id": "gone"}]),
        record("h2", [{"@uri": "/d/1", "id": HOSTILE, "bytes": -5, "parts": [1, 2]}], complete=False),
        record("h1", [{"@uri": "/d/2", "id": "2", "wear": None}]),
        b'{"id": "h3", "ste',
    ]
    (tmp_path / "outcomes.jsonl").write_bytes(b"".join(lines))
    return tmp_path


def test_the_last_outcome_of_a_target_counts(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished), "drive", "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["target"], row["@uri"], row["complete"]) for row in rows] == [
        ("h2", "/d/1", False),
        ("h1", "/d/2", True),
    ]
    assert rows[0]["id"] == HOSTILE


def test_csv_is_no_formula_and_moves_no_cursor(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished), "drive", "--format", "csv"]) == 0
    told = capsys.readouterr()
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    header, first, second = csv.reader(io.StringIO(told.out))
    assert header == ["target", "complete", "'@uri", "id", "bytes", "parts", "wear"]
    assert first[3].startswith("'=HYPERLINK(")
    assert first[4:6] == ["-5", "[1,2]"]
    assert second[6] == ""
    assert (
        "drive is incomplete on 1 target: rows missing there are unknown, not gone\n  fleet resume "
        in told.err
    )


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r", " "))
    assert cell(-1) == "-1"


def test_the_table_is_inert(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished), "drive"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"\x1b]52" in shown
    lines = shown.splitlines()
    assert lines[0].split() == ["target", "id", "bytes", "parts", "wear"]
    assert len(lines) == 3


def test_only_the_columns_and_rows_asked_for_are_shown(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", str(finished), "drive", "--columns", "@uri,target", "--limit", "1"]) == 0
    told = capsys.readouterr()
    assert [line.split() for line in told.out.splitlines()] == [["@uri", "target"], ["/d/1", "h2"]]
    assert "and 1 more rows" in told.err
    assert run(["show", str(finished), "drive", "--columns", "nope"]) == 2
    assert "no column 'nope'; there are target, complete" in capsys.readouterr().err


def test_rows_are_picked_by_what_they_hold(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished), "drive", "--where", "bytes < `0`", "--columns", "target"]) == 0
    assert capsys.readouterr().out.split() == ["target", "h2"]
    assert run(["show", str(finished), "drive", "--where", "id =="]) == 2
    assert "fleet: --where: 'id ==' is not a JMESPath expression" in capsys.readouterr().err


def test_without_a_step_the_steps_are_named(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished)]) == 0
    assert capsys.readouterr().out == "drive\t2\nsystem\t2\n"


def test_an_unknown_step_gets_a_guess(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished), "drives"]) == 2
    assert "did you mean 'drive'? there are drive, system" in capsys.readouterr().err


def test_compressed_outcomes_are_read_frame_by_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = b"".join(
        zstandard.ZstdCompressor().compress(record(f"h{number}", [{"id": number}])) for number in range(3)
    )
    (tmp_path / "outcomes.jsonl.zst").write_bytes(frames)
    assert run(["show", str(tmp_path), "drive", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "target,complete,id",
        "h0,true,0",
        "h1,true,1",
        "h2,true,2",
    ]


@pytest.mark.parametrize("command", [["show"], ["resume"]])
def test_a_run_that_is_not_there_is_said_so(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # where runs go that cannot be here
    assert run([*command, "latest"]) == 2
    said = capsys.readouterr().err
    assert "there is no run 'latest': there are none here yet, 'fleet scan' makes one\n  name a run" in said


def test_what_is_no_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(tmp_path), "drive"]) == 2
    assert "neither a run directory nor a file" in capsys.readouterr().err
    (tmp_path / "outcomes.jsonl").write_bytes(b"[]\n{}\nnot json\n")
    assert run(["show", str(tmp_path), "drive"]) == 2
    assert "no step 'drive' in this run: there are none" in capsys.readouterr().err


def shown_in_a_terminal(width: int, *arguments: str) -> list[str]:
    """What a person sees of `fleet show` in a terminal `width` columns wide, standard error left out."""
    found = terminal.shown("show", *arguments, width=width, apart=True, TERM="dumb")
    assert found.status == 0
    return [*found.text.splitlines(), *found.err.splitlines()]


def test_a_narrow_terminal_gets_the_columns_that_fit_and_the_names_of_the_rest(tmp_path: Path) -> None:
    wide = {"a": "x" * 20, "b": "y" * 20, "c": "z" * 20}
    (tmp_path / "outcomes.jsonl").write_bytes(record("host1", [wide]))
    header, row, note = shown_in_a_terminal(60, str(tmp_path), "drive")
    assert header.split() == ["target", "a", "b"]  # 6 + 2 + 20 + 2 + 20 is 50; a fourth column makes it 72
    assert row.split() == ["host1", "x" * 20, "y" * 20]
    assert note == "not shown, too wide: c (--columns target,NAME,...)"
    assert shown_in_a_terminal(72, str(tmp_path), "drive")[0].split() == ["target", "a", "b", "c"]
    asked = shown_in_a_terminal(60, str(tmp_path), "drive", "--columns", "target,a,b,c")
    assert asked[0].split() == ["target", "a", "b", "c"]


def test_a_run_is_found_by_its_name(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = finished / "elsewhere"
    (home / "runs").mkdir(parents=True)
    (home / "runs" / "latest").symlink_to(finished)
    monkeypatch.chdir(home)
    assert run(["show", "latest"]) == 0
    assert capsys.readouterr().out == "drive\t2\nsystem\t2\n"


def test_a_locale_without_the_character_gets_its_escape(tmp_path: Path) -> None:
    (tmp_path / "outcomes.jsonl").write_bytes(record("h1", [{"id": "日本"}]))
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", code, "show", str(tmp_path), "drive", "--columns", "id"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split()) == (0, [b"id", rb"\u65e5\u672c"])


def test_a_run_of_somebody_else_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = tmp_path / "r"
    run_dir.mkdir()
    (run_dir / "manifest.json").mkdir()  # what root cannot read either
    assert run(["show", str(run_dir), "drive"]) == 2
    assert "manifest.json: Is a directory" in capsys.readouterr().err


@pytest.fixture
def nested(tmp_path: Path) -> str:
    """Two hosts with drives below systems below a root."""
    lines = []
    for number, model in ((10, "R760"), (9, "SR650")):
        systems = [
            {"@uri": f"/s/{at}", "@parent": ["root", 0], "@key": f"S{number}{at}", "model": model}
            for at in (0, 1)
        ]
        drives = [
            {"@uri": f"/d/{at}", "@parent": ["system", at], "name": f"Bay {at}", "bytes": number * 100 - at}
            for at in (0, 1)
        ]
        steps = {"root": [{"version": "1"}], "system": systems, "drive": drives}
        held = {name: {"complete": True, "rows": rows} for name, rows in steps.items()}
        record = {"id": f"bmc-{number}", "status": "ok", "labels": {"site": f"dc{number}"}, "steps": held}
        lines.append(json.dumps(record))
    path = tmp_path / "outcomes.jsonl"
    path.write_text("\n".join(lines))
    return str(path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    assert run(["show", *arguments]) == 0
    return [line.split("  ") for line in re.sub(" {2,}", "  ", capsys.readouterr().out).splitlines()]


def test_rows_begin_with_what_they_belong_to(nested: str, capsys: pytest.CaptureFixture[str]) -> None:
    head, first, *_ = shown(capsys, nested, "drive")
    assert head == ["target", "system", "name", "bytes"]  # one root a target tells no rows apart
    assert first == ["bmc-10", "S100", "Bay 0", "1000"]
    rows = shown(capsys, nested, "drive", "--columns", "target,root,system.model,labels.site,system.none")
    assert rows[1] == ["bmc-10", "R760", "dc10"]


def test_rows_are_sorted_as_people_count(nested: str, capsys: pytest.CaptureFixture[str]) -> None:
    by_target = shown(capsys, nested, "drive", "--sort", "target,-name", "--columns", "target,name")
    assert by_target[1:] == [["bmc-9", "Bay 1"], ["bmc-9", "Bay 0"], ["bmc-10", "Bay 1"], ["bmc-10", "Bay 0"]]
    most = shown(capsys, nested, "drive", "--sort=-bytes", "--limit", "1", "--columns", "bytes,system.model")
    assert most[1:] == [["1000", "R760"]]
    assert run(["show", nested, "drive", "--sort", "bites"]) == 2
    assert "--sort: no column 'bites'" in capsys.readouterr().err


def test_rows_are_picked_by_what_stands_above_them(nested: str, capsys: pytest.CaptureFixture[str]) -> None:
    where = "system.model == 'SR650' && labels.site == 'dc9'"
    assert run(["show", nested, "drive", "--where", where, "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["target"], row["system"], row["@parent"]) for row in rows] == [
        ("bmc-9", "S90", ["system", 0]),
        ("bmc-9", "S91", ["system", 1]),
    ]


def test_markdown_cells_are_no_markup(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(finished), "drive", "--format", "md", "--columns", "target,id,parts"]) == 0
    head, rule, first, _ = capsys.readouterr().out.splitlines()
    assert (head, rule) == ("| target | id | parts |", "|---|---|---|")
    assert first.count("|") == 4
    assert r"\[1,2\]" in first
    assert "\x1b" not in first


def test_fields_are_listed_with_what_they_hold(nested: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = shown(capsys, nested, "drive", "--list-fields")
    assert rows[0] == ["field", "type", "rows", "example"]
    assert ["bytes", "number", "4", "1000"] in rows
    assert ["system.model", "text", "4", "R760"] in rows
    assert ["labels.site", "text", "4", "dc10"] in rows
