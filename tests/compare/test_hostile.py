"""What hosts say is text in every form of a comparison: no markup, no escape, no formula, no mention."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inert.page import assert_closed, assert_inert
from inert.terminal import shown
from inert.texts import ESCAPES, TEXTS, acting, brief, formulas, markup
from pairs import Record, target, write

from fleet.cli.entry import run

FORMS = ("text", "json", "csv", "html", "md")


def hostile(at: int, turn: str) -> Record:
    """A target of which everything that a host or an inventory may say is a hostile text; `turn` makes its
    values of one run."""
    text = TEXTS[at % len(TEXTS)]
    less = brief(text)
    row = {"@uri": text, "@key": text + turn, "serial": text + turn, text: text, "model": text}
    changed = {"@uri": less + "/1", "@key": "K", "model": less, "field": text + turn, text[:300]: turn + text}
    double = {"@uri": less + turn, "@key": less, "name": less}
    below = {"@uri": f"/{turn}", "@parent": [text, 0], "@key": less + turn + "!", "id": less + turn + "!"}
    status = ("ok", "partial", "failed")[at % 3] if turn == "b" else "ok"
    failure = {"kind": less, "message": text, "step": less, "uri": less, "attempts": 1}
    record = target(
        text + (turn if at % 5 == 0 else ""), status,
        [{"step": f"skipped {less}", "why": text, "uri": less}] if turn == "b" else [],
        **{
            text: {"complete": turn == "a", "rows": [row]},
            f"{less}.x": {"complete": True, "rows": [changed, double, double]},
            f"below {less}": {"complete": True, "rows": [below]},
            "all": {"complete": True, "rows": [{"@uri": "/", "mood": "calm"}, {"@uri": less, "mood": text}]},
            f"skipped {less}": {"complete": True, "rows": [row] if turn == "a" else []},
        },
    )  # fmt: skip
    errors = [failure] if status != "ok" else []
    return {**record, "failure": failure if status == "failed" else None, "errors": errors, "proxy": less,
            "labels": {"site": text, text[:200]: less}}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("hostile")
    made = [
        write(folder / f"{turn}.jsonl", (hostile(at, turn) for at in range(len(TEXTS))))
        for turn in ("a", "b")
    ]
    return [str(path) for path in made]


def command(files: list[str], within: bool) -> list[str]:
    if not within:
        return ["diff", *files, "--ignore", f"{ESCAPES}*.serial", "--where", "target != 'x'"]
    return ["diff", "--within", files[0], "--step", "all", "--by", "site", "--field", "mood"]


@pytest.fixture(scope="module")
def outputs() -> dict[tuple[str, bool], str]:
    """By form, and whether within a run: what has been said already, for several tests look at it."""
    return {}


Say = Callable[..., str]


@pytest.fixture
def say(files: list[str], outputs: dict[tuple[str, bool], str], capsys: pytest.CaptureFixture[str]) -> Say:
    """What `fleet diff` says in a form."""

    def said(form: str, *, within: bool = False) -> str:
        if (form, within) not in outputs:
            assert run([*command(files, within), "--format", form]) == 1
            told = capsys.readouterr()
            assert acting(told.err) == []
            outputs[form, within] = told.out
        return outputs[form, within]

    return said


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_no_form_moves_the_cursor(say: Say, form: str, within: bool) -> None:
    told = say(form, within=within)
    assert acting(told) == []
    if form not in ("json", "csv"):
        assert len(told) < 400_000


def test_csv_cells_are_no_formulas(say: Say) -> None:
    csv.field_size_limit(2_000_000)
    rows = list(csv.reader(say("csv").splitlines()))
    cells = [cell for row in rows for cell in row]
    assert formulas(cells) == []
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert max(map(len, cells)) < 40_000


def test_markdown_holds_no_markup_of_others(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", *files, "--format", "md", "--limit", "100"]) == 1
    assert markup(capsys.readouterr().out) == []


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("within", [False, True])
def test_a_terminal_gets_no_sequence_but_colours(files: list[str], width: int, within: bool) -> None:
    found = shown(*command(files, within), width=width)
    assert found.status == 1
    assert "stray" in found.text or "differences = " in found.text
    assert acting(found.text) == []


@pytest.fixture(params=[False, True], ids=["between", "within"])
def page(say: Say, tmp_path: Path, request: Any) -> Path:
    place = tmp_path / "page.html"
    place.write_text(say("html", within=request.param), encoding="utf-8")
    return place


def test_the_page_holds_only_our_elements_and_lets_nothing_run(page: Path) -> None:
    assert_closed(page)


def test_a_browser_fires_no_canary(page: Path, tmp_path: Path) -> None:
    found = assert_inert(page, tmp_path)
    assert ' class="n"' in found.text  # the script ran: its digest is right


def test_the_json_is_whole(say: Say) -> None:
    """Values are cut, so that one host cannot make it as large as it likes; its bytes are ASCII."""
    told = say("json")
    assert told.isascii()
    changes = [change for field in json.loads(told)["fields"] for change in field["changes"]]
    assert max(len(str(change["before"])) for change in changes) < 300
