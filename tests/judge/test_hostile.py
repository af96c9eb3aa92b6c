"""What hosts, inventories and specs say is text in every form: no markup, no escape, no formula."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from inert.page import assert_closed, assert_inert
from inert.terminal import shown
from inert.texts import ESCAPES, TEXTS, acting, brief, formulas, markup
from planted import plant
from test_checks import held_by_sarif, held_by_the_schemas

from fleet.cli.entry import run


def poisoned(record: dict[str, Any]) -> dict[str, Any]:
    """Everything that may have been said by others is a hostile text."""
    number = int(record["labels"]["serial"][2:])
    full = TEXTS[number % len(TEXTS)]
    text = brief(full)
    result = ("fail", "unknown", "waived", "pass", text)[number % 5]
    row = {
        "@uri": text,
        "@key": text,
        text: text,
        "model": text,
        "bios": text,
        "maker": text,
        "firmware": text,
    }
    check = {
        "check": text, "result": result, "severity": text, "row": ["system", 0], "message": full,
        "lookup": {text: text}, "waiver": {"reason": text, "until": text},
    }  # fmt: skip
    violation = {
        "pointer": text, "rule": text, "uri": text, "operation": text, "expected": text, "actual": full,
    }  # fmt: skip
    return {
        **record, "id": text + str(number), "labels": {"site": text, text[:200]: "x"},
        "steps": {"system": {"complete": True, "rows": [row]}, text: {"complete": False, "rows": [row]}},
        "checks": [check, {**check, "row": text}, {**check, "row": [text, 10**9]}],
        "violations": [violation, {"pointer": text, "rule": text, "uri": text}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "r"
    plant(path, hosts=5 * len(TEXTS), edit=poisoned)
    manifest = json.loads((path / "manifest.json").read_text())
    rule = {
        "step": TEXTS[0], "severity": TEXTS[1], "message": TEXTS[2], "assert": TEXTS[3],
        "by": list(TEXTS[:7]), "reads": ["bios", *map(brief, TEXTS)],
        "waivers": [{"reason": text, "until": text} for text in map(brief, TEXTS)],
    }  # fmt: skip
    manifest["checks"] = dict.fromkeys(map(brief, TEXTS), rule)
    manifest["description"] |= {"title": TEXTS[0], "version": ESCAPES}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    caught = capsys.readouterr()
    assert acting(caught.err) == []
    return caught.out


@pytest.mark.parametrize("command", ["checks", "conformance"])
@pytest.mark.parametrize("form", ["", "json", "csv", "md"])
def test_no_form_acts_on_who_reads_it(
    hostile: Path, command: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, command, str(hostile), *(["--format", form] if form else []))
    assert acting(out) == []
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
        assert formulas(cells) == []
        assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    if form == "md":
        assert markup(out) == []
    if form in ("", "md"):
        assert max(map(len, out.splitlines())) < 40_000


@pytest.mark.parametrize("command", ["checks", "conformance"])
@pytest.mark.parametrize("width", [40, 200])
def test_a_terminal_gets_no_sequence_but_colours(hostile: Path, command: str, width: int) -> None:
    found = shown(command, str(hostile), width=width)
    assert found.status == 0
    assert "targets" in found.text
    assert acting(found.text) == []


def test_xml_is_well_formed_and_holds_no_element_of_others(
    hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, "checks", str(hostile), "--format", "junit")
    held_by_the_schemas(ElementTree.fromstring(out))
    assert acting(out) == []
    assert "<script" not in out
    assert "<!" not in out.partition("?>")[2]


def test_sarif_is_what_its_schema_says(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "checks", str(hostile), "--format", "sarif")
    held_by_sarif(json.loads(out))
    assert len(out) < 5_000_000


@pytest.fixture(scope="module")
def page(hostile: Path) -> Path:
    place = hostile.parent / "page.html"
    assert run(["conformance", str(hostile), "--html", str(place)]) == 0
    return place


def test_the_page_holds_only_our_elements_and_loads_nothing(page: Path) -> None:
    assert_closed(page)
    assert page.stat().st_size < 1_000_000


def test_a_browser_fires_no_canary(page: Path, tmp_path: Path) -> None:
    assert assert_inert(page, tmp_path).title.startswith("Deviations from")
