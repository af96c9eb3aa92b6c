"""Lists page by page: whole, in order, whatever comes and goes between two pages."""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import Any

import pytest
from served import Served, Workshop

LISTS = ("targets", "runs", "changes")


@pytest.fixture
def hosts() -> int:
    return 10


async def read(served: Served, path: str, key: str, limit: int = 2, **query: Any) -> list[Any]:
    """All pages of a list."""
    found: list[Any] = []
    query["limit"] = limit
    while True:
        page = await served.get(path, params=query)
        assert len(page[key]) == limit or page["next"] is None
        found += page[key]
        if page["next"] is None:
            return found
        query["page"] = page["next"]


async def test_pages_follow_each_other_and_end(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        run = (await served.round())["run"]
        for _ in range(3):
            await served.round()
        for path, key, size in (
            (f"/api/v1/runs/{run}/outcomes", "outcomes", 10),
            ("/api/v1/targets", "targets", 10),
            ("/api/v1/runs", "runs", 4),
        ):
            for limit in (1, 2, size, size + 1):
                found = [json.dumps(each, sort_keys=True) for each in await read(served, path, key, limit)]
                assert len(found) == len(set(found)) == size, (path, limit)


async def test_what_stays_is_on_one_page_whatever_comes_and_goes(workshop: Workshop) -> None:
    """The entry that a page ended with goes, others before and behind it come."""
    names = [f"bmc{number}" for number in range(1, 13)]
    fleet = dict(zip(names, [*workshop.hosts, "127.9.0.1", "127.9.0.2"], strict=True))

    def put(some: list[str]) -> None:
        workshop.write("hosts.txt", "".join(f"{fleet.get(name, name)} id={name}\n" for name in some))

    put(names)
    async with workshop.serving() as served:
        first = await served.get("/api/v1/targets", params={"limit": 4})
        assert [target["id"] for target in first["targets"]] == names[:4]
        assert (first["total"], first["passed"], first["previous"]) == (12, 0, None)
        there = ["127.9.1.1", "127.9.1.2", *names[2:3], *reversed(names[4:9]), *names[10:], "127.9.1.3"]
        put(there)
        assert (await served.ask("/-/reload")).status_code == 200

        rest = await read(served, "/api/v1/targets", "targets", page=first["next"])
        assert [target["id"] for target in rest] == [*names[4:9], *names[10:]]

        middle = await served.get("/api/v1/targets", params={"limit": 2, "page": first["next"]})
        assert (middle["total"], middle["passed"]) == (len(there), 4)
        back = await served.get("/api/v1/targets", params={"limit": 3, "page": middle["previous"]})
        assert [target["id"] for target in back["targets"]] == ["127.9.1.2", "127.9.1.3", "bmc3"]
        back = await served.get("/api/v1/targets", params={"limit": 3, "page": back["previous"]})
        assert back["passed"] == 0 and len(back["targets"]) == 3 and back["previous"] is None

        put(names[:1])
        assert (await served.ask("/-/reload")).status_code == 200
        beyond = await served.get("/api/v1/targets", params={"limit": 2, "page": first["next"]})
        assert (beyond["targets"], beyond["next"], beyond["passed"]) == ([], None, 1)
        back = await served.get("/api/v1/targets", params={"limit": 2, "page": beyond["previous"]})
        assert [target["id"] for target in back["targets"]] == ["bmc1"]


async def test_runs_that_began_at_one_moment_are_all_there(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for _ in range(3):
            await served.round()
    with sqlite3.connect(workshop.folder / "state" / "history.db") as database:
        database.execute("UPDATE runs SET started = (SELECT max(started) FROM runs)")
    database.close()
    async with workshop.serving() as served:
        found = [run["run"] for run in await read(served, "/api/v1/runs", "runs", 1)]
        assert len(found) == 3 and found == sorted(found, reverse=True)


async def test_a_mark_is_short_and_new_names_do_not_move_it(workshop: Workshop) -> None:
    long = ["x" * 1900 + str(number) for number in range(3)]
    lines = [f"127.9.2.{at} id={name}" for at, name in enumerate([*long, "ü" * 900, "1" * 1500, "é"])]
    workshop.write("hosts.txt", "\n".join(lines) + "\n")
    async with workshop.serving() as served:
        seen, query = [], {"limit": "1"}
        while True:
            page = await served.get("/api/v1/targets", params=query)
            seen += [target["id"] for target in page["targets"]]
            if page["next"] is None:
                break
            assert len(page["next"]) < 1000
            query["page"] = page["next"]
        assert len(seen) == len(set(seen)) == 6 and {*long} < {*seen}


NO_MARKS = [
    "", "100", "0", "nan", "\0", "W10", "bnVsbA", "a" * 3000,
    *(
        base64.urlsafe_b64encode(json.dumps(made).encode()).decode()
        for made in (
            ["targets", "+"], ["targets", "x", "a", "b", "c"], ["targets", "+", 1, 2, 3], {"targets": "+"},
            ["runs", "+", 1e400, "r"], ["runs", "+", True, "r"], ["changes", "+", 2**63],
            ["changes", "+", 1.5],
        )
    ),
]  # fmt: skip


async def test_what_is_no_mark_of_a_list_is_refused(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for name in LISTS:
            for page in NO_MARKS:
                reply = await served.client.get(f"/api/v1/{name}", params={"page": page})
                assert reply.status_code == 400 and "page" in reply.json()["error"], (name, page)


async def test_a_mark_of_one_list_is_none_of_another(workshop: Workshop) -> None:
    async with workshop.serving() as served:
        for _ in range(2):
            await served.round()
        marks = {}
        for name in ("targets", "runs"):
            marks[name] = (await served.get(f"/api/v1/{name}", params={"limit": 1}))["next"]
        for name, other in (("runs", "targets"), ("changes", "runs"), ("targets", "runs")):
            reply = await served.client.get(f"/api/v1/{name}", params={"page": marks[other]})
            assert reply.status_code == 400, name


async def test_a_parameter_that_is_not_known_is_said(workshop: Workshop) -> None:
    """Passed over, a filter that is misspelt would answer with everything, and a position with page one."""
    async with workshop.serving() as served:
        for path, word in (
            ("/api/v1/targets?after=100", "`page` goes on"),
            ("/api/v1/targets?offset=100", "`page` goes on"),
            ("/api/v1/runs?before=1764331200.25", "`page` goes on"),
            ("/api/v1/changes?before=17", "`page` goes on"),
            ("/api/v1/targets?stauts=failed", "status"),
            ("/api/v1/failures?limit=1", "takes job, pipeline"),
            ("/api/v1/status?verbose=1", "takes none"),
        ):
            reply = await served.client.get(path)
            assert reply.status_code == 400 and word in reply.json()["error"], path
