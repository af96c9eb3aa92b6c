"""The recorded week through the command line: each command names what was planted, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import pytest
from planted import BROKEN, CURRENT, ENDED, HEALTHY, OLD, UNLISTED, WAIVED, WAIVERS
from recorded import MODELS
from week import (
    ALONE,
    EXPIRED,
    FAILING,
    FIRST,
    GONE,
    INCOMPLETE,
    LONE_TYPE,
    NAMELESS,
    NEW,
    ODD_MODE,
    REFUSED,
    SECOND,
    STANDING,
    SWITCHED,
    UNREAD,
    UPDATED,
    Week,
    names,
)

from fleet.cli.entry import run
from fleet.inventory import read_targets
from fleet.report import short_name

Say = Callable[..., str]
JUDGE_AGAIN = ("--spec", "policy.yaml")
PRESENT = frozenset(range(5003)) - set(GONE)  # in the second run
JUDGED = PRESENT - UNREAD


@pytest.fixture
def say(week: Week, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """What a command writes, run where the runs are."""
    monkeypatch.chdir(week.folder)

    def said(*arguments: str, status: int = 0) -> str:
        assert run(list(arguments)) == status
        return capsys.readouterr().out

    return said


def hosts(found: Any) -> set[str]:
    """The hosts that an entry of a report names; all of them are named."""
    assert found["unnamed"] == 0
    targets = [short_name(one.url) for one in read_targets(found["hosts"], report=pytest.fail)]
    assert len(targets) == len(set(targets)) == found["targets"]
    return set(targets)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def targets(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {short_name(row["target"]) for row in rows}


def test_runs_lists_both_newest_first(say: Say) -> None:
    told = say("runs", "--format", "jsonl")
    assert [json.loads(line)["run"] for line in told.splitlines()] == [SECOND, FIRST]


def test_the_report_names_who_failed_and_why(say: Say) -> None:
    report = json.loads(say("report", "latest", "--json"))
    assert report["statuses"] == {"ok": 4605, "partial": 41, "failed": 347, "skipped": 6}
    wanted: dict[tuple[str, int | None], set[str]] = {}
    for trouble in (*STANDING, REFUSED, EXPIRED):
        wanted.setdefault((trouble.kind, trouble.status), set()).update(names(trouble.hosts()))
    assert {(one["kind"], one.get("status")): hosts(one) for one in report["failures"]} == wanted
    (gap,) = report["gaps"]
    assert (gap["kind"], hosts(gap)) == ("timeout.request", names(INCOMPLETE.hosts()))
    assert {one["name"]: one["incomplete"] for one in report["steps"]} == {
        "root": 353, "system": 353, "drive": 353 + 41, "manager": 0,
    }  # fmt: skip


def test_diff_names_what_changed(say: Say) -> None:
    diff = json.loads(say("diff", "--format", "json", status=1))
    assert (hosts(diff["new"]), hosts(diff["gone"])) == (names(NEW), names(GONE))
    assert {one["kind"]: hosts(one) for one in diff["failing"]} == {
        "connect.refused": names(REFUSED.hosts()), "tls.expired": names(EXPIRED.hosts()),
    }  # fmt: skip
    assert [hosts(one) for one in diff["gaps"]] == [names(INCOMPLETE.hosts())]
    changes = {
        (field["step"], field["field"], change["before"], change["after"]): change
        for field in diff["fields"]
        for change in field["changes"]
    }
    assert {change: hosts(found) for change, found in changes.items()} == {
        ("system", "bios", "2.18.0", "2.19.0"): names(UPDATED),
        ("system", "bios", "2.18.0", "2.17.1"): names([ALONE]),
        ("system", "power", "On", "Off"): names(SWITCHED),
    }
    outliers = {change[3]: [one["target"] for one in found["outliers"]] for change, found in changes.items()}
    assert outliers == {"2.19.0": [], "2.17.1": ["https://bmc-10-246"], "Off": []}
    for nothing in ("recovered", "otherwise", "added", "removed", "ignored", "unlike"):
        assert diff[nothing] == []
    assert diff["whole"]["targets"] == 0
    assert diff["differences"] == 3 + 4 + 37 + 41 + 213 + 5


def test_diff_lists_each_difference_once(say: Say) -> None:
    rows = table(say("diff", "previous", "latest", "--format", "csv", status=1))
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(row["what"], []).append(row)
    uncompared = found.pop("uncompared")
    assert {what: targets(listed) for what, listed in found.items()} == {
        "new": names(NEW), "gone": names(GONE), "failing": names([*REFUSED.hosts(), *EXPIRED.hosts()]),
        "partial": names(INCOMPLETE.hosts()), "changed": names([*UPDATED, ALONE, *SWITCHED]),
    }  # fmt: skip
    assert sum(map(len, found.values())) == 303
    assert targets(uncompared) == names([*UNREAD, *INCOMPLETE.hosts()])


def test_checks_name_who_breaks_the_policy(say: Say) -> None:
    report = json.loads(say("checks", "latest", "--fail-on", "critical", "--format", "json", status=1))
    current, drives, fans = report["checks"]
    found: dict[tuple[str, str], set[str]] = {}
    for finding in current["findings"]:
        found.setdefault((finding["result"], finding["why"]), set()).update(hosts(finding))
    assert found == {
        ("fail", ""): names(FAILING),
        ("waived", "lab"): names(WAIVED),
        ("unknown", "baseline.csv has no line for model=SYS-121H-TNR"): names(UNLISTED),
    }
    assert sum(current["results"].values()) == len(JUDGED)
    assert [(one["reason"], one["expired"], one["rows"]) for one in current["waivers"]] == [
        (reason, reason == "case 4711", len(who)) for reason, _, who in WAIVERS
    ]
    (broken,) = drives["findings"]
    assert (drives["name"], hosts(broken), broken["saw"]) == (HEALTHY, names(BROKEN), {"health": "Critical"})
    assert (fans["findings"], fans["groups"]) == ([], [])


def test_the_stored_rows_judged_again_say_the_same(say: Say) -> None:
    """The rows, the baseline and the waivers are one: what was planted as results follows from them."""
    stored, again = (
        json.loads(say("checks", "latest", "--format", "json", *more)) for more in ([], JUDGE_AGAIN)
    )
    names_stored = [check["name"] for check in stored["checks"]]
    assert stored["checks"] == [check for check in again["checks"] if check["name"] in names_stored]
    unseen = [check for check in again["checks"] if check["name"] not in names_stored]
    assert not any(sum(check["results"].values()) for check in unseen)  # of steps that no run has
    lists = [
        sorted(say("checks", "latest", "--format", "csv", *more).splitlines()[1:])
        for more in ([], JUDGE_AGAIN)
    ]
    assert len(lists[0]) == 4646 + 4605 * 4
    assert lists[0] == lists[1]


def test_a_baseline_that_moved_names_who_is_behind_it(say: Say, week: Week) -> None:
    """The week before, the one that went back was as good as the others."""
    before = table(say("checks", "previous", "--check", CURRENT, "--result", "fail", "--format", "csv"))
    assert targets(before) == names([*OLD, *ENDED])
    (week.folder / "later.csv").write_text(f"model,bios\n{MODELS[1]},2.19.0\n", encoding="utf-8")
    later = (week.folder / "policy.yaml").read_text(encoding="utf-8").replace("baseline.csv", "later.csv")
    (week.folder / "later.yaml").write_text(later, encoding="utf-8")
    asked = ("checks", "latest", "--spec", "later.yaml", "--check", CURRENT, "--format", "csv")
    behind = targets(table(say(*asked, "--result", "fail")))
    listed = {number for number in JUDGED if number % 3 == 1}
    assert behind == names(listed - set(UPDATED) - set(WAIVED))
    assert targets(table(say(*asked, "--result", "unknown"))) == names(JUDGED - listed)


def test_conformance_names_who_deviates_and_how(say: Say) -> None:
    report = json.loads(say("conformance", "latest", "--fail-on", "any", "--format", "json", status=1))
    assert (report["targets"], report["unjudged"]) == (len(JUDGED), len(UNREAD))
    ways = {
        ("/Boot/Options/*/Mode", "enum"): (["Dell Inc.", MODELS[0], "7.2.0"], names(ODD_MODE)),
        ("", "required"): (["Dell Inc.", MODELS[0], "7.2.0"], names(NAMELESS)),
        ("/Status/State", "type"): (["Supermicro", MODELS[2], "7.1.0"], names(LONE_TYPE)),
    }
    found = {
        (way["pointer"], way["rule"]): machines
        for maker in report["makers"]
        for way in maker["deviations"]
        for machines in way["machines"]
    }
    assert {way: (one["kind"], one["targets"]) for way, one in found.items()} == {
        way: (kind, len(who)) for way, (kind, who) in ways.items()
    }
    for way, machines in found.items():
        told = {short_name(one.url) for one in read_targets(machines["hosts"], report=pytest.fail)}
        assert told <= ways[way][1]
        assert len(told) == machines["targets"] - machines["unnamed"]
    assert report["deviating"] == len(ODD_MODE | LONE_TYPE)
    assert {maker["name"]: maker["deviating"] for maker in report["makers"]} == {
        "Dell Inc.": len(ODD_MODE), "Lenovo": 0, "Supermicro": 1,
    }  # fmt: skip


def answer(say: Say, *question: str) -> set[str]:
    return targets(json.loads(line) for line in say("query", *question, "--format", "jsonl").splitlines())


def test_sql_finds_the_same(say: Say) -> None:
    assert answer(
        say, "latest", f"select target from checks where check_name = '{CURRENT}' and result = 'fail'"
    ) == names(FAILING)
    assert answer(say, "latest", "select target from violations where rule = 'required'") == names(NAMELESS)
    assert answer(say, "latest", "select target from targets where status = 'partial'") == names(
        INCOMPLETE.hosts()
    )


def test_sql_compares_two_runs(say: Say) -> None:
    both = f"""
        select b.target from system a join system b using (target, "@key")
        where a.run = '{FIRST}' and b.run = '{SECOND}' and a.bios != b.bios
    """
    assert answer(say, "previous", "latest", both) == names([*UPDATED, ALONE])


def test_show_filters_the_same(say: Say) -> None:
    rows = table(say("show", "latest", "system", "--where", "power == 'Off'", "--format", "csv"))
    assert targets(rows) == names(SWITCHED)
    rows = table(say("show", "latest", "drive", "--where", "health != 'OK'", "--format", "csv"))
    assert targets(rows) == names(BROKEN)


def test_a_baseline_of_the_first_run_is_as_good_as_the_run(say: Say) -> None:
    say("baseline", "set", "monday", "previous")
    by_name, by_run = (
        json.loads(say("diff", one, "latest", "--format", "json", status=1))
        for one in ("baseline:monday", FIRST)
    )
    for found in (by_name, by_run):
        del found["first"]
    assert by_name == by_run
    assert json.loads(say("diff", "baseline:monday", FIRST, "--format", "json"))["differences"] == 0


def test_what_strays_inside_the_run_is_what_was_planted(say: Say) -> None:
    asked = ("diff", "--within", "latest", "--step", "system", "--field", "bios", "--by", "model")
    drift = json.loads(say(*asked, "--format", "json", status=1))
    strays = {
        stray["value"]: hosts(stray)
        for group in drift["groups"]
        if group["value"] == MODELS[1]
        for stray in group["strays"]
    }
    assert strays == {
        "2.19.0": names(UPDATED), "2.17.1": names([ALONE]), "2.16.0": names(chain(WAIVED, ENDED)),
    }  # fmt: skip
