"""Mistakes that people make every day: what they meant stands in the message."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import record_run

from fleet.cli.entry import run

RUN = "20261122-1542-k7q"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an inventory, credentials and a run, as one works in."""
    monkeypatch.chdir(tmp_path)
    record_run(tmp_path / "runs" / RUN, hosts=20, troubles=())
    (tmp_path / "hosts.txt").write_text("127.0.0.1:9 site=a\n")
    (tmp_path / "auths.yaml").write_text("auths: {lab: {username: root, password: env:NOBODY}}\n")
    (tmp_path / "list.yaml").write_text("auths:\n- {username: root, password: env:NOBODY}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("hosts.txt scan", "The command comes first: fleet scan hosts.txt"),
        ("scan hosts.txt --auths auth.yaml", "did you mean auths.yaml?"),
        ("scan hosts.txt --auths auths.yml", "did you mean auths.yaml?"),
        ("scan hosts.txt --auths list.yaml", "write each entry as a key, `name:`, without a dash"),
        ("scan hosts.txt --select site:a", "write site=a"),
        ("scan hosts.txt --where labels.site=a", "equal is written ==, and a text in single quotes"),
        (f"explain {RUN} bmc-00-001", f"the target comes first: fleet explain bmc-00-001 {RUN}"),
        (f"baseline set {RUN} golden", f"the name comes first: fleet baseline set golden {RUN}"),
        ("show system", "did you mean fleet show latest system?"),
        (f"show {RUN} system --sort -modle", "did you mean 'model'?"),
        (f"query {RUN} select model from system", f"put the SQL in quotes: fleet query {RUN} 'select ...'"),
        (f"convert {RUN}", "Choose from: csv, parquet, sqlite, duckdb"),
        (f"resume {RUN} --kind refused", "did you mean connect.refused or proxy.refused?"),
        (f"diff {RUN} {RUN}", "does not differ from itself"),
        ("spec show redfish", "fleet spec operations redfish lists them"),
    ],
)
def test_what_was_meant_is_said(
    command: str, meant: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert meant in said.err
    assert not said.out


def test_an_ending_alone_is_no_likeness(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "hosts.txt", "--auths", "nope.yaml"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("select", ["fe80::1", "host=fe80::1", "127.0.0.1:9"])
def test_an_address_is_not_taken_for_a_label(
    select: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["inventory", "count", "hosts.txt", "--select", select])
    assert "not a condition" not in capsys.readouterr().err


def test_a_text_without_quotes_is_called_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", RUN, "system", "--where", "health==Critical"]) == 0
    assert "a text stands in single quotes, 'Critical'" in capsys.readouterr().err


def test_many_hosts_without_a_certificate_are_told_together(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each is fine for a rack; nobody reads nine hundred of them."""
    assert run(["tls", "learn", "127.98.7.[1-20]:9"]) == 0
    assert capsys.readouterr().err.count("connect.refused: Connection refused") == 20
    assert run(["tls", "learn", "127.98.7.[1-30]:9", "no[1-2].invalid"]) == 0
    said = capsys.readouterr().err
    assert "30 targets: connect.refused: Connection refused\n  127.98.7.[1-30]:9\n" in said
    assert "2 targets: dns." in said
    assert "0 learnt: 0 new, 0 changed; 32 gave none" in said
