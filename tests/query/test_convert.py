"""`fleet convert`: the same tables in every form, whole or not at all."""

from __future__ import annotations

import csv
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from query_runs import outcome
from recorded import Recorded

from fleet.cli.entry import run

Written = Callable[..., Path]
ODD = {
    "n": 1,
    "mixed": {"a": [1, None]},
    "text": "=1+1\r\n\x00\x1b",
    "Model": "x",
    "model": "y",
    "flag": True,
}


@pytest.fixture
def odd(journal: Written) -> Path:
    """A run whose firmwares disagree."""
    return journal(
        outcome("h1", {"select": [ODD], "errors": [{"v": 1.5}]}),
        outcome("h2", {"select": [{"n": 2.5, "mixed": "none", "text": None}]}, incomplete=("select",)),
        outcome("h3", {"mood": [{"v": value} for value in (True, 1, 2.5, "yes", [1], None)]}),
    )


def convert(place: Path, form: str, to: Path, *more: str) -> int:
    return run(["convert", str(place), "--to", form, "-o", str(to), *more])


def test_sqlite(odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "out.sqlite"
    assert convert(odd, "sqlite", to) == 0
    told = capsys.readouterr()
    assert told.out == f"{to}\n"
    assert "not complete: mood, select, step_errors on 2 of 3 targets" in told.err
    with closing(sqlite3.connect(to)) as database:
        rows = database.execute(
            'select target, n, mixed, text, complete from "select" order by target'
        ).fetchall()
        assert database.execute("select v from step_errors").fetchall() == [(1.5,)]
    assert rows == [("h1", 1.0, '{"a":[1,null]}', ODD["text"], 1), ("h2", 2.5, "none", None, 0)]
    assert stat.S_IMODE(to.stat().st_mode) == 0o600


def test_duckdb(odd: Path, tmp_path: Path) -> None:
    to = tmp_path / "out.duckdb"
    assert convert(odd, "duckdb", to) == 0
    with duckdb.connect(str(to), read_only=True) as database:
        rows = database.execute('select n, mixed, text, flag from "select" order by target').fetchall()
    assert rows == [(1.0, '{"a":[1,null]}', ODD["text"], True), (2.5, "none", None, None)]


def test_parquet(odd: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"
    assert convert(odd, "parquet", to) == 0
    assert {path.suffix for path in to.iterdir()} == {".parquet"}
    found = duckdb.sql(f"select n, mixed from '{to}/select.parquet' order by target").fetchall()
    assert found == [(1.0, '{"a":[1,null]}'), (2.5, "none")]
    assert duckdb.sql(f"select count(*) from '{to}/violations.parquet'").fetchall() == [(0,)]


def test_csv(odd: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"
    assert convert(odd, "csv", to) == 0
    with (to / "select.csv").open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["n"], first["mixed"]) == ("1", '{"a":[1,null]}')
    assert first["text"] == r"'=1+1\r\n\x00\x1b"
    assert (second["mixed"], second["text"], second["complete"]) == ("none", "", "false")


def test_every_form_has_the_same_rows(fleet_run: Recorded, tmp_path: Path) -> None:
    for form in ("sqlite", "duckdb", "parquet", "csv"):
        assert convert(fleet_run.path, form, tmp_path / form) == 0
    with (
        closing(sqlite3.connect(tmp_path / "sqlite")) as lite,
        duckdb.connect(str(tmp_path / "duckdb"), read_only=True) as duck,
    ):
        for table in ("targets", "system", "drive", "errors", "steps", "checks", "violations", "labels"):
            counts = {
                lite.execute(f"select count(*) from {table}").fetchone()[0],
                duck.execute(f"select count(*) from {table}").fetchone()[0],
                duckdb.sql(f"select count(*) from '{tmp_path}/parquet/{table}.parquet'").fetchall()[0][0],
                len((tmp_path / "csv" / f"{table}.csv").read_bytes().split(b"\r\n")) - 2,
            }
            assert len(counts) == 1
            assert counts != {0}


def test_nothing_is_replaced_unasked(odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "out.sqlite"
    to.write_text("mine")
    assert convert(odd, "sqlite", to) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert to.read_text() == "mine"
    assert convert(odd, "sqlite", to, "--force") == 0
    assert to.read_bytes().startswith(b"SQLite format 3")


def test_force_replaces_conversions_and_nothing_else(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "home"
    to.mkdir()
    (to / "precious.txt").write_text("mine")
    assert convert(odd, "csv", to, "--force") == 2
    assert "holds more than a conversion (precious.txt)" in capsys.readouterr().err
    (to / "precious.txt").rename(to / "old.csv")
    assert convert(odd, "csv", to, "--force") == 0
    assert not (to / "old.csv").exists()
    link = tmp_path / "link"
    link.symlink_to(to)
    assert convert(odd, "csv", link, "--force") == 2
    assert convert(odd, "sqlite", to, "--force") == 2
    os.mkfifo(tmp_path / "device")  # as /dev/null is, which root can replace
    assert convert(odd, "sqlite", tmp_path / "device", "--force") == 2
    assert (tmp_path / "device").is_fifo()
    assert convert(odd, "csv", tmp_path / "no" / "where") == 2


def test_what_cannot_be_read_leaves_nothing(
    tmp_path: Path, odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.truncate(odd, 0)
    broken = tmp_path / "broken.jsonl.zst"
    broken.symlink_to(odd)  # a journal is never read through a link
    before = sorted(os.listdir(tmp_path))
    assert convert(broken, "sqlite", tmp_path / "out") == 74
    assert sorted(os.listdir(tmp_path)) == before


def test_the_name_is_the_runs(
    fleet_run: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["convert", str(fleet_run.path), "--to", "csv"]) == 0
    assert capsys.readouterr().out == "20261122-1542-k7q.csv\n"
    assert (tmp_path / "20261122-1542-k7q.csv" / "targets.csv").is_file()


def test_columns_and_steps_are_bounded(
    journal: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = {f"c{at:03d}": at for at in range(510)}
    for form in ("duckdb", "sqlite"):
        to = tmp_path / form
        assert convert(journal(outcome("h", {"s": [wide, {"c509": 1, "c001": 7}]})), form, to) == 0
        assert "s: 10 columns were left out: there are too many" in capsys.readouterr().err
    with duckdb.connect(str(tmp_path / "duckdb"), read_only=True) as database:
        assert database.execute("select c001, c499 from s order by c001").fetchall() == [(1, 499), (7, None)]
    many = journal(outcome("h", {f"s{at}": [] for at in range(301)}))
    assert convert(many, "sqlite", tmp_path / "many") == 2
    assert "more than 300 steps" in capsys.readouterr().err
    assert not (tmp_path / "many").exists()


def test_values_that_do_not_agree_are_the_same_text_everywhere(odd: Path, tmp_path: Path) -> None:
    for form in ("sqlite", "duckdb", "csv"):
        assert convert(odd, form, tmp_path / form) == 0
    ask = 'select v from mood order by "@row"'
    with duckdb.connect(str(tmp_path / "duckdb"), read_only=True) as database:
        found = [value for (value,) in database.execute(ask).fetchall()]
    assert found == ["true", "1", "2.5", "yes", "[1]", None]
    with closing(sqlite3.connect(tmp_path / "sqlite")) as database:
        assert [value for (value,) in database.execute(ask)] == found
    with (tmp_path / "csv" / "mood.csv").open(newline="") as stream:
        assert [row["v"] or None for row in csv.DictReader(stream)] == found
