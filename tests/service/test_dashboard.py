"""The page's files, and what the API tells for its sake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from served import Workshop

from fleet.service.dashboard.files import read_page
from fleet.service.http.search import Search
from fleet.service.store.state import TargetState
from fleet.sim import Fault
from fleet.target import Target


async def test_files_are_kept_for_ever_and_the_page_is_asked_for_each_time(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        front = await served.client.get("/")
        assert front.headers["cache-control"] == "no-cache"
        assert "trusted-types 'none'" in front.headers["content-security-policy"]
        again = await served.client.get("/", headers={"If-None-Match": front.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        names = re.findall(r'(?:src|href)="(/page/[^"]+)"', front.text)
        assert len(names) > 3
        for name in names:
            file = await served.client.get(name)
            assert file.status_code == 200 and "immutable" in file.headers["cache-control"], name
        stale = re.sub(r"/page/[0-9a-f]+/", f"/page/{'0' * 16}/", names[0])
        assert (await served.client.get(stale)).status_code == 404
        for outside in ("../files.py", "..%2ffiles.py", "index.html", ""):
            reply = await served.client.get(names[0].rpartition("/")[0] + "/" + outside)
            assert reply.status_code == 404, outside


def test_the_address_of_the_files_changes_with_any_of_them(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="{{page}}/a.js"></script>', encoding="utf-8")
    (tmp_path / "a.js").write_text("1", encoding="utf-8")
    one = read_page(tmp_path)
    assert one.front.content == f'<script src="/page/{one.digest}/a.js"></script>'.encode()
    assert list(one.files) == ["a.js"]
    (tmp_path / "a.js").write_text("2", encoding="utf-8")
    assert read_page(tmp_path).digest != one.digest


def test_nothing_of_the_page_is_elsewhere_and_nothing_parses_markup() -> None:
    """It works offline, and no module has a way to make markup of a text."""
    page = read_page()
    for name, file in page.files.items():
        text = file.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://[a-z]", text), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text), name
        assert len(text.splitlines()) < 300, name
    used = set(
        re.findall(r'from "\./([a-z]+\.js)"', "".join(f.content.decode() for f in page.files.values()))
    )
    assert used | {"main.js"} == {name for name in page.files if name.endswith(".js")}


async def test_the_last_two_outcomes_of_a_target(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        first = {"target": workshop.hosts[0]}
        told = await served.get("/api/v1/outcome", params=first)
        assert (told["outcome"], told["previous"], told["differences"]) == (None, None, None)
        runs = [(await served.round())["run"] for _ in range(2)]
        told = await served.get("/api/v1/outcome", params=first)
        assert [told["previous"]["run"], told["outcome"]["run"]] == runs
        assert {told["previous"]["id"], told["outcome"]["id"]} == {workshop.hosts[0]}
        foreign = await served.client.get("/api/v1/outcome", params={"target": "https://192.0.2.1"})
        assert foreign.status_code == 403


async def test_the_report_of_a_run(workshop: Workshop) -> None:
    async with (
        Workshop.opened(workshop.folder, Fault("connect.refused", match="127.1.0.2"), hosts=4) as fleet,
        fleet.serving() as served,
    ):
        run = await served.round()
        told = await served.get(f"/api/v1/runs/{run['run']}/report")
        assert told["report"]["statuses"] == run["statuses"] and run["statuses"]["failed"] == 1
        assert sum(sum(b["statuses"].values()) for b in told["report"]["latency"]["buckets"]) == 4
        routes = {line["route"]: line for line in told["routes"]}
        assert sum(line["requests"] for line in routes.values()) > 12
        assert all(line["mean"] > 0 and line["p90"] > 0 for line in routes.values())
        assert await served.get(f"/api/v1/runs/{run['run']}/report") == told  # not read again
        assert (await served.client.get("/api/v1/runs/nowhere/report")).status_code == 404


@pytest.mark.parametrize("hosts", [10])
async def test_a_map_groups_by_a_label_that_tells_places_apart(workshop: Workshop) -> None:
    lines = [f"{url} serial=s{at} rack=r{at % 2} all=same\n" for at, url in enumerate(workshop.hosts)]
    workshop.write("hosts.txt", "".join(lines))
    async with workshop.serving() as served:
        told = await served.get("/api/v1/map", params={"by": "*"})
        assert (told["by"], told["group"]) == ("rack", ["r0", "r1"] * 5)
        assert told["labels"] == ["serial", "rack", "all"]
        assert (await served.get("/api/v1/map"))["by"] is None


def searched(text: str, **values: float) -> bool:
    target = Target("https://10.0.0.7", "https://10.0.0.7", labels={"site": "a", "Model": "PowerEdge R760"})
    state = TargetState(
        job="j", pipeline="p", id=target.id, url=target.url, status="ok", run="r", at=0.0, seconds=0.0,
        values=values,
    )  # fmt: skip
    return Search(text).fits(target, state)


def test_a_search_takes_texts_labels_and_bounds() -> None:
    hot = {"redfish_temperature_celsius": 45.0}
    assert searched("") and searched("10.0.0") and searched("site=a") and searched("SITE=A")
    assert searched("poweredge r760") and searched("r760 site=a") and searched("model=poweredge r7")
    assert searched("temperature>40", **hot) and searched("site=a temperature<=45 celsius!=1", **hot)
    assert not searched("temperature>45", **hot) and not searched("temperature>40")
    assert not searched("site=b") and not searched("site=a 10.0.0.8") and not searched("(", **hot)
