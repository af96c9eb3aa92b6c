"""A spec that adds to another one: what comes of both, and where a fault of either stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.config import SpecOutside, load_spec
from fleet.errors import SpecError
from fleet.pipeline import compile_checks

BASE = """fleet: "1"
info: {title: Base}
api: api.yaml
refs: {http://x/: schemas/}
steps:
  root: {operation: getRoot, outputs: {name: name}}
  part: {from: root, follow: parts, outputs: {id: id}}
checks:
  named: {from: root, assert: name}
  listed: {from: root, assert: "name == $lookup.name", lookup: {file: names.csv, on: [name]}}
overlays:
  - {when: name, steps: {root: {outputs: {one: one}}}}
"""
OWN = """fleet: "1"
extends: base/base.yaml
x-mine: ignored
checks:
  named: null
  more: {from: part, assert: id, by: [root.name, two]}
overlays:
  - {when: name, steps: {part: {outputs: {two: two}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    (base / "schemas").mkdir(parents=True)
    (base / "base.yaml").write_text(BASE)
    (base / "api.yaml").write_text("openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\n")
    (base / "names.csv").write_text("name\na\n")
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    (folder / "own.yaml").write_text(text)
    return folder / "own.yaml"


def test_entries_are_joined_by_name_and_lists_in_order(folder: Path) -> None:
    spec = load_spec(folder / "own.yaml")
    assert spec.info.title == "Base"
    assert list(spec.steps) == ["root", "part"]
    assert list(spec.checks) == ["listed", "more"]
    assert [list(overlay.steps) for overlay in spec.overlays] == [["root"], ["part"]]
    assert spec.path == folder / "own.yaml"
    assert spec.bases == (folder / "base" / "base.yaml",)


def test_files_are_found_where_the_other_has_them(folder: Path) -> None:
    spec = load_spec(folder / "own.yaml")
    assert spec.api_source == str(folder / "base" / "api.yaml")
    assert spec.ref_sources == {"http://x/": str(folder / "base" / "schemas") + "/"}
    checks, _ = compile_checks(spec, locate=spec.place, outside=SpecOutside(spec))
    assert [check.name for check in checks] == ["listed", "more"]


def test_a_built_in_can_be_extended(folder: Path) -> None:
    spec = load_spec(
        write(folder, 'fleet: "1"\nextends: redfish\nchecks: {mine: {from: system, assert: id}}\n')
    )
    assert "drives-are-healthy" in spec.checks
    assert "mine" in spec.checks
    assert Path(spec.api_source).is_file()


@pytest.mark.parametrize(
    ("own", "base", "said"),
    [
        (
            OWN.replace("by: [root.name", "by: [root.nam"),
            BASE,
            "own.yaml:6:39: checks.more.by.0: step 'root' has no",
        ),
        (OWN, BASE.replace("assert: name}", "assert: nam}"), None),
        (
            OWN,
            BASE.replace('"name == $', '"nam == $'),
            "base/base.yaml:10:24: checks.listed.assert: step 'root' has no",
        ),
        (
            OWN.replace("[root.name, two]", "[root.name, thr]"),
            BASE,
            "own.yaml:6:50: checks.more.by.1: step 'part'",
        ),
        (
            OWN.replace("assert: id", "asert: id"),
            BASE,
            "own.yaml:6:22: checks.more.asert: unknown key 'asert'",
        ),
        (
            OWN,
            BASE.replace("follow: parts", "folow: parts"),
            "base/base.yaml:7:22: steps.part.folow: unknown key",
        ),
        (
            OWN.replace("base/base.yaml", "base/bas.yaml"),
            BASE,
            "own.yaml:2:1: extends: there is no spec file",
        ),
        (
            OWN.replace("base/base.yaml", "own.yaml"),
            BASE,
            "own.yaml:2:1: extends: more than 5 specs extend one",
        ),
        (
            OWN.replace("base/base.yaml", "base/api.yaml"),
            BASE,
            "own.yaml:2:1: extends: 'base/api.yaml' is no spec",
        ),
        (OWN.replace("base/base.yaml", "[a]"), BASE, "own.yaml:2:1: extends: must be the name of a spec"),
        (OWN.replace("extends: base/base.yaml\n", ""), BASE, "own.yaml:1:1: the key"),
    ],
)
def test_a_fault_is_said_where_it_stands(folder: Path, own: str, base: str, said: str | None) -> None:
    (folder / "base" / "base.yaml").write_text(base)
    path = write(folder, own)
    if said is None:  # the entry at fault was taken away
        load_spec(path)
        return
    with pytest.raises(SpecError) as caught:
        spec = load_spec(path)
        compile_checks(spec, locate=spec.place, outside=SpecOutside(spec))
    assert str(caught.value).removeprefix(f"{folder}/").startswith(said)
