"""The deviations of a recorded fleet: exactly what was planted, in every form."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from recorded import MODELS, host_name
from week import LONE_TYPE, NAMELESS, ODD_MODE, Week, names

from fleet.cli.entry import run
from fleet.inventory import read_targets
from fleet.judge import Conformance, conformance_schema, gather_conformance
from fleet.report import short_name

ENUM = (
    "GET /redfish/v1/Systems/{ComputerSystemId}",
    "/Boot/Options/*/Mode",
    "enum",
    'one of "UEFI", "Legacy"',
)
REQUIRED = ("GET /redfish/v1/Managers/{ManagerId}", "", "required", "Name")
ALONE = ("", "/Status/State", "type", "")


@pytest.fixture(scope="module")
def judged(week: Week) -> Path:
    """The second run of the recorded week."""
    return week.second.path


@pytest.fixture(scope="module")
def report(judged: Path) -> Conformance:
    return gather_conformance(judged)


def hosts_of(hosts: tuple[str, ...]) -> set[str]:
    return {short_name(target.url) for target in read_targets(list(hosts), report=pytest.fail)}


def test_who_deviates_and_how_is_told_apart(report: Conformance, judged: Path) -> None:
    found = {
        (one.operation, one.pointer, one.rule, one.expected): one.machines
        for maker in report.makers
        for one in maker.deviations
    }
    assert set(found) == {ENUM, REQUIRED, ALONE}
    for way, wanted in ((ENUM, ODD_MODE), (REQUIRED, NAMELESS), (ALONE, LONE_TYPE)):
        (machines,) = found[way]
        assert machines.targets == len(wanted)
        assert hosts_of(machines.hosts) <= names(wanted)
        assert len(hosts_of(machines.hosts)) + machines.unnamed == len(wanted)
    (enum,) = found[ENUM]
    assert (enum.kind, enum.places) == (("Dell Inc.", MODELS[0], "7.2.0"), 2 * len(ODD_MODE))
    assert (found[ALONE][0].kind, found[ALONE][0].hosts) == (
        ("Supermicro", MODELS[2], "7.1.0"), (host_name(4001),),
    )  # fmt: skip


def test_counts_add_up(report: Conformance, judged: Path) -> None:
    assert (report.targets, report.unjudged) == (4999 - 353, 353)
    assert report.deviating == len(ODD_MODE | LONE_TYPE)
    assert report.ways == 3
    assert sum(maker.targets for maker in report.makers) == report.targets
    for maker in report.makers:
        assert sum(kind.targets for kind in maker.kinds) == maker.targets
        assert sum(kind.deviating for kind in maker.kinds) == maker.deviating
    assert report.places == 2 * len(ODD_MODE) + len(NAMELESS) + 1
    assert report.description == "Redfish 2025.4"


def test_a_kind_without_a_deviation_is_told_of_too(report: Conformance) -> None:
    makers = {maker.name: maker for maker in report.makers}
    assert makers["Lenovo"].deviations == ()
    assert len(makers["Lenovo"].kinds) == 4
    kinds = {kind.values: kind for kind in makers["Dell Inc."].kinds}
    well, broken = kinds["Dell Inc.", MODELS[0], "7.1.0"], kinds["Dell Inc.", MODELS[0], "7.2.0"]
    assert (well.deviating, well.ways) == (0, 0)
    assert (broken.deviating, broken.targets, broken.ways) == (broken.targets, broken.targets, 2)


def test_one_host_with_one_more_way_is_in_both(judged: Path) -> None:
    """Hosts are kept by all their ways together; of one way there are those that have others too."""
    report = gather_conformance(judged, by=["labels.site"])
    for maker in report.makers:
        for found in maker.deviations:
            (machines,) = found.machines
            assert len(hosts_of(machines.hosts)) + machines.unnamed == machines.targets == found.targets


def test_only_one_maker_counts_where_it_is_asked_for(judged: Path) -> None:
    report = gather_conformance(judged, maker="dell inc.")
    assert [maker.name for maker in report.makers] == ["Dell Inc."]
    assert report.targets == sum(kind.targets for kind in report.makers[0].kinds)
    assert "Supermicro" not in json.dumps(report.to_json())


def test_names_are_found_where_nobody_gave_any(judged: Path, tmp_path: Path) -> None:
    outcomes = judged / "outcomes.jsonl"
    report = gather_conformance(outcomes)
    assert report.by == ("system.maker", "system.model", "manager.firmware")
    rows = [{"@uri": f"/{n}", "manufacturer": "part", "model": "part", "firmware": "9"} for n in range(9)]
    record = {
        "id": "https://a", "status": "ok", "labels": {"vendor": "of the label", "model": "not this"},
        "steps": {"drive": {"complete": True, "rows": rows},
                  "box": {"complete": True, "rows": [{"@uri": "/", "product": "Box", "version": "1"}]}},
    }  # fmt: skip
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(record) + "\n")
    assert gather_conformance(other).by == ("labels.vendor", "box.product", "box.version")


@pytest.mark.parametrize("form", ["text", "json", "csv", "md", "html"])
def test_each_form_names_each_deviation(judged: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(judged), "--format", form]) == 0
    told = capsys.readouterr().out
    for words in ("/Boot/Options/", "Managers", "bmc-16-001"):
        assert words in told.replace("\\", "")
    assert "Lenovo" in told or form == "csv"


def test_csv_has_a_line_for_each_way_and_kind(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(judged), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 3
    enum = next(row for row in rows if row["rule"] == "enum")
    assert (enum["targets"], enum["of"]) == (str(len(ODD_MODE)), str(len(ODD_MODE)))
    assert enum["example"].endswith("#/Boot/Options/0/Mode")
    assert enum["actual"] == '"Uefi"'


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside in ("h1", "h2"):
            self.headings.append(data)
            self.inside = ""


def test_json_is_what_its_schema_says(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(judged), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["v"], len(said["makers"]) > 1) == (1, True)
    assert [str(error) for error in jsonschema_rs.validator_for(conformance_schema()).iter_errors(said)] == []


def test_the_page_has_a_section_for_each_maker(judged: Path, tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    assert run(["conformance", str(judged), "--html", str(place), "--maker", "Dell Inc."]) == 0
    text = place.read_text(encoding="utf-8")
    page = Texts()
    page.feed(text)
    assert page.headings == ["Deviations from Redfish 2025.4", "Dell Inc."]
    assert f"{len(NAMELESS)} of {len(ODD_MODE)} PowerEdge R760 with 7.2.0" in text
    assert "Supermicro" not in text
    assert "bmc-16-001" not in text


def test_the_exit_status_is_what_was_asked_for(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(judged), "--fail-on", "any", "--format", "json"]) == 1
    assert run(["conformance", str(judged), "--fail-on", "any", "--maker", "Lenovo"]) == 0
    capsys.readouterr()
    assert run(["conformance", str(judged), "--maker", "Del"]) == 2
    assert "there are Dell Inc., Lenovo, Supermicro" in capsys.readouterr().err


def test_a_name_that_nobody_has_is_said(judged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(judged), "--by", "system.model,labels.rack"]) == 0
    assert "no target has a value of labels.rack" in capsys.readouterr().err
