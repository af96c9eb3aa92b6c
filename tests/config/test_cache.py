"""Checked specs are cached as data: the same values, no second check, nothing that fleet did not write."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.config import cache, list_builtin_specs, loads_spec, spec_schema
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


def sections_of(text: str) -> Sections:
    return loads_spec(text)


def test_a_cached_spec_equals_the_checked_one(home: Path) -> None:
    checked = sections_of(SPEC)
    (path,) = files(home)
    found = cache.read_cached(path.name)
    assert found is not None
    assert all(getattr(found, name) == getattr(checked, name) for name in Sections.__dataclass_fields__)
    assert found.fixups[0].fixup == checked.fixups[0].fixup
    assert sections_of(SPEC) == checked


@pytest.mark.parametrize("name", list_builtin_specs())
def test_every_built_in_spec_is_cached_whole(name: str) -> None:
    text = list_builtin_specs()[name].read_text()
    assert sections_of(text) == sections_of(text)


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


def test_a_fault_is_raised_each_time(home: Path) -> None:
    wrong = SPEC.replace("timeout: 2s", "timeout: soon")
    messages = set()
    for _ in range(2):
        with pytest.raises(SpecError) as told:
            sections_of(wrong)
        messages.add(str(told.value))
    assert len(messages) == 1
    assert files(home) == []


def test_a_spec_that_names_secrets_is_not_cached(home: Path) -> None:
    sections_of(f"{SPEC}auths: {{lab: {{username: root, password: env:LAB}}}}\n")
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
def test_a_cache_entry_of_another_form_is_not_used(home: Path, tree: object) -> None:
    checked = sections_of(SPEC)
    (path,) = files(home)
    from fleet.openapi import encode_tree

    path.write_bytes(encode_tree(tree, path.name) or b"")
    assert cache.read_cached(path.name) is None
    assert sections_of(SPEC) == checked


def test_the_format_follows_the_rules() -> None:
    """When the rules change, what was cached by the old ones must not be taken for checked: raise
    `fleet.config.cache.FORMAT`, then write its pair here."""
    rules = hashlib.sha256(json.dumps(spec_schema(), sort_keys=True).encode()).hexdigest()
    assert (cache.FORMAT, rules[:16]) == (1, "971324ad810f3b96")
