"""Whatever a source holds, reading it gives targets, reports and InventoryErrors, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import InventoryError
from fleet.inventory import InventoryOptions, format_target, read_targets
from fleet.policy import Limits

WORDS = st.sampled_from(
    [
        "10.0.0.1", "10.0.0.0/30", "bmc[01-03]", "h1:8443", "https://h2/x", "[2001:db8::1]", "u:pw@h",
        "id=a", "site=b", "proxy=socks5://p:1", "auth=x", "'", "\"", "\\", "#", "=", ",", ";", "\t", "\r\n",
        "\n", "\n", " ", "[", "]", "{", "}", ":", "{\"host\":\"h3\"}", "[{\"targets\":[\"h4\"]}]",
        "- targets: [h5]\n", "host,site\n", "labels", "\u0000", "\u001b[2J", "\u202e", "\ufeff", "\u00e9",
        "\u0663", "&a", "*a", "!!python/object:os.system", "<<: *a",
    ]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=14).map("".join).map(lambda text: text.encode())
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SUFFIXES = ["txt", "csv", "tsv", "jsonl", "json", "yaml"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=TEXTS | st.binary(max_size=80))
def test_any_bytes_in_any_format(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"hosts.{suffix}"
    path.write_bytes(data)
    errors: list[InventoryError] = []
    options = InventoryOptions(limits=Limits(expansion=64))
    try:
        targets = list(read_targets([str(path)], options=options, report=errors.append))
    except InventoryError as error:
        errors.append(error)
        targets = []
    for error in errors:
        assert error.file == str(path)
        assert "pw@" not in str(error)
        assert not CONTROL.search(str(error).replace("\n  ", ""))
    for target in targets:
        line = format_target(target)
        assert not CONTROL.search(line)
        again = list(read_targets([line], report=lambda error: pytest.fail(str(error))))
        assert [(t.id, t.url, t.labels, t.auth, t.proxy) for t in again] == [
            (target.id, target.url, dict(target.labels), target.auth, target.proxy)
        ]
