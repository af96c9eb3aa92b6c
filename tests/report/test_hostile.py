"""What hosts say is text in every form of a report: it is no markup, no escape, no formula, no mention."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from inert.page import assert_closed, assert_inert, browsed
from inert.terminal import shown
from inert.texts import TEXTS, acting, brief, markup
from recorded import Recorded, record_run

from fleet.cli.entry import run


def poisoned(record: dict[str, Any]) -> dict[str, Any]:
    """Everything that a host, an inventory or a description may have said is a hostile text."""
    number = int(record["labels"]["serial"][2:])
    text = TEXTS[number % len(TEXTS)]
    less = brief(text)
    failure = {"kind": "http.status", "message": text, "step": less, "uri": less, "attempts": 1}
    status = ("failed", "partial", "ok")[number // len(TEXTS) % 3]
    return {
        **record, "id": text + str(number), "labels": {"site": text, text[:200]: "x"}, "proxy": less,
        "status": status,
        "failure": failure if status == "failed" else None, "errors": [failure] if status != "ok" else [],
        "steps": {less: {"complete": False, "rows": [{"@uri": less, less: text}]}},
        "checks": [{"check": less, "result": "fail", "severity": less, "row": [less, 0], "message": text}],
        "violations": [{"pointer": less, "rule": less, "uri": text}],
        "skipped": [{"step": less, "why": text}],
        "tls": {"not_after": less, "version": less, "subject": text, "self_signed": True}, "notes": {text: 1},
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "r"
    return record_run(path, hosts=3 * len(TEXTS), troubles=(), edit=poisoned).path


@pytest.fixture(scope="module")
def page(hostile: Path) -> Path:
    place = hostile.parent / "page.html"
    assert run(["report", str(hostile), "--html", str(place)]) == 0
    return place


def test_the_page_holds_only_our_elements_and_lets_nothing_run_but_its_own(page: Path) -> None:
    parsed = assert_closed(page)
    scripts = [attributes for tag, attributes in parsed.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert len(json.loads(parsed.scripts[0])) == 3 * len(TEXTS)
    assert page.stat().st_size < 500_000


@pytest.mark.parametrize("form", [[], ["--md"], ["--json"], ["--by", "site"]])
def test_no_form_moves_the_cursor(hostile: Path, form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(hostile), *form]) == 0
    told = capsys.readouterr()
    assert acting(told.out + told.err) == []
    if form != ["--json"]:
        assert max(map(len, told.out.splitlines())) < 40_000


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_no_sequence_but_colours(hostile: Path, width: int, plain: bool) -> None:
    found = shown("report", str(hostile), "--by", "site", width=width, **({"NO_COLOR": "1"} if plain else {}))
    assert found.status == 0
    assert "3 targets" in found.text or "targets = " in found.text
    assert acting(found.text) == []
    if plain:
        assert "\x1b[3" not in found.screen.replace("\x1b[3m", "")  # italic is no colour


def test_markdown_holds_no_markup_of_others(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(hostile), "--md"]) == 0
    assert markup(capsys.readouterr().out) == []


@pytest.mark.parametrize("at", range(len(TEXTS)))
def test_the_story_of_a_hostile_target_is_inert(
    hostile: Path, at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    record = [json.loads(line) for line in (hostile / "outcomes.jsonl").read_bytes().splitlines()][at]
    assert run(["explain", record["id"], str(hostile)]) == 0
    told = capsys.readouterr().out
    assert acting(told) == []
    assert len(told) < 20_000


ACT = """<script>
const said = [], search = document.getElementById("search");
const note = () => said.push(document.getElementById("shown").textContent);
const first = (id) => document.querySelector(id + " tbody tr").cells[0].textContent;
search.value = "TLS.expired bmc-03-02"; search.dispatchEvent(new Event("input")); note();
for (const turn of [1, 2]) { document.querySelector("#list th button").click(); said.push(first("#list")); }
search.value = ""; search.dispatchEvent(new Event("input"));
document.querySelector(".chip[data-status=partial]").click(); note();
for (const turn of [1, 2]) document.querySelectorAll("#steps th button")[1].click();
said.push(first("#steps"));
document.title = said.join("; ");
</script></body>"""


def test_the_list_is_searched_and_sorted(recorded: Recorded, tmp_path: Path) -> None:
    """With the page's policy taken away, for it would not let a test's script run."""
    place = tmp_path / "page.html"
    assert run(["report", str(recorded.path), "--html", str(place)]) == 0
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", place.read_text(encoding="utf-8"))
    place.write_text(text.replace("</body>", ACT), encoding="utf-8")
    assert (
        browsed(place, tmp_path).title
        == "10 of 5,000 targets; bmc-03-020; bmc-03-029; 41 of 5,000 targets; drive"
    )


def test_a_browser_fires_no_canary_and_fills_the_list(page: Path, tmp_path: Path) -> None:
    found = assert_inert(page, tmp_path)
    count = 3 * len(TEXTS)
    assert f"{count} of {count} targets" in found.text  # the script ran: its digest is right
