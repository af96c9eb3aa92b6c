"""`fleet query`: answers, what is said of wrong questions, and what a query cannot reach."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inert.terminal import shown
from query_runs import outcome
from recorded import Recorded

from fleet.cli.entry import run

Written = Callable[..., Path]
HOSTILE = "=cmd|'/c calc'!A1\x1b]52;c;x\x07\n\u202e<script>"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run(["query", *arguments, "--format", "jsonl"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["query", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


def test_a_question_is_answered(fleet_run: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select model, count(*) as n from system group by 1 order by 1"
    rows = answer(capsys, str(fleet_run.path), sql)
    assert [row["model"] for row in rows] == ["PowerEdge R760", "SYS-221H-TNR", "ThinkSystem SR650 V3"]
    assert sum(row["n"] for row in rows) == fleet_run.statuses["ok"]


def test_children_are_joined_with_their_parents(
    fleet_run: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = """
        select s.model, count(*) as n
        from drive d join system s using (run, target) join targets t using (run, target)
        where d.system = s."@key" and t.label_site = 'a' group by 1
    """
    rows = answer(capsys, str(fleet_run.path), sql)
    assert sum(row["n"] for row in rows) == answer(
        capsys, str(fleet_run.path), "select count(*) as n from drive join targets using (run, target) "
        "where label_site = 'a'",
    )[0]["n"] > 100  # fmt: skip


def test_several_runs_are_told_apart(journal: Written, capsys: pytest.CaptureFixture[str]) -> None:
    old = journal(outcome("h", {"system": [{"bios": "2.18"}]}), name="old.jsonl")
    new = journal(outcome("h", {"system": [{"bios": 2.19}]}), name="new.jsonl")
    rows = answer(capsys, str(old), str(new), "select run, bios from system order by run")
    assert rows == [{"run": "new.jsonl", "bios": "2.19"}, {"run": "old.jsonl", "bios": "2.18"}]


def test_without_sql_the_tables_are_listed(fleet_run: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", str(fleet_run.path)]) == 0
    told = capsys.readouterr()
    lines = {line.split()[0]: line for line in told.out.splitlines() if not line.startswith(" ")}
    assert list(lines)[:3] == ["root", "system", "drive"]
    assert {"targets", "errors", "checks", "violations", "steps", "labels", "runs"} <= set(lines)
    assert 'run, target, "@key", root, id, model, serial' in lines["system"]
    assert "not complete: root, system, drive on 210 of 1,500" in told.err
    assert run(["query", str(fleet_run.path), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {"table": "drive", "column": "bytes", "type": "integer"}.items() <= next(
        row for row in rows if row["column"] == "bytes" and row["table"] == "drive"
    ).items()


def test_tables_that_are_not_named_plainly_are_found(
    journal: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(journal(outcome("h", {"drive": [{"v": 1}], "system": [{"v": 2}]})))
    assert {"name": "drive"} in answer(capsys, place, "show tables")
    assert answer(capsys, place, "select v from query_table('dr' || 'ive')") == [{"v": 1}]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "select * from systm",
            ["line 1, column 15: there is no table 'systm'", "did you mean system?", "^"],
        ),
        (
            "select nothing from\nwhatever",
            ["line 2, column 1: there is no table 'whatever'", "tables: system,"],
        ),
        ("select modl from system", ["line 1, column 8: there is no column 'modl'", "did you mean model?"]),
        ("select s.modl from system s", ["column 'modl'", "did you mean model?"]),
        ("select * frm system", ["line 1, column 14: syntax error"]),
        ("select * from order", ['quoted: "order"']),
        ("select 'x'::int from system", ["Could not convert string 'x' to INT32"]),
        ("/* nothing */ ", ["the query is empty"]),
    ],
)
def test_a_wrong_question_is_explained(
    journal: Written, capsys: pytest.CaptureFixture[str], sql: str, says: list[str]
) -> None:
    place = journal(outcome("h", {"system": [{"model": "m"}], "order": [{"v": 1}]}))
    told = refused(capsys, str(place), sql)
    assert [text for text in says if text not in told] == []


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{file}')",
        "select * from read_csv('{file}')",
        "select * from '{file}'",
        "select * from glob('/*')",
        "copy (select 1) to '{file}.out'",
        "attach '{file}.db'",
        "export database '{file}.out'",
        "select * from read_csv('http://127.0.0.1:9/x')",
        "install httpfs",
        "load httpfs",
        "force install httpfs from 'http://127.0.0.1:9'",
        "set enable_external_access = true",
        "set memory_limit = '1TB'",
        "reset lock_configuration",
        "create persistent secret s (type s3)",
        "create macro f() as table select * from read_text('{file}'); select * from f()",
    ],
)
def test_a_query_reaches_nothing_else(
    journal: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str
) -> None:
    place = journal(outcome("h", {"system": [{"model": "m"}]}))
    file = tmp_path / "secret.csv"
    file.write_text("canary\n1\n")
    before = sorted(tmp_path.iterdir())
    told = refused(capsys, str(place), sql.format(file=file) + " -- of a table")
    assert "canary" not in told
    assert sorted(tmp_path.iterdir()) == before


def test_a_query_does_not_see_the_proxy_of_the_environment(
    journal: Written, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:canary@127.0.0.1:9")
    place = str(journal(outcome("h", {"system": [{}]})))
    assert answer(capsys, place, "select current_setting('http_proxy') as p") == [{"p": "none"}]
    settings = answer(capsys, place, "select * from duckdb_settings()")
    assert len(settings) > 50
    assert "canary" not in json.dumps(settings)


@pytest.mark.parametrize("form", ["table", "csv", "md", "jsonl", "json"])
def test_what_a_host_sent_is_inert(journal: Written, capsys: pytest.CaptureFixture[str], form: str) -> None:
    place = journal(outcome("h", {"system": [{"model": HOSTILE, "n": -5}], HOSTILE: [{HOSTILE: HOSTILE}]}))
    for sql in ([], ["select model, n, model as again from system"]):
        assert run(["query", str(place), *sql, "--format", form]) == 0
        told = capsys.readouterr()
        assert not {"\x1b", "\x07", "\u202e"} & set(told.out + told.err)
    if form == "csv":
        (row,) = csv.DictReader(io.StringIO(told.out))
        assert row["model"].startswith("'=cmd")
        assert row["n"] == "-5"
    if form in ("json", "jsonl"):
        found = json.loads(told.out)
        assert (found[0] if form == "json" else found)["model"] == HOSTILE


def test_values_are_those_of_json(journal: Written, capsys: pytest.CaptureFixture[str]) -> None:
    place = journal(outcome("h", {"s": [{"o": {"a": [1, None]}}]}, started="2026-11-22T15:42:00.5Z"))
    sql = """select o, o->>'$.a[0]' as first, started, started::date as day, 1.50::decimal(9,2) as d,
             {'x': [1, 2]} as st, '\\xc3\\xa9'::blob as b, interval 1 hour as i, 1 as x, 2 as x from s
             join targets using (run, target)"""
    assert answer(capsys, str(place), sql) == [
        {
            "o": {"a": [1, None]},
            "first": "1",
            "started": "2026-11-22T15:42:00.500000Z",
            "day": "2026-11-22",
            "d": 1.5,
            "st": {"x": [1, 2]},
            "b": "c3a9",
            "i": "1:00:00",
            "x": 1,
            "x_2": 2,
        }
    ]


def test_a_table_is_bounded_and_says_so(fleet_run: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", str(fleet_run.path), "select target from targets", "--limit", "3"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 4
    assert "and 1,497 more rows" in told.err


def test_sql_comes_from_a_file_too(
    journal: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(journal(outcome("h", {"system": [{}]})))
    question = tmp_path / "q.sql"
    question.write_text("select target\nfrom system;\n")
    assert answer(capsys, place, "--file", str(question)) == [{"target": "h"}]
    assert "not both" in refused(capsys, place, "select 1", "--file", str(question))
    assert "name a run before the SQL" in refused(capsys, "select 1 from system")


def test_a_missing_extra_is_named(journal: Written, tmp_path: Path) -> None:
    """In a Python to which there is no DuckDB."""
    place = journal(outcome("h", {"system": [{}]}))
    code = "import sys; sys.modules['duckdb'] = None; from fleet.cli import main; sys.exit(main())"

    def fleet(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    for arguments in (("query", str(place), "select 1"), ("convert", str(place), "--to", "parquet")):
        ended = fleet(*arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "pip install 'fleet[query]'" in ended.stderr
    for arguments in (("query", str(place)), ("convert", str(place), "--to", "csv")):
        assert fleet(*arguments).returncode == 0
    assert fleet("convert", str(place), "--to", "sqlite").returncode == 0


def test_a_query_leaves_no_temporary_files(
    journal: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    place = str(journal(outcome("h", {"system": [{}]})))
    assert len(answer(capsys, place, "from system")) == 1
    refused(capsys, place, "select nothing from system")
    assert os.listdir(scratch) == []


@pytest.mark.parametrize("width", [40, 60, 120])
def test_in_a_terminal_lines_fit_and_nothing_acts(journal: Written, width: int) -> None:
    place = str(journal(outcome("h", {"system": [{"model": HOSTILE, "n": 1, "wide": "x" * 70}]}, labels={})))
    for sql in ([], ["select n, model, wide from system"]):
        told = shown_in_a_terminal(width, "query", place, *sql)
        assert not {"\x1b", "\x07", "\u202e"} & set(told)
        assert max(map(len, told.splitlines())) <= width
    assert "not shown, too wide" in told or width == 120


def shown_in_a_terminal(width: int, *arguments: str) -> str:
    """What a command writes where standard output is a terminal of that width."""
    found = shown(*arguments, width=width, apart=True)
    assert found.status == 0
    notes = [line for line in found.err.splitlines() if line.startswith("not shown")]
    return "\n".join([found.text, *(note[:width] for note in notes)])
