"""`fleet inventory`: what it prints reads back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner

from fleet.cli.commands.inventory import inventory
from fleet.errors import InventoryError


def test_expand_prints_lines_that_read_back(write: Callable[..., str]) -> None:
    path = write("hosts.txt", "bmc[08-10].dc1 site='row 7'\nh1:443 id=x\nh1\noops oops\n")
    result = CliRunner().invoke(inventory, ["expand", path, "--exclude", "bmc09.*"])
    assert result.exit_code == 0
    assert result.stdout == (
        "https://bmc08.dc1 site='row 7'\nhttps://bmc10.dc1 site='row 7'\nhttps://h1 id=x\n"
    )
    assert result.stderr == (
        f"{path}:4: expected name=value, found 'oops'\n  one address per line, labels after it\n"
        "3 targets, 1 duplicate, 1 excluded, 1 rejected\n"
    )
    again = CliRunner().invoke(inventory, ["expand", "-"], input=result.stdout)
    assert again.stdout == result.stdout


def test_count_prints_a_number(write: Callable[..., str]) -> None:
    result = CliRunner().invoke(
        inventory, ["count", "10.0.0.0/22", "--select", "host=10.0.1.*", "--limit", "99"]
    )
    assert (result.stdout, result.stderr) == ("99\n", "99 targets, 255 not selected\n")


def test_strict_inventories_and_missing_files_are_usage_errors(write: Callable[..., str]) -> None:
    path = write("hosts.txt", "oops oops\n")
    runner = CliRunner()
    with pytest.raises(InventoryError, match="expected name=value"):
        runner.invoke(inventory, ["count", "--strict-inventory", path], catch_exceptions=False)
    with pytest.raises(InventoryError, match="no such file"):
        runner.invoke(inventory, ["count", "hosts.txt"], catch_exceptions=False)
