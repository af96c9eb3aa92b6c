"""What judges and shows the measurements: budgets, profiles, the page."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import __main__ as everything
from benchmarks.figures import results
from benchmarks.figures.check import BUDGETS, Verdict, verdicts
from benchmarks.figures.plot import LABELS, smooth
from benchmarks.figures.tables import MARKED, PAGE, TABLES
from benchmarks.profile import LOOP, placed, room_of, table
from benchmarks.rig import process
from benchmarks.workload import SIDES

APART = {"instructions", "scale"}  # one needs valgrind, one is as long as all others together


W = tomllib.loads(BUDGETS.read_text())["workload"]


def of(name: str, known: dict[tuple[str, str, str], float], *, aim: bool = False) -> dict[str, Verdict]:
    return {verdict.what: verdict for verdict in verdicts(name, known) if verdict.aim is aim}


def test_a_peer_that_costs_enough_more_keeps_the_budget_and_one_that_does_not_breaks_it() -> None:
    ours = {("https", "cpu", "fleet"): 1.0, ("http", "cpu", "fleet"): 1.0}
    enough = W["against"]["aiohttp"]
    peer = {("https", "cpu", "aiohttp"): enough["https"], ("http", "cpu", "aiohttp"): enough["http"] - 0.01}
    found = of("workload", {**ours, **peer})
    kept, broken = (found[f"{scheme}: CPU of aiohttp by ours"] for scheme in ("https", "http"))
    assert (kept.good, kept.broken) == (True, False)
    assert (broken.good, broken.broken) == (False, True)


def test_what_may_cost_no_more_than_so_many_times_another_is_bounded_from_above() -> None:
    curl = {("https", "cpu", "curl"): 1.0}
    most, what = W["within"]["curl"]["https"], "https: our CPU by that of curl"
    assert of("workload", {**curl, ("https", "cpu", "fleet"): most + 0.01})[what].broken
    assert of("workload", {**curl, ("https", "cpu", "fleet"): most})[what].good


def test_a_goal_is_reported_and_never_judged() -> None:
    wanted, what = W["goals"]["against"]["aiohttp"]["https"], "https: CPU of aiohttp by ours"
    known = {("https", "cpu", "fleet"): 1.0, ("https", "cpu", "aiohttp"): wanted - 0.01}
    missed = of("workload", known, aim=True)[what]
    assert (missed.good, missed.broken) == (False, False)
    assert of("workload", {("https", "cpu", "fleet"): 1.0}, aim=True) == {}


def test_a_goal_is_more_than_its_budget() -> None:
    for side, rows in W["goals"]["against"].items():
        assert all(wanted > W["against"][side][row] for row, wanted in rows.items())
    for side, rows in W["goals"]["within"].items():
        assert all(wanted < W["within"][side][row] for row, wanted in rows.items())


def test_what_was_not_measured_is_neither_kept_nor_broken() -> None:
    found = of("workload", {("https", "cpu", "fleet"): 1.0})["https: CPU of httpx by ours"]
    assert (found.value, found.good, found.broken) == (None, None, False)
    assert "not measured" in str(found)


def test_an_aim_is_reported_and_never_judged() -> None:
    missed = of("memory", {("late", "peak", "fleet"): 101.0}, aim=True)["peak of late"]
    assert (missed.good, missed.broken) == (False, False)
    assert "missed" in str(missed)


def test_rates_are_bounded_from_below_and_counts_are_judged() -> None:
    assert of("loop", {("loop", "rate", "fleet"): 24_999.0}, aim=True)["rate of loop"].good is False
    assert of("memory", {("open", "open", "fleet"): 0.99})["open of open"].broken
    assert of("workload", {("http", "connections", "fleet"): 1.2})["connections of http"].broken


def test_a_side_of_ours_is_judged_by_another_and_by_the_best_of_the_others() -> None:
    wall = {("http", "wall", "1"): 14.0, ("http", "wall", "2"): 10.0}
    assert of("workers", wall)["http: wall of 2 by that of 1"].broken
    rates = {("lan", "rate", "auto"): 84.0, ("lan", "rate", "64"): 100.0, ("lan", "rate", "16"): 50.0}
    assert of("concurrency", rates)["lan: rate of auto by the best of the others"].broken


def test_every_budget_is_of_a_sort_that_is_judged() -> None:
    sorts = {
        "least",
        "against",
        "within",
        "between",
        "best",
        "most",
        "reach",
        "counts",
        "aims",
        "goals",
        "by",
    }
    used = {sort for section in tomllib.loads(BUDGETS.read_text()).values() for sort in section}
    assert used <= sorts


def test_another_side_of_ours_has_budgets_of_its_own() -> None:
    least = W["by"]["rustls"]["against"]["aiohttp"]["https"]
    known = {
        ("https", "cpu", "fleet"): 2.0,
        ("https", "cpu", "rustls"): 1.0,
        ("https", "cpu", "aiohttp"): least,
    }
    what = "https: CPU of aiohttp by that of rustls"
    assert of("workload", known)[what].good
    assert of("workload", known | {("https", "cpu", "rustls"): 1.01})[what].broken


@pytest.mark.parametrize("section", ["workload", "workload-quick"])
def test_budgets_name_sides_that_are_measured(section: str) -> None:
    budgets = tomllib.loads(BUDGETS.read_text())[section]
    of_ours = budgets.get("by", {})
    held = [budgets, *of_ours.values()]
    named = {side for part in held for sort in ("against", "within") for side in part.get(sort, {})} | {
        *of_ours
    }
    assert named
    assert {side for side in named if side in SIDES} == named
    if section.endswith("quick"):
        assert all(SIDES[side].quick for side in named)


def test_every_comparison_is_run_by_make_bench() -> None:
    folder = Path(everything.__file__).parent
    runnable = {file.stem for file in folder.glob("*.py") if 'if __name__ == "__main__"' in file.read_text()}
    assert runnable - {*everything.COMPARISONS} - APART == {"__main__"}


def test_what_comparisons_take_of_fleet_is_there() -> None:
    """Much of it is imported where it is used: a name that is gone would end a comparison half an hour on."""
    for file in Path(everything.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fleet":
                module = import_module(node.module or "")
                gone = {one.name for one in node.names if not hasattr(module, one.name)}
                assert not gone, (file.name, node.module, gone)


def test_a_sample_counts_for_our_innermost_function_and_the_library_beyond_it() -> None:
    ssl, ours = "/usr/lib/python3.11/ssl.py:SSLSocket.send", "/x/fleet/client/wire/channel.py:Channel.send"
    loop = "/usr/lib/python3.11/asyncio/base_events.py:BaseEventLoop.run_forever"
    above = "/x/fleet/cli/scanning/run.py:run_scan"
    assert placed(f"{ssl};{ours};{loop};{above}") == ("client/wire/channel.Channel.send", "ssl")
    assert placed(f"/usr/lib/python3.11/selectors.py:EpollSelector.select;{loop};{above}") == (
        LOOP,
        "selectors",
    )
    packed = "/v/lib/python3.11/site-packages/anyio/abc.py:run"
    assert placed(f"{packed};{ours};{loop}") == ("client/wire/channel.Channel.send", "anyio")


def test_rooms_are_packages_and_the_parts_of_those_that_have_parts() -> None:
    assert room_of("client/wire/channel.Channel.send") == "client/wire"
    assert room_of("client/endpoint.Endpoint.parse") == "client"
    assert room_of("outcome.Outcome") == "outcome"
    assert room_of(LOOP) == LOOP


def test_a_profile_adds_up_and_stands_beside_an_earlier_one() -> None:
    after = [{"row": "pace/gate.f", "beyond": "", "cpu": 3e-6}, {"row": LOOP, "beyond": "", "cpu": 1e-6}]
    before = [{"row": "engine/scan.g", "beyond": "", "cpu": 9e-6}]
    lines = list(table(after, before, rooms=True, rows=9))
    assert lines[2:] == [
        "| engine | 0.0 | 0.0% | 9.0 |",
        "| pace | 3.0 | 75.0% | 0.0 |",
        f"| {LOOP} | 1.0 | 25.0% | 0.0 |",
        "| together | 4 | | 9 |",
    ]


def test_the_page_asks_for_tables_that_there_are_and_shows_its_chart() -> None:
    page = PAGE.read_text(encoding="utf-8")
    wanted = [mark[2] for mark in MARKED.finditer(page)]
    assert len(wanted) > 5
    assert len(wanted) == len(set(wanted)) == page.count("<!-- figures:") == page.count("<!-- end -->")
    assert set(wanted) <= {*TABLES}
    for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page):
        assert (PAGE.parent / picture).stat().st_size < 100_000


def test_every_side_has_a_label_in_the_chart() -> None:
    assert list(LABELS) == list(SIDES)


def test_bursts_are_smoothed_to_the_same_mean() -> None:
    assert smooth([3, 0, 0, 3, 0]) == [(1, 1.0), (2, 1.0), (3, 1.0)]


def test_a_process_is_measured_and_watched_while_it_runs(tmp_path: Path) -> None:
    code = "kept = bytearray(30_000_000); sum(range(10**6)); print('said')"
    taken = process.run(
        [sys.executable, "-c", code],
        tmp_path,
        watch=lambda number: {"rss": process.resident(number)},
        every=0.01,
    )
    assert taken.cpu > 0
    assert taken.peak > 30
    assert "said" in taken.said
    assert [*taken.seen[0]] == ["rss"]
    with pytest.raises(SystemExit, match="ended with 3"):
        process.run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_a_line_says_what_it_was_measured_with() -> None:
    assert {"date", "cores", "python", "openssl", "load", "server"} <= {*results.about(server="s")}
