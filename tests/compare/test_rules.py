"""Rules leave out what they say, count it, and are refused with their place where they say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pairs import compared, row, step, target

from fleet.cli.entry import run
from fleet.compare import Ignored, parse_rule, read_rules
from fleet.errors import UsageError


def ignored(folder: Path, *texts: str) -> tuple[int, tuple[Ignored, ...]]:
    """How many differences are left of five, and what each rule did."""
    before = [
        target(
            "h", power=step(row("P", watts=100, volts=12.0)), disk=step(row("A", temperature=20), row("B"))
        )
    ]
    after = [
        target(
            "h", power=step(row("P", watts=104, volts=-12.0)), disk=step(row("A", temperature=30), row("C"))
        )
    ]
    diff, _ = compared(folder, before, after, rules=[parse_rule(text) for text in texts])
    return diff.differences, diff.ignored


@pytest.mark.parametrize(
    ("texts", "left", "counts"),
    [
        ((), 4, []),
        (("power.watts",), 4, [1]),  # the row still differs, in its volts
        (("power.watts", "power.volts"), 3, [1, 1]),
        (("*.temperature",), 3, [1]),
        (("power.*", "*.temp*"), 2, [2, 1]),
        (("power.watts:5%", "power.volts"), 3, [1, 1]),
        (("power.watts:3%", "power.volts"), 4, [0, 1]),
        (("power.watts:4", "power.volts:24"), 3, [1, 1]),
        (("power.watts:3.9", "power.volts:23"), 4, [0, 0]),
        (("power.volts:100%",), 4, [0]),  # 24 is more than 12
        (("disk",), 1, [3]),
        (("d?sk", "power"), 0, [3, 1]),
        (("disk.serial",), 4, [0]),
    ],
)
def test_a_rule_leaves_out_what_it_says(
    tmp_path: Path, texts: tuple[str, ...], left: int, counts: list[int]
) -> None:
    differences, told = ignored(tmp_path, *texts)
    assert (differences, [one.differences for one in told]) == (left, counts)
    assert all(one.known for one in told)


def test_a_rule_that_names_nothing_is_said(tmp_path: Path) -> None:
    assert [one.known for one in ignored(tmp_path, "power.wats", "dsk", "power.watts")[1]] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "text", ["", ".", "power.", ".watts", "power:5%", "power.watts:x", "power.watts:", "a.b:-1"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--ignore: "):
        parse_rule(text)


def test_a_file_has_a_rule_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.txt"
    path.write_text("# readings\n\n*.temperature  # warm\npower.watts:5%\n")
    assert [rule.text for rule in read_rules(path)] == ["*.temperature", "power.watts:5%"]
    path.write_text("power.watts\npower:5%\n")
    assert run(["diff", str(path), str(path), "--ignore-file", str(path)]) == 2
    assert f"{path}:2: 'power:5%': a tolerance is for a field: power.FIELD:5%" in capsys.readouterr().err
    assert run(["diff", str(path), str(path), "--ignore-file", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_what_was_ignored_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ignored(tmp_path)
    files = [str(tmp_path / "first.jsonl"), str(tmp_path / "second.jsonl")]
    assert run(["diff", *files, "--ignore", "disk", "--ignore", "power", "--ignore", "pwoer"]) == 0
    told = capsys.readouterr().out
    assert "disk: left out 3 differences\n  power: left out 1 difference\n" in told
    assert "pwoer: names nothing that these runs have" in told


def test_a_step_that_is_asked_for_and_left_out_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(tmp_path / name) for name in ("a", "b")]
    assert run(["diff", *runs, "--step", "power,disk", "--ignore", "dis*"]) == 2
    assert "--step asks for disk, and --ignore dis* leaves it out" in capsys.readouterr().err


def test_the_fields_of_a_condition_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(
        '{"v":1,"run":"r","id":"h","target":"https://h","status":"ok","labels":{"site":"a"},"errors":[],'
        '"steps":{"system":{"complete":true,"rows":[{"model":"R760"}]}}}\n'
    )
    for arguments in (["diff", str(path), str(path)], ["diff", "--within", str(path), "--step", "system"]):
        assert run([*arguments, "--list-fields"]) == 0
        told = capsys.readouterr().out
        for name in ("status", "labels.site", "system.model", "R760"):
            assert name in told
    same = tmp_path / "two.jsonl"
    same.write_text(path.read_text())
    assert run(["diff", str(path), str(same), "--where", "system.model == 'R760'"]) == 0
