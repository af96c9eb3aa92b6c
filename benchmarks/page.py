"""What the page of `fleet serve` costs a browser: 10,000 targets painted, then changed while one looks.

    python -m benchmarks.page [--hosts N]

A service is given a history of N targets in N/250 racks, and a headless Chromium opens its page. Nothing is
scanned: the service tells of outcomes by its own events, 500 targets in each, as fast as a run that ends
10,000 targets in a second. Printed, in milliseconds since the navigation began: the first paint, and the map
with every target painted; `main` is the time of the page's main thread until then. Then of an update (the
event, the layout and the paint that it causes, all together) the time of the main thread, in the mean and at
most. The aims are a first paint within 1 s and updates within 50 ms. Times of a thread are what the system
says that it ran; the others are by the clock, and grow with whatever else a machine does. Figures go to
`benchmarks/results/page.jsonl`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from benchmarks.figures import results
from benchmarks.rig.browser import Browser, Page, find_chromium

TOLD = 500
MESSAGES = 20
CONFIG = """
listen: ["127.0.0.1:0"]
jobs: {fleet: {pipelines: [thermal_power], inventory: [hosts.txt], scheme: http}}
"""
STARTED = "2026-11-22T15:42:00Z"
KINDS = ("connect.refused", "timeout.request", "tls.expired", "auth.rejected")


def fleet(folder: Path, hosts: int) -> list[dict[str, Any]]:
    """Write a configuration and an inventory; the outcomes of its targets, of which one in twenty failed."""
    names = [f"127.{at >> 16 & 255}.{at >> 8 & 255}.{at & 255}" for at in range(65_537, 65_537 + hosts)]
    lines = [f"{name}:8443 site=s{at * 5 // hosts} rack=r{at // 250:03}\n" for at, name in enumerate(names)]
    (folder / "hosts.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "serve.yaml").write_text(CONFIG, encoding="utf-8")
    return [_outcome(at, f"http://{name}:8443") for at, name in enumerate(names)]


def _outcome(at: int, url: str) -> dict[str, Any]:
    failed = at % 20 == 7
    kind = KINDS[at // 20 % len(KINDS)]
    failure = {"kind": kind, "message": "GET /redfish/v1/ (getServiceRoot): it failed", "attempts": 1}
    samples = [
        ["redfish_temperature_celsius", {"sensor": str(n)}, 20.0 + (at * 7 + n * 3) % 50] for n in (1, 2)
    ]
    return {
        "v": 1, "run": "r", "pipeline": "thermal_power", "id": url, "target": url, "labels": {},
        "status": "failed" if failed else "ok", "started": STARTED, "seconds": 0.4 + at % 9 / 10,
        **({"failure": failure} if failed else {"samples": samples}),
    }  # fmt: skip


async def measure(folder: Path, hosts: int) -> dict[str, float]:
    """The figures of one look at a page."""
    from fleet.observe import configure_logging
    from fleet.service import Service, check

    outcomes = fleet(folder, hosts)
    log = configure_logging(stream=io.StringIO(), level="error", form="json")
    service = Service(check(folder / "serve.yaml"), log)
    history = service.desk.history
    journal = folder / "outcomes.jsonl"
    journal.write_bytes(b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in outcomes))
    history.begin_run("r", "fleet", "thermal_power", folder, "request", time.time())
    row = history.run("r")
    assert row is not None
    while history.take_in(row, journal).states:
        pass
    history.end_run("r", "complete", ended=time.time(), total=hosts)
    begun = asyncio.Event()
    serving = asyncio.create_task(service.run(lambda _service: begun.set()))
    await begun.wait()
    try:
        async with Browser.opened(folder) as browser:
            return await _look(await browser.page(width=1600), service, outcomes)
    finally:
        service.stop()
        await serving


async def _look(page: Page, service: Any, outcomes: list[dict[str, Any]]) -> dict[str, float]:
    await page.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.open(f"{service.addresses[0]}/#/fleet?by=rack")
    await page.until("document.querySelector('#line.live') && performance.getEntriesByName('map-painted')[0]")
    first = await page.js("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    painted = await page.js("performance.getEntriesByName('map-painted')[0].startTime")
    assert await _count(page, ".total") == len(outcomes)
    until_then = await _spent(page)
    spent = [until_then]
    rows = [["fleet", "thermal_power", each["id"], "failed", KINDS[0], 0.5, time.time()] for each in outcomes]
    for count in range(1, MESSAGES + 1):
        some = [rows[(count * TOLD + more) % len(rows)] for more in range(TOLD)]
        service.desk.hub.tell("targets", {"targets": some})
        await page.until(f"performance.getEntriesByName('map-update').length >= {count}")
        await page.js("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")
        spent.append(await _spent(page))
    assert await _count(page, ".chip[data-status=failed] b") >= min(MESSAGES * TOLD, len(rows))
    updates = [after - before for before, after in pairwise(spent)]
    mean, most = sum(updates) / len(updates), max(updates)
    return {"first_paint": first, "map": painted, "main": until_then, "update": mean, "update_most": most}


async def _count(page: Page, selector: str) -> int:
    return int(await page.js(f"document.querySelector('{selector}').textContent.replaceAll(',', '')"))


async def _spent(page: Page) -> float:
    """Milliseconds that the page's main thread has run for so far."""
    metrics = (await page.send("Performance.getMetrics"))["metrics"]
    return 1000 * float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="What the page costs a browser.")
    parser.add_argument("--hosts", type=int, default=10_000)
    given = parser.parse_args(arguments)
    if find_chromium() is None:
        print("there is no chromium here: nothing was measured")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="fleet-page-"))
    try:
        figures = asyncio.run(measure(folder, given.hosts))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds = {name: round(value / 1000, 5) for name, value in figures.items()}
    results.keep("page", [results.about(row="page", side="fleet", hosts=given.hosts, **seconds)])
    print(f"{given.hosts:,} targets, milliseconds")
    for name, value in figures.items():
        print(f"  {name:<12} {value:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
