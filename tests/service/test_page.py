"""The page in a real browser: what it shows, how it is used; and no text of a host does anything in it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from recorded import record_run
from served import Served, Workshop

from benchmarks.rig.browser import Browser, Page
from fleet.sim import Fault

pytestmark = pytest.mark.long

COUNTS = """Object.fromEntries([...document.querySelectorAll('.chip[data-status]')]
    .map((chip) => [chip.dataset.status, Number(chip.querySelector('b').textContent.replaceAll(',', ''))]))"""
REFUSED = Fault("connect.refused", match="127.1.0.2")
HOSTILE = (
    '<script>window.fired = 1</script><img src="/x" onerror="window.fired = 2">',
    '"><svg onload=window.fired=3></svg>\'"--></title></style><iframe src="javascript:parent.fired=4">',
    "javascript:window.fired=5",
    "\u202egnp.exe\u2066\u200b\u2028\x1b]52;c;eA==\x07\x00",
    "{{constructor.constructor('window.fired=6')()}} ${window.fired=7}",
    "A" * 10_240,
)


@pytest.fixture
def hosts() -> int:
    return 10


@asynccontextmanager
async def opened(served: Served, browser: Browser, route: str = "#/", **shape: Any) -> AsyncIterator[Page]:
    """The page at a route. Whatever the browser complains of fails the test."""
    page = await browser.page(**shape)
    await page.open(f"{served.client.base_url}/{route}")
    await page.until("document.querySelector('.view h1')")
    yield page
    assert page.said == []
    own = str(served.client.base_url).rstrip("/")
    assert [url for url in page.asked if not url.startswith((own, "about:"))] == []
    await page.close()


async def summed(page: Page) -> dict[str, int]:
    """The targets by status that the page shows; they must be as many as it says."""
    counts, total = await page.js(f"[{COUNTS}, document.querySelector('.total').textContent]")
    assert sum(counts.values()) == int(total.replace(",", ""))
    return {status: count for status, count in counts.items() if count}


async def test_a_round_is_seen_as_it_happens(workshop: Workshop, browser: Browser) -> None:
    async with (
        Workshop.opened(workshop.folder, REFUSED, hosts=12) as fleet,
        fleet.serving() as served,
        opened(served, browser) as page,
    ):
        await page.until("document.querySelector('#line.live')")
        assert await summed(page) == {"none": 12}
        before = await page.js("document.querySelector('.plot canvas').toDataURL()")
        await served.round()
        await page.until(f"{COUNTS}.none === 0")
        assert await summed(page) == {"ok": 11, "failed": 1}
        assert await page.js("document.querySelector('.plot canvas').toDataURL()") != before
        await page.until("document.querySelector('.cause')?.textContent.includes('connect.refused')")
        await page.until("document.querySelector('.change.failing')?.textContent.includes('127.1.0.2')")
        whole = "[...document.querySelectorAll('.as-table tbody tr')].at(-1).innerText.split(/\\s+/)"
        await page.js("document.querySelector('.as-table').open = true")
        assert await page.js(whole) == ["sum", "12", "11", "0", "1", "0", "0"]


async def test_a_run_moves_while_it_runs(workshop: Workshop, browser: Browser) -> None:
    """One host never answers, so that the run waits for it until its time is up."""
    async with Workshop.opened(workshop.folder, Fault("hang", match="127.1.0.2"), hosts=6) as fleet:
        config = fleet.config + "    timeouts: {target: 8s}\n"
        async with fleet.serving(config) as served:
            assert (await served.ask("/api/v1/jobs/health/run")).status_code == 202
            async with opened(served, browser) as page:
                await page.until("document.querySelector('.jobs progress')?.value > 80")  # 5 of 6
                await page.click(".jobs .progress a")
                await page.until("document.querySelector('.view.run .state.running')")
                await page.until("document.querySelector('.view.run progress')?.value > 80")
                await page.until("document.querySelector('.view.run .state.complete')")
                told = await page.until("document.querySelector('.view.run .sum')?.textContent")
                assert told == "6 targets = 5 ok + 0 partial + 1 failed + 0 skipped"
                slowest = "document.querySelector('[aria-label=\"The slowest targets\"] tbody')?.rows"
                await page.until(f"{slowest}?.length === 6 && {slowest}[0].textContent.includes('127.1.0.2')")
                for part in ("How long targets took", "By proxy", "By step", "Requests by operation"):
                    found = f"document.querySelector('main').textContent.includes('{part}')"
                    await page.until(found)


async def test_the_map_is_coloured_by_a_value(workshop: Workshop, browser: Browser) -> None:
    """The key tells of the values that hosts had, as the API has them; what has none is counted too."""
    config = workshop.config.replace("[health]", "[thermal_power]")
    async with workshop.serving(config) as served:
        await served.round()
        metric = "redfish_temperature_celsius"
        told = (await served.get("/api/v1/map", params={"metric": metric}))["value"]
        route = f"#/fleet?colour={metric}"
        async with opened(served, browser, route) as page:
            rest = await page.until("document.querySelector('.key .soft')?.textContent")
            number = lambda value: f"{value:g}"  # noqa: E731
            assert rest == f"10 with a value ({number(min(told))} to {number(max(told))}) + 0 without = 10"
            await page.js("location.hash = '#/fleet?colour=kind'")
            await page.until("document.querySelector('.key')?.textContent.includes('10 without a failure')")


async def test_a_target_is_probed_now(workshop: Workshop, browser: Browser) -> None:
    async with workshop.serving() as served:
        await served.round()
        target = workshop.hosts[3]
        route = f"#/target?id={target}"
        async with opened(served, browser, route) as page:
            asked = workshop.total("requests")
            await page.click(".act")
            said = await page.until("document.querySelector('.probed h2')?.textContent")
            assert re.search(r"Asked just now, health: ok after .* and [0-9]+ requests", said)
            assert workshop.total("requests") > asked
            await page.until("document.querySelector('[aria-label=Metrics]')")
            text = await page.js("document.querySelector('main').innerText")
            for part in ("Checks", "Violations", "Metrics", "redfish_system_health", "Rows of health"):
                assert part in text, part


async def test_what_differs_since_the_run_before(workshop: Workshop, browser: Browser) -> None:
    """Two recorded runs, between which a drive came and a firmware changed."""
    async with workshop.serving() as served:
        await stored(served, workshop, "20261122-1542-one", lambda record: steps(record, "1.0", ["a"]))
        await stored(served, workshop, "20261122-1642-two", lambda record: steps(record, "1.1", ["a", "b"]))
        async with opened(served, browser, f"#/target?id={workshop.hosts[0]}") as page:
            await page.until("document.querySelector('[aria-label=\"What differs\"]')")
            lines = await page.js(
                "[...document.querySelectorAll('[aria-label=\"What differs\"] tbody tr')]"
                ".map((row) => [...row.cells].map((cell) => cell.textContent))"
            )
            assert lines == [["manager", "BMC", "firmware", "1.0", "1.1"], ["drive", "b", "", "–", "new"]]
            assert "1 reading moved" in await page.js("document.querySelector('main').innerText")
            await page.js("location.hash = '#/run?name=20261122-1642-two'")
            await page.until("document.querySelector('[aria-label=\"Changed values\"]')")
            text = await page.js("document.querySelector('main').innerText")
            whole = "10 targets of both = 0 the same + 10 changed + 0 not compared"
            for part in (
                "20261122-1542-one",
                whole,
                "manager.firmware",
                "10 readings moved, of 1 field",
                "New rows",
            ):
                assert part in text, part
            assert (
                await page.js("document.querySelector('[aria-label=\"Changed values\"] tbody').rows.length")
                == 1
            )
            await page.js("location.hash = '#/run?name=20261122-1542-one'")  # nothing was before it
            await page.until("document.querySelector('h1').textContent === '20261122-1542-one'")
            await page.until("!document.querySelector('.waiting')")
            assert "What changed" not in await page.js("document.querySelector('main').innerText")


async def test_every_view_has_an_address_and_the_way_back(workshop: Workshop, browser: Browser) -> None:
    async with workshop.serving() as served:
        run = (await served.round())["run"]
        async with opened(served, browser) as page:
            titles = []
            for route in ("jobs", "job?name=health", "runs", f"run?name={run}", "search?q=site=a"):
                await page.js(f"location.hash = '#/{route}'")
                view = route.partition("?")[0]
                await page.until(f"document.querySelector('.view.{view} h1')")
                titles.append(await page.js("document.title"))
            assert titles == [
                "Jobs · fleet",
                "health · fleet",
                "Runs · fleet",
                f"{run} · fleet",
                "Targets · fleet",
            ]
            found = await page.until("document.querySelector('.view.search [role=status]')?.textContent")
            assert found.startswith(f"{len([h for h in workshop.sim.entries if 'site=a' in h.line])} targets")
            for view in ("run", "runs", "job", "jobs", "fleet"):
                await page.js("history.back()")
                await page.until(f"document.querySelector('.view.{view} h1')")
            for wrong, why in (("nowhere", "no such page"), ("constructor", "no such page")):
                await page.js(f"location.hash = '#/{wrong}'")
                await page.until(f"document.querySelector('[role=alert]')?.textContent.includes('{why}')")
                await page.js("location.hash = '#/'")
                await page.until("document.querySelector('.view.fleet .map')")


async def test_what_the_service_refuses_is_said_and_one_goes_on(workshop: Workshop, browser: Browser) -> None:
    async with workshop.serving() as served:
        page = await browser.page()
        await page.open(f"{served.client.base_url}/")
        await page.until("document.querySelector('.view.fleet .map')")
        for wrong, why in (("fleet?job=x", "no job of that name"), ("run?name=x", "no run of that name")):
            await page.js(f"location.hash = '#/{wrong}'")
            await page.until(f"document.querySelector('[role=alert]')?.textContent.includes('{why}')")
            await page.js("location.hash = '#/'")
            await page.until("document.querySelector('.view.fleet .map')")
        assert [line for line in page.said if "404" not in line] == []  # the browser notes these itself
        await page.close()


async def test_the_page_is_walked_by_keyboard_alone(workshop: Workshop, browser: Browser) -> None:
    async with (
        Workshop.opened(workshop.folder, REFUSED, hosts=9) as fleet,
        fleet.serving() as served,
    ):
        await served.round()
        async with opened(served, browser) as page:
            await page.press("Tab")
            assert await page.js("document.activeElement.className") == "skip"
            await page.press("Enter")
            assert await page.js("document.activeElement.id") == "main"
            for _ in range(20):
                await page.press("Tab")
                if await page.js("document.activeElement.classList.contains('map')"):
                    break
            assert await page.js("document.activeElement.getAttribute('aria-label')") == (
                "Map of 9 targets of health, health"
            )
            await page.press("ArrowRight")
            assert "127.1.0.1" in await page.js("document.querySelector('.told').textContent")
            await page.press("f")
            told = await page.js("document.querySelector('.told').textContent")
            assert "127.1.0.2" in told and "connect.refused" in told
            await page.press("Enter")
            assert "127.1.0.2" in await page.until("document.querySelector('.view.target h1')?.textContent")
            assert await page.js("document.activeElement.tagName") == "H1"
            await page.press("/", *"127.1.0.5", "Enter")
            await page.until("document.querySelector('.view.search tbody')?.rows.length === 1")


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (900, True), (1600, False)])
async def test_the_page_fits_the_width(workshop: Workshop, browser: Browser, width: int, dark: bool) -> None:
    """No view is wider than the window; wide tables scroll in boxes of their own."""
    async with workshop.serving() as served:
        run = (await served.round())["run"]
        async with opened(served, browser, width=width, dark=dark) as page:
            for route in (
                "",
                "jobs",
                "job?name=health",
                f"run?name={run}",
                "search",
                f"target?id={workshop.hosts[0]}",
            ):
                await page.js(f"location.hash = '#/{route}'")
                view = route.partition("?")[0] or "fleet"
                await page.until(f"document.querySelector('.view.{view} h1')")
                assert await page.js("document.scrollingElement.scrollWidth <= innerWidth"), route
            lightness = (
                "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)[0] < 128"
            )
            assert await page.js(lightness) is dark


async def test_no_text_of_a_host_does_anything(workshop: Workshop, browser: Browser) -> None:
    hosts = [
        {"targets": [url], "labels": {"site": "".join(filter(str.isprintable, text)), "rack": str(at % 2)}}
        for at, (url, text) in enumerate(zip(workshop.hosts, HOSTILE, strict=False))
    ]
    workshop.write("hosts.json", json.dumps(hosts))
    config = workshop.config.replace("hosts.txt", "hosts.json")
    async with workshop.serving(config) as served:
        run = "20261122-1542-bad"
        members = [target.id for target in served.service.desk.ready.jobs["health"].members]
        assert len(members) == len(HOSTILE)
        await stored(served, workshop, run, lambda record: poisoned(record, members))
        async with opened(served, browser) as page:
            views = (
                "fleet?by=site",
                "fleet?by=rack&colour=kind",
                "fleet?colour=%3Cscript%3E",
                "runs",
                "search",
            )
            asked = ("job?name=health", f"run?name={run}", "search?q=%3Cscript%3Ewindow.fired=8%3C/script%3E")
            routes = [*views, *asked, *(f"target?id={member}" for member in members)]
            for route in routes:
                await page.js(f"location.hash = {json.dumps('#/' + route)}")
                await page.until(f"document.querySelector('.view.{route.partition('?')[0]} h1')")
                await page.until("!document.querySelector('.waiting')")
                await page.js("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
                assert await page.js("window.fired ?? null") is None, route
                text, odd = await page.js(
                    "[document.body.innerText, [...document.querySelectorAll('script:not([src]), iframe, img,"
                    " object, a[href^=javascript], [onerror], [onload]')].map((each) => each.outerHTML)]"
                )
                assert odd == [], route
                assert not re.search("[\x00\x07\x1b\u200b\u2028\u202e\u2066]", text), route
                assert "A" * 500 not in text, route


def steps(record: dict[str, Any], firmware: str, drives: list[str]) -> dict[str, Any]:
    """The outcome with a manager that has a firmware and a reading, and with drives."""
    manager = {"@key": "BMC", "firmware": firmware, "celsius": len(drives) * 10.5}
    told = {"manager": [manager], "drive": [{"@key": name, "capacity": 5} for name in drives]}
    return {**record, "steps": {name: {"complete": True, "rows": rows} for name, rows in told.items()}}


def poisoned(record: dict[str, Any], members: list[str]) -> dict[str, Any]:
    """An outcome in which everything that a host or a description may say is a hostile text."""
    at = members.index(record["id"])
    text = HOSTILE[at]
    failure = {"kind": "http.status", "message": text, "step": text, "uri": text, "attempts": 1}
    status = ("failed", "partial", "ok")[at % 3]
    return {
        **record, "proxy": text, "status": status, "failure": failure if status == "failed" else None,
        "errors": [failure], "skipped": [{"step": text, "why": text}],
        "steps": {text: {"complete": False, "rows": [{"@uri": text, "@key": text, text: text}]}},
        "checks": [{"check": text, "result": "fail", "severity": text, "row": [text, 0], "message": text}],
        "violations": [{"pointer": text, "rule": text, "uri": text}], "samples": [[text, {text: text}, 1.0]],
        "tls": {"not_after": text, "sha256": text, "self_signed": True}, "notes": {text: 1},
    }  # fmt: skip


async def stored(served: Served, workshop: Workshop, run: str, edit: Any) -> None:
    """Have the history know a recorded run of the job's members."""
    desk = served.service.desk
    members = list(desk.ready.jobs["health"].members)
    path = workshop.folder / "state" / "runs" / "health" / run

    numbers = itertools.count()

    def given(record: dict[str, Any]) -> dict[str, Any]:
        member = members[next(numbers)]
        told = {"id": member.id, "target": member.url, "labels": dict(member.labels), "pipeline": "health"}
        return edit({**record, **told})

    def store() -> None:
        started = 1_790_000_000.0 + len(desk.history.runs())
        record_run(path, hosts=len(members), troubles=(), edit=given)
        desk.history.begin_run(run, "health", "health", path, "request", started)
        row = desk.history.run(run)
        assert row is not None
        while desk.history.take_in(row, path / "outcomes.jsonl").states:
            pass
        desk.history.end_run(run, "complete", ended=started + 5.0, total=len(members))

    await anyio.to_thread.run_sync(store)
