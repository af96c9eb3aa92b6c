"""What tables a run becomes, and that firmwares which disagree do not break them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from query_runs import outcome

from fleet.errors import UsageError
from fleet.query import RESERVED, Table, Tables, gather, need_duckdb, written

Written = Callable[..., Path]


def tables_of(folder: Path, *runs: Path) -> Tables:
    work = folder / "work"
    work.mkdir()
    return gather(runs, work)


def shape(table: Table) -> dict[str, str]:
    return {column.name: column.kind.value for column in table.columns}


def rows_of(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.stored()]


def only(tables: Tables, name: str) -> Table:
    found = tables.named(name)
    assert found is not None
    return found


def test_a_row_has_what_it_is_joined_on(tmp_path: Path, journal: Written) -> None:
    run = journal(
        outcome(
            "h1",
            {
                "system": [{"@uri": "/s/1", "@key": "S1"}, {"@uri": "/s/2", "id": "2"}],
                "storage": [{"@uri": "/s/2/st", "@parent": ["system", 1]}],
                "drive": [{"@uri": "/d", "@parent": ["storage", 0], "@key": "D1", "bytes": 5}],
            },
            incomplete=("drive",),
        )
    )
    tables = tables_of(tmp_path, run)
    drive = rows_of(only(tables, "drive"))[0]
    assert drive == {
        "run": "run.jsonl", "target": "h1", "@key": "D1", "system": "2", "storage": "/s/2/st", "bytes": 5,
        "complete": False, "@uri": "/d", "@row": 0, "@parent": "storage", "@parent_row": 0,
    }  # fmt: skip
    assert [row["@key"] for row in rows_of(only(tables, "system"))] == ["S1", "2"]
    assert rows_of(only(tables, "storage"))[0]["@key"] == drive["storage"]
    assert only(tables, "drive").unknown == 1
    assert [(row["step"], row["complete"], row["rows"]) for row in rows_of(only(tables, "steps"))] == [
        ("system", True, 2),
        ("storage", True, 1),
        ("drive", False, 1),
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "integer"),
        ([1, 2.5], "number"),
        ([True, None], "boolean"),
        ([5, "5 GiB"], "text"),
        ([True, 1], "text"),
        ([{"a": 1}, [1]], "json"),
        ([{"a": 1}, "none"], "text"),
        ([2**63, 1], "text"),
        ([None, None], "text"),
    ],
)
def test_a_column_holds_what_firmwares_make_of_it(
    tmp_path: Path, journal: Written, values: list[Any], kind: str
) -> None:
    outcomes = [outcome(f"h{at}", {"s": [{"v": value}]}) for at, value in enumerate(values)]
    table = only(tables_of(tmp_path, journal(*outcomes)), "s")
    assert shape(table)["v"] == kind
    found = [row["v"] for row in rows_of(table)]
    assert found == [str(value) if value == 2**63 else value for value in values]


def test_missing_columns_and_columns_that_differ_in_case(tmp_path: Path, journal: Written) -> None:
    run = journal(
        outcome("h1", {"s": [{"model": "a", "Model": "A"}]}),
        outcome("h2", {"s": [{"MODEL": 3, "target": "mine", "run": 7}]}),
    )
    tables = tables_of(tmp_path, run)
    table = only(tables, "S")
    assert len({name.casefold() for name in shape(table)}) == len(shape(table))
    own = {name.casefold() for name in shape(table) if "model" in name.casefold()}
    assert own == {"model", "model_2", "model_3"}
    values = {value for row in rows_of(table) for value in row.values() if value is not None}
    assert {"a", "A", 3, "mine", 7} <= values
    assert any("'target' is the column target_2: its name is taken" in note for note in tables.notes)


def test_the_order_of_columns_does_not_depend_on_who_answers_first(tmp_path: Path, journal: Written) -> None:
    one = outcome("h1", {"s": [{"a": 1, "b": 1, "c": 1}]}, labels={"site": "x", "rack": "1"})
    two = outcome("h2", {"s": [{"a": 1, "x": 1, "c": 1}]}, labels={"rack": "1", "site": "x", "old": "y"})
    orders = []
    for name, outcomes in (("first", (one, two)), ("second", (two, one))):
        (tmp_path / name).mkdir()
        tables = tables_of(tmp_path / name, journal(*outcomes, name=f"{name}.jsonl"))
        orders.append([list(shape(only(tables, table))) for table in ("s", "targets")])
    assert orders[0] == orders[1]
    assert set(orders[0][0][3:7]) == {"a", "b", "x", "c"}
    assert (orders[0][0][3], orders[0][0][6]) == ("a", "c")


def test_steps_may_be_called_anything(tmp_path: Path, journal: Written) -> None:
    steps = {name: [{"v": 1}] for name in ("errors", "Targets", "select", "step_errors", 'a"b', "ö/..", "")}
    tables = tables_of(tmp_path, journal(outcome("h", steps)))
    found = {table.step: table.name for table in tables if table.step is not None}
    assert found == {
        "errors": "step_errors", "Targets": "step_Targets", "select": "select",
        "step_errors": "step_errors_2", 'a"b': 'a"b', "ö/..": "ö/..", "": "_",
    }  # fmt: skip
    assert written("select") == '"select"'
    assert written('a"b') == '"a""b"'
    assert written("system") == "system"


def test_reserved_words_are_those_of_both_databases() -> None:
    duckdb = need_duckdb("this test")
    words = duckdb.sql("select keyword_name from duckdb_keywords() where keyword_category = 'reserved'")
    assert {word for (word,) in words.fetchall()} <= RESERVED
    with closing(sqlite3.connect(":memory:")) as connection:
        for word in ("system", "drive", "value", "label", "rows", "step", "kind", "ended", "result"):
            assert word not in RESERVED
            connection.execute(f"create table {word} ({word} text)")


def test_failures_are_rows(tmp_path: Path, fleet_run: Any) -> None:
    tables = tables_of(tmp_path, fleet_run.path)
    targets, errors = rows_of(only(tables, "targets")), rows_of(only(tables, "errors"))
    failed = [row for row in targets if row["status"] == "failed"]
    assert len(failed) == fleet_run.statuses["failed"]
    assert {row["target"] for row in errors if row["ended"]} >= {row["target"] for row in failed}
    assert {row["blame"] for row in errors} == {"target"}
    assert only(tables, "system").unknown == fleet_run.hosts - fleet_run.statuses["ok"]
    assert shape(only(tables, "targets"))["started"] == "time"
    assert {row["label_site"] for row in targets} == {"a", "b", "c", "d", "e"}


def test_the_last_outcome_of_a_target_counts(tmp_path: Path, journal: Written) -> None:
    run = journal(*(outcome("h", {"s": [{"v": at}]}) for at in range(3)))
    assert [row["v"] for row in rows_of(only(tables_of(tmp_path, run), "s"))] == [2]


def test_a_run_is_taken_once(tmp_path: Path, journal: Written, fleet_run: Any) -> None:
    with pytest.raises(UsageError, match="are the same run"):
        tables_of(tmp_path, fleet_run.path, fleet_run.path)


def test_long_values_are_cut_and_said(tmp_path: Path, journal: Written) -> None:
    run = journal(outcome("h", {"s": [{"text": "x" * 3_000_000, "list": ["y" * 2_000_000], "n": 1}]}))
    tables = tables_of(tmp_path, run)
    (row,) = rows_of(only(tables, "s"))
    assert (len(row["text"]), row["list"], row["n"]) == (1024 * 1024, None, 1)
    assert "s: 2 values longer than 1,048,576 characters were cut" in tables.notes


def test_what_is_not_wanted_is_counted_and_not_kept(tmp_path: Path, fleet_run: Any) -> None:
    work = tmp_path / "work"
    work.mkdir()
    tables = gather([fleet_run.path], work, wanted=lambda name: name == "system")
    assert [table.name for table in tables if table.loaded] == ["system"]
    assert only(tables, "drive").rows == 4 * (fleet_run.statuses["ok"])
    assert all(path.stat().st_size == 0 for path in work.iterdir() if path.name == "labels.rows")
