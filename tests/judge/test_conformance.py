"""The deviations of a recorded fleet: exactly what was planted, in every form."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from planted import Planted
from recorded import MODELS, host_name

from fleet.cli.entry import run
from fleet.inventory import read_targets
from fleet.judge import Conformance, gather_conformance

ENUM = (
    "GET /redfish/v1/Systems/{ComputerSystemId}",
    "/Boot/Options/*/Mode",
    "enum",
    'one of "UEFI", "Legacy"',
)
REQUIRED = ("GET /redfish/v1/Managers/{ManagerId}", "", "required", "Name")
LONE = ("", "/Status/State", "type", "")


@pytest.fixture(scope="module")
def report(planted: Planted) -> Conformance:
    return gather_conformance(planted.path)


def hosts_of(hosts: tuple[str, ...]) -> set[str]:
    return {target.url for target in read_targets(list(hosts), report=pytest.fail)}


def test_who_deviates_and_how_is_told_apart(report: Conformance, planted: Planted) -> None:
    found = {
        (one.operation, one.pointer, one.rule, one.expected): one.machines
        for maker in report.makers
        for one in maker.deviations
    }
    assert set(found) == {ENUM, REQUIRED, LONE}
    for way, wanted in ((ENUM, planted.enum), (REQUIRED, planted.required), (LONE, planted.lone)):
        (machines,) = found[way]
        assert machines.targets == len(wanted)
        assert hosts_of(machines.hosts) <= planted.hosts(wanted)
        assert len(hosts_of(machines.hosts)) + machines.unnamed == len(wanted)
    (enum,) = found[ENUM]
    assert (enum.kind, enum.places) == (("PowerEdge", MODELS[0], "7.2.0"), 2 * len(planted.enum))
    assert (found[LONE][0].kind, found[LONE][0].hosts) == (
        ("SYS-221H-TNR", MODELS[2], "7.1.0"), (host_name(4001),),
    )  # fmt: skip


def test_counts_add_up(report: Conformance, planted: Planted) -> None:
    assert (report.targets, report.unjudged) == (planted.judged, 316)
    assert report.deviating == len(planted.enum | planted.required | planted.lone)
    assert report.ways == 3
    assert sum(maker.targets for maker in report.makers) == report.targets
    for maker in report.makers:
        assert sum(kind.targets for kind in maker.kinds) == maker.targets
        assert sum(kind.deviating for kind in maker.kinds) == maker.deviating
    assert report.places == 2 * len(planted.enum) + len(planted.required) + 1
    assert report.description == "Redfish 2025.4"


def test_a_kind_without_a_deviation_is_told_of_too(report: Conformance) -> None:
    makers = {maker.name: maker for maker in report.makers}
    assert makers["ThinkSystem"].deviations == ()
    assert len(makers["ThinkSystem"].kinds) == 4
    kinds = {kind.values: kind for kind in makers["PowerEdge"].kinds}
    well, broken = kinds["PowerEdge", MODELS[0], "7.1.0"], kinds["PowerEdge", MODELS[0], "7.2.0"]
    assert (well.deviating, well.ways) == (0, 0)
    assert (broken.deviating, broken.targets, broken.ways) == (broken.targets, broken.targets, 2)


def test_one_host_with_one_more_way_is_in_both(planted: Planted) -> None:
    """Hosts are kept by all their ways together; of one way there are those that have others too."""
    report = gather_conformance(planted.path, by=["labels.site"])
    for maker in report.makers:
        for found in maker.deviations:
            (machines,) = found.machines
            assert len(hosts_of(machines.hosts)) + machines.unnamed == machines.targets == found.targets


def test_only_one_maker_counts_where_it_is_asked_for(planted: Planted) -> None:
    report = gather_conformance(planted.path, maker="poweredge")
    assert [maker.name for maker in report.makers] == ["PowerEdge"]
    assert report.targets == sum(kind.targets for kind in report.makers[0].kinds)
    assert "SYS-221" not in json.dumps(report.to_json())


def test_names_are_found_where_nobody_gave_any(planted: Planted, tmp_path: Path) -> None:
    outcomes = planted.path / "outcomes.jsonl"
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
def test_each_form_names_each_deviation(
    planted: Planted, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["conformance", str(planted.path), "--format", form]) == 0
    told = capsys.readouterr().out
    for words in ("/Boot/Options/", "Managers", "bmc-16-001"):
        assert words in told.replace("\\", "")
    assert "ThinkSystem" in told or form == "csv"


def test_csv_has_a_line_for_each_way_and_kind(planted: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(planted.path), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 3
    enum = next(row for row in rows if row["rule"] == "enum")
    assert (enum["targets"], enum["of"]) == (str(len(planted.enum)), str(len(planted.enum)))
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


def test_the_page_has_a_section_for_each_maker(planted: Planted, tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    assert run(["conformance", str(planted.path), "--html", str(place), "--maker", "PowerEdge"]) == 0
    text = place.read_text(encoding="utf-8")
    page = Texts()
    page.feed(text)
    assert page.headings == ["Deviations from Redfish 2025.4", "PowerEdge"]
    assert f"{len(planted.required)} of {len(planted.enum)} PowerEdge R760 with 7.2.0" in text
    assert "SYS-221" not in text
    assert "bmc-16-001" not in text


def test_the_exit_status_is_what_was_asked_for(planted: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(planted.path), "--fail-on", "any", "--format", "json"]) == 1
    assert run(["conformance", str(planted.path), "--fail-on", "any", "--maker", "ThinkSystem"]) == 0
    capsys.readouterr()
    assert run(["conformance", str(planted.path), "--maker", "Del"]) == 2
    assert "there are PowerEdge, SYS-221H-TNR, ThinkSystem" in capsys.readouterr().err


def test_a_name_that_nobody_has_is_said(planted: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conformance", str(planted.path), "--by", "system.model,labels.rack"]) == 0
    assert "no target has a value of labels.rack" in capsys.readouterr().err
