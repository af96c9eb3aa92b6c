"""A spec that was checked is kept as data: the same values, no check, nothing that we did not write."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.config import kept, list_builtin_specs, loads_spec, spec_schema
from fleet.config.model import Sections
from fleet.errors import SpecError

SPEC = """
fleet: "1"
info: {title: Kept}
api: https://example.test/openapi.json
fixups: [{at: /paths, drop: [x], headers: {X: {type: integer}}}]
steps:
  things:
    operation: listThings
    parameters: {depth: 3, share: 0.5, nested: {list: [1, {a: null}]}}
    timeout: 2s
    outputs: {id: Id, size: {expr: Size, as: int}}
checks:
  fine:
    from: things
    assert: size > `0`
    waivers: [{where: id == 'old', reason: known, until: 2030-12-31}]
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fleet" / "trees"


def files(home: Path) -> list[Path]:
    return [path for path in home.glob("??/*") if path.is_file()]


def said(text: str) -> Sections:
    return loads_spec(text)


def test_what_is_read_again_equals_what_was_checked(home: Path) -> None:
    checked = said(SPEC)
    (path,) = files(home)
    found = kept.read(path.name)
    assert found is not None
    assert all(getattr(found, name) == getattr(checked, name) for name in Sections.__dataclass_fields__)
    assert found.fixups[0].fixup == checked.fixups[0].fixup
    assert said(SPEC) == checked


@pytest.mark.parametrize("name", list_builtin_specs())
def test_every_built_in_spec_is_kept_whole(name: str) -> None:
    text = list_builtin_specs()[name].read_text()
    assert said(text) == said(text)


@pytest.mark.parametrize(("thread", "imported"), [(False, ["False", "False"]), (True, ["True", "False"])])
def test_a_scan_needs_pydantic_at_most_once_and_no_thread_is_forked(
    thread: bool, imported: list[str], home: Path
) -> None:
    program = f"""
import sys, threading
from fleet.config import load_spec
threading.Thread(target=threading.Event().wait, daemon=True).start() if {thread} else None
spec = load_spec("redfish")
print("pydantic" in sys.modules, *sorted(spec.pipelines))
"""
    told = [subprocess.check_output([sys.executable, "-c", program], text=True).split() for _ in range(2)]
    assert [said[0] for said in told] == imported
    assert (
        told[0][1:]
        == told[1][1:]
        == sorted(loads_spec(list_builtin_specs()["redfish"].read_text()).pipelines)
    )
    assert len(files(home)) >= 1


def test_without_a_place_to_keep_it_a_spec_is_checked_all_the_same(tmp_path: Path) -> None:
    program = """
import sys
from fleet.config import load_spec
print(len(load_spec("redfish").steps) > 0, "pydantic" in sys.modules)
"""
    (tmp_path / "file").touch()
    where = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file")}
    assert subprocess.check_output([sys.executable, "-c", program], text=True, env=where) == "True False\n"


def test_a_fault_is_told_each_time(home: Path) -> None:
    wrong = SPEC.replace("timeout: 2s", "timeout: soon")
    messages = set()
    for _ in range(2):
        with pytest.raises(SpecError) as told:
            said(wrong)
        messages.add(str(told.value))
    assert len(messages) == 1
    assert files(home) == []


def test_what_names_secrets_is_not_kept(home: Path) -> None:
    said(f"{SPEC}auths: {{lab: {{username: root, password: env:LAB}}}}\n")
    assert files(home) == []


@pytest.mark.parametrize(
    "tree",
    [
        "text",
        ["tuple"],
        ["InfoSpec", "T", "0", None],
        ["Sections", 1],
        ["Unheard"],
        ["date", "never"],
        [[], 1],
        {"a": ["date"]},
    ],
)
def test_what_we_did_not_write_is_checked_again(home: Path, tree: object) -> None:
    checked = said(SPEC)
    (path,) = files(home)
    from fleet.openapi import encode_tree

    path.write_bytes(encode_tree(tree, path.name) or b"")
    assert kept.read(path.name) is None
    assert said(SPEC) == checked


def test_the_format_follows_the_rules() -> None:
    """When the rules change, what was kept by the old ones must not be taken for checked: raise
    `fleet.config.kept.FORMAT`, then write its pair here."""
    rules = hashlib.sha256(json.dumps(spec_schema(), sort_keys=True).encode()).hexdigest()
    assert (kept.FORMAT, rules[:16]) == (1, "971324ad810f3b96")
