"""What a scan of one host imports: not what only other scans need, and nothing while the loop runs."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from fleet.sim import SimOptions, SimulatedFleet

# What stays away from a scan over plain HTTP and without proxies. Each of them costs 10 to 60 ms.
UNUSED = {
    "cryptography", "fleet.assembly.experience", "fleet.cli.render.dry_run", "fleet.cli.commands.show_rows",
    "fleet.client.debugfile", "fleet.client.wire.proxy", "fleet.engine.baselines",
    "fleet.inventory.following", "fleet.inventory.order", "fleet.openapi.types", "fleet.report.gather",
    "fleet.report.html", "fleet.report.model", "fleet.sim", "h11", "httpcore", "httpx", "httpx_socks",
    "jsonschema", "logging.handlers", "multiprocessing", "python_socks", "sqlite3", "starlette",
    "tiny_proxy", "uvicorn",
}  # fmt: skip

# Tells on standard output what is imported, and marks what a running loop had to wait for.
CODE = """
import asyncio, sys

class Witness:
    def find_spec(self, name, path=None, target=None):
        if asyncio._get_running_loop() is not None:
            print("in the loop:", name)

sys.meta_path.insert(0, Witness())
from fleet.cli import main
status = main()
print(*sys.modules, sep="\\n")
sys.exit(status)
"""


async def imported_by(folder: Path, *arguments: str) -> set[str]:
    """The lines that the code above prints during one scan."""
    command = [sys.executable, "-c", CODE, "scan", *arguments, "--run-dir", str(folder / "run")]
    ended = await anyio.run_process(command, cwd=folder)
    return set(ended.stdout.decode().split("\n"))


async def test_a_plain_scan_imports_no_more_than_it_uses(tmp_path: Path) -> None:
    async with SimulatedFleet(SimOptions(hosts=1)) as sim:
        imported = await imported_by(tmp_path, *sim.hosts, "--validate", "off")
    assert "fleet.client.wire.connection" in imported
    assert sorted(imported & {*UNUSED, "jsonschema_rs"}) == []
    assert sorted(line for line in imported if line.startswith("in the loop")) == []


async def test_what_tls_and_validation_need_is_imported_before_the_loop_runs(tmp_path: Path) -> None:
    async with SimulatedFleet(SimOptions(hosts=1, tls=True)) as sim:
        imported = await imported_by(tmp_path, *sim.hosts, "--insecure")
    assert imported >= {"cryptography.x509", "jsonschema_rs"}
    assert sorted(imported & UNUSED - {"cryptography"}) == []
    assert sorted(line for line in imported if line.startswith("in the loop")) == []


async def test_a_second_scan_reads_no_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spec and its description are in the cache of parsed documents by then."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = []
    for name in ("cold", "warm"):
        (tmp_path / name).mkdir()
        async with SimulatedFleet(SimOptions(hosts=1)) as sim:
            found.append("yaml" in await imported_by(tmp_path / name, *sim.hosts))
    assert found == [True, False]
