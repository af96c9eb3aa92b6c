"""The published schemas accept what is read, and refuse what is not."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from fleet.errors import InventoryError
from fleet.inventory import auths_schema, read_targets, sources_schema
from fleet.openapi import load_yaml

ROOT = Path(__file__).parents[2]
DOCUMENTED = (ROOT / "docs" / "reference" / "inventory.md").read_text(encoding="utf-8")


def test_a_file_of_credentials_fits() -> None:
    validator = jsonschema_rs.validator_for(auths_schema())
    tree = load_yaml((ROOT / "configs" / "examples" / "auths.yaml").read_bytes())
    assert [str(error) for error in validator.iter_errors(tree)] == []
    assert not validator.is_valid({**tree, "auth": {}})
    assert not validator.is_valid({"auths": {"a": {"username": "root", "password": "plain"}}})


def test_the_sources_that_are_documented_fit() -> None:
    validator = jsonschema_rs.validator_for(sources_schema())
    text = DOCUMENTED[DOCUMENTED.index("\nsources:") :].partition("```")[0]
    tree = load_yaml(text.encode())
    assert len(tree["sources"]) == 6
    assert [str(error) for error in validator.iter_errors(tree)] == []
    assert validator.is_valid({"sources": [{"netbox": "https://n.example"}, {"exec": ["./list.sh"]}]})


@pytest.mark.parametrize(
    "text",
    [
        "sources: []",
        "sources: [{}]",
        "sources: [{netbox: https://n.example, exec: [./list.sh]}]",
        "sources: [{http_sd: {ulr: https://n.example}}]",
        "{sources: [hosts.txt], more: 1}",
    ],
)
def test_what_is_refused_does_not_fit(text: str, tmp_path: Path) -> None:
    assert not jsonschema_rs.validator_for(sources_schema()).is_valid(load_yaml(text.encode()))
    (tmp_path / "hosts.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError):
        list(read_targets([str(tmp_path / "hosts.yaml")], report=pytest.fail))
