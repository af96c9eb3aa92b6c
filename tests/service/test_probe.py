"""`/probe`: members alone, whatever they are called; one flight for all who ask; in time for the scraper."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from shutil import which

import anyio
import pytest
from served import Served, Workshop

from fleet.sim import Fault


def values(text: str) -> dict[str, float]:
    """The series of a page."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_a_probe_gives_what_the_target_says(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        page = await served.client.get("/probe", params={"target": workshop.hosts[0]})
        assert page.status_code == 200
        found = values(page.text)
        assert found["probe_success"] == 1 and found["fleet_probe_age_seconds"] == 0
        assert found['fleet_probe_status{status="ok"}'] == 1
        assert 0 < found["probe_duration_seconds"] < 60
        assert any(name.startswith("redfish_system_health{") for name in found)
        assert found["fleet_probe_certificate_expiry_timestamp_seconds"] > 1e9


async def test_promtool_finds_nothing_wrong_with_any_page(workshop: Workshop) -> None:
    if which("promtool") is None:
        pytest.skip("promtool is not installed here")
    async with workshop.serving(workshop.config + NOTIFY_NOWHERE) as served:
        await served.round()
        for path in ("/metrics", f"/probe?target={workshop.hosts[0]}"):
            page = (await served.client.get(path)).content
            checked = await anyio.to_thread.run_sync(
                lambda page=page: subprocess.run(
                    ["promtool", "check", "metrics"], input=page, capture_output=True, check=False
                )
            )
            assert (checked.returncode, checked.stderr, checked.stdout) == (0, b"", b""), path


NOTIFY_NOWHERE = '\nnotify: {url: "http://127.0.0.1:9/"}\n'


async def test_a_failed_target_is_a_page_with_the_kind_of_its_failure(workshop: Workshop) -> None:
    async with Workshop.opened(workshop.folder, Fault("refuse"), hosts=1) as down, down.serving() as served:
        found = values((await served.client.get("/probe", params={"target": down.hosts[0]})).text)
        assert found["probe_success"] == 0
        assert found['fleet_probe_failure{kind="connect.refused"}'] == 1


@asynccontextmanager
async def counting_listener(host: str) -> AsyncIterator[list[str]]:
    """A listener at an address; the list has who connected."""
    came: list[str] = []

    async def take(stream: anyio.abc.SocketStream) -> None:
        came.append(str(stream.extra(anyio.abc.SocketAttribute.remote_address)))
        await stream.aclose()

    listener = await anyio.create_tcp_listener(local_host=host)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, take)
        came.append(str(listener.extra(anyio.abc.SocketAttribute.local_port)))
        yield came
        group.cancel_scope.cancel()


SPELLINGS = (
    "{host}:{port}",
    "https://{host}:{port}",
    "http://{host}:{port}/",
    "HTTPS://{host}:{port}",
    "127.1:{port}",
    "0x7f.1:{port}",
    "0x7f000001:{port}",
    "2130706433:{port}",
    "0177.0.0.1:{port}",
    "127.0.0.1.:{port}",
    "localhost:{port}",
    "LOCALHOST.:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[::ffff:7f00:1]:{port}",
    "[::1]:{port}",
    "[0:0:0:0:0:0:0:1]:{port}",
    "user:pass@{host}:{port}",
    "https://{member}@{host}:{port}",
    "{member}@{host}:{port}",
    "https://{host}:{port}#@{member}",
    "https://{host}:{port}?{member}",
    "https://{host}:{port}\\@{member}",
    "127%2E0.0.1:{port}",
    "https://127.0.0.1%3a{port}",
    "{host}:{port}/redfish",
    "127.0.0.[1-2]:{port}",
    "127.0.0.0/30",
    "hosts.txt",
    "/etc/passwd",
    "file:///etc/passwd",
    "-",
    "１２７.0.0.1:{port}",
    "127。0。0。1:{port}",
    "\x00{host}:{port}",
    " {host}:{port}",
    "{host}:{port}\r\nX: y",
    "a" * 5000,
)


async def test_no_spelling_of_a_foreign_address_opens_a_connection(workshop: Workshop) -> None:
    async with workshop.serving() as served, counting_listener("127.0.0.1") as came:
        member = workshop.hosts[0].partition("://")[2]
        for spelling in SPELLINGS:
            text = spelling.format(host="127.0.0.1", port=came[0], member=member)
            for method, path in (("GET", "/probe"), ("POST", "/api/v1/probe")):
                reply = await served.client.request(
                    method, path, params={"target": text}, headers={"X-Fleet-Request": "1"}
                )
                assert reply.status_code in (400, 403), (text, reply.text)
        assert came[1:] == []
        assert workshop.total("accepted") == 0


@pytest.mark.parametrize("change", [str.upper, lambda url: url.partition("://")[2], lambda url: url + "/"])
async def test_a_member_is_found_by_any_spelling_of_its_own(workshop: Workshop, change: object) -> None:
    async with workshop.serving() as served:
        text = change(workshop.hosts[0])  # type: ignore[operator]
        page = await served.client.get("/probe", params={"target": text})
        assert values(page.text)["probe_success"] == 1


async def test_a_target_of_another_shard_is_not_asked(workshop: Workshop) -> None:
    """Of so many hosts, with a port of chance in their names, that no part is ever empty."""
    asked = set()
    async with Workshop.opened(workshop.folder, hosts=24) as fleet:
        for shard in ("0/2", "1/2"):
            config = fleet.config.replace("state: state", f"state: state{shard[0]}\nshard: {shard}")
            async with fleet.serving(config) as served:
                for host in fleet.hosts:
                    page = await served.client.get("/probe", params={"target": host})
                    if page.status_code == 200:
                        asked.add((shard, host))
                groups = await served.get("/sd")
                assert {group["targets"][0] for group in groups} == {h for s, h in asked if s == shard}
                await served.round()
        assert sorted(host for _, host in asked) == sorted(fleet.hosts)
    assert {shard for shard, _ in asked} == {"0/2", "1/2"}


async def test_who_asks_for_the_same_meanwhile_gets_the_same_answer(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("slow", seconds=0.3), hosts=1) as slow,
        slow.serving() as served,
    ):
        pages: list[str] = []

        async def ask() -> None:
            pages.append((await served.client.get("/probe", params={"target": slow.hosts[0]})).text)

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
        durations = {values(page)["probe_duration_seconds"] for page in pages}
        assert len(pages) == 5 and len(durations) == 1
        assert slow.total("logins") == 1


async def test_a_probe_ends_before_the_scraper_gives_up(workshop: Workshop) -> None:
    async with Workshop.opened(workshop.folder, Fault("hang"), hosts=1) as mute, mute.serving() as served:
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1.2"}
        page = await served.client.get("/probe", params={"target": mute.hosts[0]}, headers=headers)
        found = values(page.text)
        assert found["probe_success"] == 0
        assert found["fleet_probe_timeout_seconds"] == pytest.approx(0.7)
        assert found['fleet_probe_failure{kind="timeout.target"}'] == 1
        for wrong in ("soon", "-1", "nan", "inf"):
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": wrong}
            page = await served.client.get("/probe", params={"target": mute.hosts[0]}, headers=headers)
            assert page.status_code == 400


async def test_a_young_outcome_of_a_round_is_told_with_its_age(workshop: Workshop) -> None:
    async with workshop.serving(workshop.config + "    maxAge: 1h\n") as served:
        run = await served.round()
        before = workshop.total("requests")
        found = values((await served.client.get("/probe", params={"target": workshop.hosts[3]})).text)
        assert found["probe_success"] == 1 and 0 < found["fleet_probe_age_seconds"] < 3600
        assert workshop.total("requests") == before
        debug = await served.client.get("/probe", params={"target": workshop.hosts[3], "debug": "true"})
        assert workshop.total("requests") > before, run
        assert "GET /redfish/v1/" in debug.text and "calvin" not in debug.text
        assert debug.headers["content-type"].startswith("text/plain")


async def test_a_credential_is_chosen_only_where_the_configuration_allows_it(workshop: Workshop) -> None:
    workshop.write("auths.yaml", TWO_AUTHS)
    target = workshop.hosts[0]
    async with workshop.serving() as served:
        page = await served.client.get("/probe", params={"target": target, "auth": "other"})
        assert page.status_code == 403 and "probe.auths" in page.json()["error"]
    async with workshop.serving(workshop.config + "probe: {auths: [other, nobody]}\n") as served:
        page = await served.client.get("/probe", params={"target": target, "auth": "other"})
        assert values(page.text)["probe_success"] == 1
        page = await served.client.get("/probe", params={"target": target, "auth": "nobody"})
        assert page.status_code == 400


TWO_AUTHS = """
auths:
  lab: {username: root, password: env:BMC_PASSWORD, default: true}
  other: {username: root, password: env:BMC_PASSWORD, match: "site=nowhere"}
"""


async def test_more_probes_than_allowed_are_told_to_come_again(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("hang"), hosts=3) as mute,
        mute.serving(mute.config + "probe: {concurrency: 2}\n") as served,
    ):
        statuses: list[int] = []

        async def ask(host: str) -> None:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": "2"}
            reply = await served.client.get("/probe", params={"target": host}, headers=headers)
            statuses.append(reply.status_code)

        async with anyio.create_task_group() as group:
            for host in mute.hosts:
                group.start_soon(ask, host)
        assert sorted(statuses) == [200, 200, 503]


async def test_what_is_missing_or_unknown_is_said(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        assert (await served.client.get("/probe")).status_code == 400
        await _refused(served, {"target": workshop.hosts[0], "pipeline": "nope"}, "health")
        await _refused(served, {"target": workshop.hosts[0], "job": "nope"}, "there is no job")


async def _refused(served: Served, query: dict[str, str], word: str) -> None:
    reply = await served.client.get("/probe", params=query)
    assert reply.status_code == 400 and word in reply.json()["error"]
