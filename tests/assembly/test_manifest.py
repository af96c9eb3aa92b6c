"""What a run directory remembers is enough to go on with it, from anywhere, and holds no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme

from fleet.assembly import PreparedScan
from fleet.assembly.manifest import changes_since, manifest_of, options_of
from fleet.config import list_builtin_specs
from fleet.errors import UsageError
from fleet.policy import Policy, Rate, Tls

Prepare = Callable[..., PreparedScan]


def stored(scan: PreparedScan) -> dict[str, Any]:
    return json.loads(json.dumps(manifest_of(scan)))


def test_the_options_come_back(prepared: Prepare, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "s3cret")
    (folder / "hosts.txt").write_text("h1 site=a\n")
    (folder / "skip.txt").write_text("h9\n")
    trustme.CA().cert_pem.write_to_path(folder / "ca.pem")
    (folder / "auths.yaml").write_text("auths: {lab: {username: u, password: env:WORD}}")
    scan = prepared(
        "hosts.txt",
        "h[2-3] site=a",
        select=("site=a", "site!=b"),
        exclude=("h3",),
        exclude_files=("skip.txt",),
        auths_file="auths.yaml",
        outputs=("-", "more.jsonl"),
        pipeline="quick",
        policy=Policy(rate=Rate(concurrency=7), tls=Tls(ca_file="ca.pem")),
        given=frozenset({"rate.concurrency"}),
    )
    manifest = stored(scan)
    assert "s3cret" not in json.dumps(manifest)
    assert options_of(manifest) == replace(
        scan.options,
        spec=str(folder / "lamps.yaml"),
        sources=(str(folder / "hosts.txt"), "h[2-3] site=a"),
        exclude_files=(str(folder / "skip.txt"),),
        auths_file=str(folder / "auths.yaml"),
        outputs=("-", str(folder / "more.jsonl")),
        policy=replace(scan.options.policy, tls=Tls(ca_file=str(folder / "ca.pem"))),
    )
    assert [source["source"] for source in manifest["inventory"]] == [str(folder / "hosts.txt")]


def test_what_has_changed_since_is_said(prepared: Prepare, folder: Path) -> None:
    (folder / "hosts.txt").write_text("h1\n")
    manifest = stored(prepared("hosts.txt", "h2"))
    assert changes_since(manifest) == []
    (folder / "hosts.txt").write_text("h1\nh3\n")
    (folder / "lamps.yaml").write_text((folder / "lamps.yaml").read_text() + "\n")
    said = changes_since(manifest)
    assert len(said) == 2
    assert all("has changed since this run was started" in text for text in said)


def test_a_built_in_that_is_installed_elsewhere_by_now_has_not_changed(tmp_path: Path) -> None:
    here = list_builtin_specs()["redfish"]
    gone = tmp_path / "fleet" / "configs" / "redfish.yaml"
    noted = {"spec": {"source": str(gone), "sha256": sha256(here.read_bytes()).hexdigest()}}
    assert changes_since(noted) == []
    noted["spec"]["sha256"] = "0" * 64
    assert changes_since(noted) == [f"{gone} has changed since this run was started: the new file counts"]


def test_an_unchanged_file_is_found_from_elsewhere(
    prepared: Prepare, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "hosts.txt").write_text("h1\n")
    manifest = stored(prepared("hosts.txt"))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert changes_since(manifest) == []


def test_numbers_of_another_version_are_left_out(prepared: Prepare) -> None:
    manifest = stored(prepared("h1"))
    manifest["options"]["policy"]["limits"]["moons"] = 2
    del manifest["options"]["policy"]["limits"]["pages"]
    assert options_of(manifest).policy == Policy()


@pytest.mark.parametrize("damage", [{"options": {}}, {"options": None}, {"options": {"policy": {}}}, {}])
def test_a_manifest_without_options_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="does not hold its options"):
        options_of(damage)
