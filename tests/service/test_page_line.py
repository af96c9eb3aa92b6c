"""The page and its service over a working day: passwords and TLS between them, restarts, other
configurations, another version. A tab is opened once, and left open."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import Popen

import anyio
import bcrypt
import pytest
import trustme
from ports import free_port
from served import PATIENCE, Workshop, until
from test_page import COUNTS, opened, summed

import fleet
from benchmarks.rig.browser import Browser, Page

pytestmark = pytest.mark.long


@asynccontextmanager
async def left_open(browser: Browser, url: str) -> AsyncIterator[Page]:
    """A tab whose service may go away: then the browser complains of connections, as it should."""
    page = await browser.page()
    await page.open(url)
    await page.until("document.querySelector('.view.fleet .map') && document.querySelector('#line.live')")
    yield page
    assert [said for said in page.said if "net::ERR_" not in said] == []
    await page.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_the_page_is_used_behind_a_password(workshop: Workshop, browser: Browser, tls: bool) -> None:
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    text = f"basic_auth_users: {{ops: '{hashed}'}}\n"
    if tls:
        text += "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(workshop.folder / "server.key")
        (workshop.folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    workshop.write("web.yaml", text)
    config = workshop.config + "webConfig: web.yaml\n"
    async with workshop.serving(config, auth=("ops", "right"), verify=False) as served:
        assert str(served.client.base_url).startswith("https:" if tls else "http:")
        page = await browser.page()
        await page.log_in("ops", "right")
        await page.open(f"{served.client.base_url}/")
        await page.until("document.querySelector('.view.fleet .map') && document.querySelector('#line.live')")
        assert await summed(page) == {"none": len(workshop.hosts)}
        await page.js("location.hash = '#/job?name=health'")
        await page.until("document.querySelector('.view.job .act')")
        await page.click(".act")  # a POST
        await page.until("document.querySelector('.view.job .state.complete')")  # told by events
        await page.js("location.hash = '#/'")
        await page.until("document.querySelector('.view.fleet .map')")
        assert await summed(page) == {"ok": len(workshop.hosts)}
        assert page.said == []
        await page.close()


async def test_a_restart_of_the_service_is_told_and_made_good(workshop: Workshop, browser: Browser) -> None:
    """What happens while the line is down is on the page once it stands again, without a reload."""
    config = workshop.config.replace("127.0.0.1:0", f"127.0.0.1:{free_port()}")
    async with workshop.serving(config) as served:
        url = str(served.client.base_url)
        closing = left_open(browser, url)
        page = await closing.__aenter__()
        await page.js("window.same = true")
        assert await summed(page) == {"none": len(workshop.hosts)}
    await page.until("document.querySelector('#line.lost')?.textContent.includes('no connection')")
    async with workshop.serving(config) as served:
        await served.round()
        await page.until("document.querySelector('#line.live')")
        await page.until(f"{COUNTS}.none === 0")
        assert await summed(page) == {"ok": len(workshop.hosts)}
        assert await page.js("window.same") is True
        await closing.__aexit__(None, None, None)


async def test_another_configuration_is_taken_up_and_a_bad_one_is_told(
    workshop: Workshop, browser: Browser
) -> None:
    async with workshop.serving() as served, opened(served, browser) as page:
        await page.until("document.querySelector('#line.live')")
        await page.js("window.same = true")
        more = workshop.config.replace("    caFile", "    timeouts: {target: 9s}\n    caFile")
        more += (
            more[more.index("  health:") :].replace("health:", "heat:").replace("[health]", "[thermal_power]")
        )
        workshop.write("serve.yaml", more)
        scans = "[...document.querySelectorAll('.choice option')].map((each) => each.value)"
        await page.until(f"{scans}.includes('heat/thermal_power')")
        workshop.write("serve.yaml", more.replace("pipelines:", "pipeline:"))
        told = await page.until("document.querySelector('#notice:not([hidden])')?.textContent")
        assert "not taken" in told and "pipeline" in told and "serve.yaml" in told
        async with opened(served, browser, "#/jobs") as other:  # who comes later is told too
            await other.until("document.querySelector('#notice:not([hidden])')")
        workshop.write("serve.yaml", more)
        await page.until("document.querySelector('#notice').hidden")
        await page.js("location.hash = '#/fleet?job=heat'")
        await page.until("document.querySelector('[aria-label$=thermal_power]')")
        workshop.write("serve.yaml", workshop.config)  # the job that is looked at goes
        await page.until(
            "document.querySelector('[role=alert]')?.textContent.includes('no job of that name')"
        )
        assert await page.js("window.same") is True
        page.said[:] = [said for said in page.said if "404" not in said]


async def test_a_tab_of_an_older_version_is_loaded_anew(workshop: Workshop, browser: Browser) -> None:
    """By a copy of the package whose page differs in one file."""
    port = free_port()
    config = workshop.config.replace("127.0.0.1:0", f"127.0.0.1:{port}")
    copy = workshop.folder / "newer"
    shutil.copytree(Path(fleet.__file__).parent, copy / "fleet", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(fleet.__file__).parents[1] / "configs", copy / "configs")
    with (copy / "fleet/service/dashboard/static/page.css").open("a") as style:
        style.write(":root { --newer: yes; }\n")
    newer = "getComputedStyle(document.documentElement).getPropertyValue('--newer').trim()"
    async with workshop.serving(config) as served:
        url = str(served.client.base_url)
        closing = left_open(browser, f"{url}/#/fleet?by=site")
        page = await closing.__aenter__()
        assert await page.js(newer) == ""
        loaded = anyio.Event()
        page.listeners["Page.loadEventFired"] = lambda _params: loaded.set()
    command = [sys.executable, "-c", "from fleet.cli import main; main()", "serve", "--config", "serve.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    with (workshop.folder / "newer.log").open("w") as log:
        process = Popen(command, cwd=workshop.folder, env=environment, stdout=log, stderr=log)
    try:
        await until(lambda: _listens(port))
        with anyio.fail_after(PATIENCE):
            await loaded.wait()
        await page.until(f"{newer} === 'yes' && document.querySelector('#line.live')")
        assert await page.js("location.hash") == "#/fleet?by=site"
        await page.until("document.querySelector('.view.fleet .map')")
        await closing.__aexit__(None, None, None)
    finally:
        process.terminate()
        await anyio.to_thread.run_sync(process.wait)


async def _listens(port: int) -> bool:
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)
    except OSError:
        return False
    await stream.aclose()
    return True
