"""What a walk makes of answers, good and bad."""

from __future__ import annotations

import json
from typing import Any

import anyio
import orjson
import pytest
from pipeline_serving import HANG, Served, failed, probe, rows_per_step, status

from fleet.client import Reply
from fleet.event import ProbeCrashed
from fleet.openapi import load
from fleet.outcome import FailureKind as Kind
from fleet.outcome import Outcome
from fleet.policy import Limits, Policy, Rate, Timeouts

ROOT = {"root": {"operation": "root", "outputs": {"name": "name"}}}
PARTS = {"part": {"from": "root", "follow": "parts", "collection": True, "outputs": {"id": "id"}}}


def parts(count: int, **more: Any) -> dict[str, Any]:
    return {
        "/": {"name": "r", "parts": {"href": "/parts"}},
        "/parts": {"items": [{"href": f"/parts/{n}"} for n in range(count)]},
        **{f"/parts/{n}": {"id": n} for n in range(count)},
        **more,
    }


def ids(outcome: Outcome, step: str = "part") -> list[Any]:
    return [row["id"] for row in outcome.steps[step].rows]


async def test_rows_come_in_the_order_of_the_data_with_their_parents() -> None:
    client = Served(parts(20))
    outcome = await probe({"steps": {**ROOT, **PARTS}}, client)
    assert outcome.status == "ok"
    assert ids(outcome) == list(range(20))
    assert outcome.steps["part"].rows[3] == {"@uri": "/parts/3", "@parent": ["root", 0], "id": 3}
    assert outcome.requests == 22
    assert client.peak == 2
    assert client.closed == 1
    assert outcome.labels == {"site": "a"}


@pytest.mark.parametrize("width", [1, 2, 4])
async def test_as_much_at_once_as_the_policy_says_through_all_levels(width: int) -> None:
    tree: dict[str, Any] = {"/": {"boxes": [f"/box/{b}" for b in range(6)]}}
    for b in range(6):
        tree[f"/box/{b}"] = {"id": b, "parts": f"/box/{b}/parts"}
        tree[f"/box/{b}/parts"] = {"items": [f"/box/{b}/{n}" for n in range(5)]}
        tree |= {f"/box/{b}/{n}": {"id": f"{b}.{n}"} for n in range(5)}
    client = Served(tree)
    steps = {
        **ROOT,
        "box": {"from": "root", "follow": "boxes", "outputs": {"id": "id"}},
        "part": {"from": "box", "follow": "parts", "collection": True, "outputs": {"id": "id"}},
    }
    outcome = await probe({"steps": steps}, client, policy=Policy(rate=Rate(per_target=width)))
    assert ids(outcome) == [f"{b}.{n}" for b in range(6) for n in range(5)]
    assert client.peak == width
    assert [row["@parent"] for row in outcome.steps["part"].rows][::5] == [["box", b] for b in range(6)]


async def test_shared_resources_are_asked_for_once_and_keep_both_parents() -> None:
    tree = {
        "/": {"boxes": ["/box/a", "/box/b"]},
        "/box/a": {"parts": "/parts"},
        "/box/b": {"parts": "/parts"},
        "/parts": {"items": ["/parts/1"]},
        "/parts/1": {"id": 1, "back": "/box/a"},
    }
    client = Served(tree)
    steps = {
        **ROOT,
        "box": {"from": "root", "follow": "boxes"},
        **{"part": {**PARTS["part"], "from": "box"}},
        "back": {"from": "part", "follow": "back"},
    }
    outcome = await probe({"steps": steps}, client)
    assert [row["@parent"] for row in outcome.steps["part"].rows] == [["box", 0], ["box", 1]]
    assert len(outcome.steps["back"].rows) == 2
    assert set(client.asked.values()) == {1}


async def test_steps_that_call_the_same_operation_share_its_answer() -> None:
    client = Served({"/": {"a": "x", "b": "y"}})
    steps = {name: {"operation": "root", "outputs": {name: name}} for name in ("a", "b")}
    outcome = await probe({"steps": steps}, client)
    assert [outcome.steps[name].rows[0][name] for name in ("a", "b")] == ["x", "y"]
    assert client.asked == {"/": 1}


async def test_only_the_rows_that_the_pipeline_names_are_stored() -> None:
    spec = {
        "steps": {**ROOT, **PARTS, "sub": {"from": "part", "items": "subs", "outputs": {"id": "id"}}},
        "pipelines": {"p": {"steps": ["root", "sub"]}},
    }
    tree = parts(2, **{"/parts/1": {"subs": [{"id": "x"}, {"id": "y"}]}})
    outcome = await probe(spec, Served(tree))
    assert rows_per_step(outcome) == {"root": 1, "sub": 2}
    assert outcome.steps["sub"].rows[1] == {"@uri": "/parts/1#/subs/1", "@parent": ["root", 0], "id": "y"}


async def test_pages_are_followed_to_the_end() -> None:
    tree = parts(0, **{"/parts": {"items": [{"id": 1, "v": 1}], "next": "/parts?page=2"}})
    tree["/parts?page=2"] = {"items": [{"id": 2, "v": 1}], "next": {"href": "?page=3"}}
    tree["/parts?page=3"] = {"items": [{"id": 3, "v": 1}]}
    resolved = Served(tree)
    outcome = await probe({"steps": {**ROOT, **PARTS}}, resolved)
    assert ids(outcome) == [1, 2, 3]
    assert outcome.steps["part"].complete


@pytest.mark.parametrize("again", ["/parts", "/parts?page=2"])
async def test_pages_that_do_not_end_are_noted_and_their_rows_kept_once(again: str) -> None:
    page = {"items": [{"href": "/parts/1"}], "next": again}
    tree = parts(2, **{"/parts": page, "/parts?page=2": page})
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(tree))
    assert ids(outcome) == [1]
    assert [error.kind for error in outcome.errors] == [Kind.LINK_LIMIT]
    assert outcome.status == "partial"
    assert not outcome.steps["part"].complete


async def test_ever_new_pages_end_at_the_limit() -> None:
    def endless(path: str) -> Any:
        number = int(path.partition("=")[2] or 0)
        if path == "/":
            return {"parts": "/parts"}
        return {"items": [{"id": number, "v": 0}], "next": f"/parts?n={number + 1}"}

    policy = Policy(limits=Limits(pages=7))
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(endless), policy=policy)
    assert ids(outcome) == list(range(7))
    assert outcome.errors[0].kind is Kind.LINK_LIMIT


async def test_a_later_page_that_fails_keeps_the_rows_before_it() -> None:
    tree = parts(2)
    tree["/parts"]["next"] = "/parts?page=2"
    steps = {**ROOT, "part": {**PARTS["part"], "optional": [404]}}
    outcome = await probe({"steps": steps}, Served(tree))
    assert ids(outcome) == [0, 1]
    assert [(e.kind, e.status) for e in outcome.errors] == [(Kind.HTTP_NOT_FOUND, 404)]


async def test_duplicate_members_are_one_row_and_odd_ones_none() -> None:
    members = [{"href": "/parts/1"}, {"href": "/parts/1#x"}, None, 7, "/parts/0", {}]
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(parts(2, **{"/parts": {"items": members}})))
    assert ids(outcome) == [1, 0]
    assert outcome.notes == {"duplicate_members": 1, "members_skipped": 3}


@pytest.mark.parametrize("answer", [400, 404, 500, 501, "html"])
async def test_a_refused_expand_falls_back_once(answer: Any) -> None:
    refused = status(answer) if answer != "html" else status(200, b"<html>")
    spec = {
        "dialect": {
            "link": "href",
            "items": "items",
            "whole": "id",
            "expand": {"from": "root", "when": "expands", "query": "$expand=."},
        },
        "steps": {
            **ROOT,
            "box": {"from": "root", "follow": "boxes"},
            **{"part": {**PARTS["part"], "from": "box"}},
        },
    }
    tree = parts(2, **{"/parts2": {"items": ["/parts/0"]}, "/parts?$expand=.": refused})
    tree["/"] = {"expands": True, "boxes": ["/box/1", "/box/2"]}
    tree |= {"/box/1": {"parts": "/parts"}, "/box/2": {"parts": "/parts2"}}
    client = Served(tree)
    outcome = await probe(spec, client, policy=Policy(rate=Rate(per_target=1)))
    assert ids(outcome) == [0, 1, 0]
    assert outcome.status == "ok"
    assert outcome.notes == {"expand_refused": 1}
    assert client.asked["/parts2?$expand=."] == 0


async def test_expanded_members_need_no_request_and_plain_ones_do() -> None:
    spec = {
        "dialect": {
            "link": "href",
            "items": "items",
            "whole": "id",
            "expand": {"from": "root", "when": "expands", "query": "$expand=."},
        },
        "steps": {**ROOT, **PARTS},
    }
    tree = parts(3)
    tree["/"]["expands"] = True
    tree["/parts?$expand=."] = {"items": [{"href": "/parts/0", "id": "zero"}, {"href": "/parts/1"}]}
    client = Served(tree)
    outcome = await probe(spec, client)
    assert ids(outcome) == ["zero", 1]
    assert [row["@uri"] for row in outcome.steps["part"].rows] == ["/parts/0", "/parts/1"]
    assert sorted(client.asked) == ["/", "/parts/1", "/parts?$expand=."]


FIRST_OF = {
    **ROOT,
    "box": {"from": "root", "follow": "boxes", "outputs": {"id": "id"}},
    "old": {"from": "box", "follow": "old"},
    "fan": {
        "per": "box",
        "firstOf": [
            {"from": "box", "follow": "new", "collection": True, "optional": [404], "outputs": {"id": "id"}},
            {"from": "old", "items": "fans", "outputs": {"id": "name"}},
        ],
        "outputs": {"rpm": "rpm"},
        "where": "rpm != `0`",
    },
}


async def test_alternatives_are_judged_per_row() -> None:
    tree: dict[str, Any] = {
        "/": {"boxes": [f"/{n}" for n in range(5)]},
        "/old": {"fans": [{"name": "o", "rpm": 1}]},
    }
    tree |= {f"/{n}": {"id": n, "new": f"/new{n}", "old": "/old"} for n in range(5)}
    del tree["/0"]["new"]  # absent
    tree["/new1"] = {"items": []}  # empty
    tree["/new2"] = {"items": [{"id": "n", "v": 1}]}  # yields
    tree["/new3"] = status(500)  # fails; /new4 answers 404, which is optional
    client = Served(tree)
    spec = {"steps": FIRST_OF, "pipelines": {"p": {"steps": ["box", "fan"]}}}
    outcome = await probe(spec, client)
    rows = [(row["@parent"][1], row["id"], row["rpm"]) for row in outcome.steps["fan"].rows]
    assert rows == [(0, "o", 1), (1, "o", 1), (2, "n", None), (4, "o", 1)]
    assert outcome.status == "partial"
    assert not outcome.steps["fan"].complete
    assert outcome.steps["box"].complete
    assert [(skip.step, skip.why) for skip in outcome.skipped] == [("fan", "404")]
    assert client.asked["/old"] == 1


async def test_a_second_alternative_costs_nothing_where_the_first_yields() -> None:
    tree = {"/": {"boxes": ["/b"]}, "/b": {"new": "/n", "old": "/old"}, "/n": {"items": [{"id": 1, "v": 1}]}}
    client = Served(tree)
    spec = {"steps": FIRST_OF, "pipelines": {"p": {"steps": ["fan"]}}}
    assert (await probe(spec, client)).status == "ok"
    assert client.asked["/old"] == 0


async def test_a_row_that_where_cannot_judge_is_missing_and_not_dropped() -> None:
    part = {**PARTS["part"], "where": "length(name) > `0`", "outputs": {"name": "name"}}
    spec = {"steps": {**ROOT, "part": part}}
    bodies = {"/parts/0": {"name": ""}, "/parts/1": {"name": "one"}, "/parts/2": {"name": 7}}
    outcome = await probe(spec, Served(parts(3, **bodies)))
    assert [row["name"] for row in outcome.steps["part"].rows] == ["one"]
    assert not outcome.steps["part"].complete
    assert outcome.status == "partial"
    (error,) = outcome.errors
    assert (error.kind, error.step, error.uri) == (Kind.SCHEMA_MISMATCH, "part", "/parts/2")
    assert error.message == "`where` cannot be evaluated here: length(name) > `0`"


async def test_when_where_key_overlays_and_responses_shape_the_rows() -> None:
    spec = {
        "steps": {
            **ROOT,
            "part": {
                **PARTS["part"],
                "when": "name == 'r'",
                "where": "id != `1`",
                "key": ["serial", "id"],
                "outputs": {"id": "id", "serial": "serial", "type": "$response.header.Content-Type"},
            },
            "never": {"from": "root", "follow": "parts", "when": "name == 'x'"},
        },
        "overlays": [
            {
                "when": "$up.root.name == 'r' && id == `2`",
                "steps": {"part": {"outputs": {"wear": "oem.wear"}}},
            }
        ],
    }
    client = Served(parts(3, **{"/parts/2": {"id": 2, "serial": "S2", "oem": {"wear": 7}}}))
    outcome = await probe(spec, client)
    assert outcome.steps["part"].rows == (
        {
            "@uri": "/parts/0",
            "@parent": ["root", 0],
            "@key": "0",
            "id": 0,
            "serial": None,
            "type": "application/json",
        },
        {
            "@uri": "/parts/2",
            "@parent": ["root", 0],
            "@key": "S2",
            "id": 2,
            "serial": "S2",
            "type": "application/json",
            "wear": 7,
        },
    )
    assert outcome.steps["never"].rows == ()


async def test_parameters_are_literals_or_expressions() -> None:
    steps = {
        **ROOT,
        "part": {
            "from": "root",
            "operation": "part",
            "parameters": {"id": {"expr": "main"}, "depth": 2},
            "timeout": "3m",
            "outputs": {"id": "id"},
        },
    }
    path = "/parts/a%20b%24up.x.y?depth=2"
    client = Served({"/": {"main": "a b$up.x.y"}, path: {"id": 1}})
    outcome = await probe({"steps": steps}, client)
    assert ids(outcome) == [1]
    assert client.timeouts == {"/": None, path: 180}
    client = Served({"/": {"main": "a/../../b"}})
    outcome = await probe({"steps": steps}, client)
    assert outcome.errors[0].kind is Kind.LINK_FOREIGN
    assert list(client.asked) == ["/"]
    outcome = await probe({"steps": steps}, Served({"/": {}}))
    assert [(skip.step, skip.why) for skip in outcome.skipped] == [("part", "the parameter id has no value")]


async def test_rows_give_samples_and_checks_three_results() -> None:
    spec = {
        "steps": {**ROOT, "part": {**PARTS["part"], "outputs": {"id": "id", "health": "health", "v": "v"}}},
        "metrics": {
            "part_health": {
                "help": "h",
                "from": "part",
                "value": "health",
                "map": {"OK": 0, "Bad": 2},
                "labels": {"id": "id", "root": "$up.root.name"},
            },
            "part_version": {
                "help": "h",
                "from": "part",
                "value": "v",
                "scale": 2,
                "labels": {"root": "$up.root.name"},
            },
        },
        "checks": {
            "healthy": {"from": "part", "assert": "health == 'OK'", "message": "not well"},
            "new": {"from": "part", "assert": "version_ge(v, '2.9')", "severity": "critical", "where": "v"},
        },
    }
    bodies = [{"health": "OK", "v": "2.19"}, {"health": "Bad", "v": 3}, {"health": None}]
    tree = parts(3, **{f"/parts/{n}": {"id": n, **body} for n, body in enumerate(bodies)})
    outcome = await probe(spec, Served(tree))
    assert [sample.to_json() for sample in outcome.samples] == [
        ["part_health", {"id": "0", "root": "r"}, 0.0],
        ["part_health", {"id": "1", "root": "r"}, 2.0],
        ["part_version", {"root": "r"}, 4.38],
    ]
    assert outcome.notes["duplicate_series"] == 1
    assert [(c.check, c.row, c.result, c.message) for c in outcome.checks] == [
        ("healthy", 0, "pass", ""),
        ("healthy", 1, "fail", "not well"),
        ("healthy", 2, "unknown", ""),
        ("new", 0, "pass", ""),
        ("new", 1, "unknown", ""),
    ]


# --- failures


async def test_a_request_that_fails_is_an_error_and_an_incomplete_step_and_all_below() -> None:
    steps = {**ROOT, **PARTS, "sub": {"from": "part", "items": "subs"}}
    tree = parts(3, **{"/parts/1": failed(Kind.TIMEOUT_REQUEST)})
    outcome = await probe({"steps": steps}, Served(tree))
    assert ids(outcome) == [0, 2]
    assert outcome.status == "partial"
    assert outcome.failure is None
    assert [(e.step, e.uri, e.kind) for e in outcome.errors] == [("part", "/parts/1", Kind.TIMEOUT_REQUEST)]
    assert [step.complete for step in outcome.steps.values()] == [True, False, False]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failed(Kind.CONNECT_REFUSED), Kind.CONNECT_REFUSED),
        (failed(Kind.TLS_EXPIRED), Kind.TLS_EXPIRED),
        (None, Kind.SPEC_NOT_THIS_API),
        (status(200, b"<html>login</html>"), Kind.BODY_NOT_JSON),
        ({"other": "api"}, Kind.SPEC_NOT_THIS_API),
        (status(204, b""), Kind.SPEC_NOT_THIS_API),
        (status(503), Kind.HTTP_UNAVAILABLE),
        (status(301), Kind.HTTP_STATUS),
    ],
)
async def test_a_first_step_that_fails_fails_the_target(answer: Any, kind: Kind) -> None:
    steps = {"root": {**ROOT["root"], "successCriteria": ["name"]}, **PARTS}
    outcome = await probe({"steps": steps}, Served({"/": answer}))
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.kind is kind
    assert outcome.failure.step == "root"
    assert not any(step.complete for step in outcome.steps.values())


async def test_the_root_alone_is_not_what_a_pipeline_is_for() -> None:
    tree = parts(3, **{"/parts": failed(Kind.TIMEOUT_REQUEST)})
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(tree))
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.step) == (Kind.TIMEOUT_REQUEST, "part")
    steps = {**ROOT, "peek": {"operation": "peek"}}
    assert (await probe({"steps": steps}, Served({"/": {"name": "r"}}))).status == "partial"


async def test_refused_credentials_fail_the_target_and_stop_its_requests() -> None:
    tree: dict[str, Any] = {
        "/": {"name": "r", "a": "/a", "b": "/b"},
        "/a": failed(Kind.AUTH_REJECTED),
        "/b": {},
    }
    steps = {**ROOT, "a": {"from": "root", "follow": "a"}, "b": {"from": "root", "follow": "b"}}
    client = Served(tree)
    outcome = await probe({"steps": steps}, client, policy=Policy(rate=Rate(per_target=1)))
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.kind is Kind.AUTH_REJECTED
    assert outcome.steps["root"].rows[0]["name"] == "r"
    assert client.asked["/b"] == 0


GUARDED = b"""
openapi: 3.1.0
info: {title: T, version: '1'}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
paths:
  /hidden: {get: {operationId: hidden, security: [{key: []}], responses: {}}}
  /open: {get: {operationId: open, responses: {}}}
  /closed: {get: {operationId: closed, responses: {}}}
  /secret: {get: {operationId: secret, security: [{key: []}], responses: {}}}
"""


async def test_what_is_public_by_the_description_is_asked_when_credentials_were_refused() -> None:
    names = ("hidden", "open", "closed", "secret")
    steps = {name: {"operation": name, "outputs": {"n": "n"}} for name in names}
    tree = {"/hidden": failed(Kind.AUTH_REJECTED), "/open": {"n": 1}, "/closed": status(401), "/secret": {}}
    client = Served(tree)
    policy = Policy(rate=Rate(per_target=1))
    outcome = await probe({"steps": steps}, client, document=load(GUARDED), policy=policy)
    assert rows_per_step(outcome)["open"] == 1
    assert outcome.status == "partial"
    assert {error.step: error.kind for error in outcome.errors} == dict.fromkeys(
        ("hidden", "closed", "secret"), Kind.AUTH_REJECTED
    )
    assert (client.asked["/hidden"], client.asked["/secret"]) == (1, 0)
    assert client.bare == {"/open", "/closed"}


async def test_a_paused_credential_skips_the_target() -> None:
    outcome = await probe(
        {"steps": {**ROOT, **PARTS}}, Served({"/": {"parts": "/p"}, "/p": failed(Kind.AUTH_PAUSED)})
    )
    assert outcome.status == "skipped"
    assert outcome.failure is not None
    assert outcome.failure.kind is Kind.SKIPPED_PAUSED


async def test_one_forbidden_resource_is_partial() -> None:
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(parts(2, **{"/parts/1": status(403)})))
    assert outcome.status == "partial"
    assert outcome.errors[0].kind is Kind.AUTH_FORBIDDEN


async def test_a_host_that_went_away_is_not_asked_for_everything_else() -> None:
    tree = parts(50, **{f"/parts/{n}": failed(Kind.CONNECT_REFUSED) for n in range(5, 50)})
    client = Served(tree)
    outcome = await probe({"steps": {**ROOT, **PARTS}}, client, policy=Policy(rate=Rate(per_target=1)))
    assert ids(outcome) == [0, 1, 2, 3, 4]
    assert client.exchange.requests == 2 + 5 + 3
    assert len(outcome.errors) == 45


async def test_foreign_links_are_reported_and_never_followed() -> None:
    tree = parts(2, **{"/parts": {"items": ["https://other.example/parts/1", "/parts/1"]}})
    tree["/"]["far"] = "//other.example/x"
    client = Served(tree)
    steps = {**ROOT, **PARTS, "far": {"from": "root", "follow": "far"}}
    outcome = await probe({"steps": steps}, client)
    assert {(e.step, e.kind) for e in outcome.errors} == {
        ("part", Kind.LINK_FOREIGN),
        ("far", Kind.LINK_FOREIGN),
    }
    assert ids(outcome) == [1]
    assert not outcome.steps["part"].complete
    assert sorted(client.asked) == ["/", "/parts", "/parts/1"]


async def test_time_runs_out_with_what_came_until_then() -> None:
    client = Served(parts(3, **{"/parts/1": HANG}))
    outcome = await probe({"steps": {**ROOT, **PARTS}}, client, deadline=2.0)
    assert outcome.status == "partial"
    assert outcome.failure is not None
    assert outcome.failure.kind is Kind.TIMEOUT_TARGET
    assert sorted(ids(outcome)) == [0, 2]
    assert outcome.steps["root"].complete
    assert not outcome.steps["part"].complete
    assert client.closed == 1
    policy = Policy(timeouts=Timeouts(target=0.05))
    outcome = await probe({"steps": ROOT}, Served({"/": HANG}), policy=policy)
    assert outcome.status == "failed"


async def test_cancellation_passes_through() -> None:
    client = Served({"/": HANG})
    with anyio.move_on_after(0.02) as scope:
        await probe({"steps": ROOT}, client)
    assert scope.cancelled_caught
    assert client.closed == 1


@pytest.mark.parametrize(
    ("bug", "kind"),
    [(KeyError("oops"), Kind.LOCAL_INTERNAL), (MemoryError("oops"), Kind.LOCAL_MEMORY)],
)
async def test_a_bug_costs_one_target(bug: Exception, kind: Kind) -> None:
    heard: list[Any] = []
    outcome = await probe({"steps": ROOT}, Served({"/": bug}), listener=heard.append)
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.kind is kind
    assert isinstance(heard[0], ProbeCrashed)
    assert "oops" in heard[0].traceback
    assert "oops" not in str(outcome.to_json())


async def test_limits_bound_what_one_target_costs() -> None:
    tree = parts(50, **{f"/parts/{n}": status(500) for n in range(40)})
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(tree), policy=Policy(limits=Limits(errors=10)))
    assert len(outcome.errors) == 10
    assert outcome.dropped == {"errors": 30}
    missing = parts(50, **{f"/parts/{n}": status(404) for n in range(40)})
    optional = {**ROOT, "part": {**PARTS["part"], "optional": [404]}}
    outcome = await probe({"steps": optional}, Served(missing), policy=Policy(limits=Limits(errors=10)))
    assert (len(outcome.skipped), outcome.dropped, outcome.status) == (10, {"skipped": 30}, "ok")
    outcome = await probe(
        {"steps": {**ROOT, **PARTS}}, Served(parts(50)), policy=Policy(limits=Limits(rows=20))
    )
    assert rows_per_step(outcome) == {"root": 1, "part": 19}
    assert {error.kind for error in outcome.errors} == {Kind.LINK_LIMIT}
    client = Served(parts(50))
    outcome = await probe({"steps": {**ROOT, **PARTS}}, client, policy=Policy(limits=Limits(resources=20)))
    assert client.exchange.requests == 20
    assert outcome.errors[0].kind is Kind.LINK_LIMIT


@pytest.mark.parametrize("mode", ["off", "warn", "fail"])
async def test_validation_is_off_advisory_or_strict(mode: str) -> None:
    spec = {"defaults": {"validate": mode}, "steps": ROOT}
    outcome = await probe(spec, Served({"/": {"name": "r", "ok": "yes"}}))
    found = [(v.pointer, v.uri) for v in outcome.violations]
    assert found == ([] if mode == "off" else [("/ok", "/")])
    assert outcome.status == ("failed" if mode == "fail" else "ok")
    assert (outcome.failure is not None and outcome.failure.kind is Kind.SCHEMA_MISMATCH) == (mode == "fail")


async def test_head_and_empty_answers_have_no_body_to_read() -> None:
    steps = {
        "peek": {"operation": "HEAD /head", "outputs": {"type": "$response.header.content-type"}},
        "none": {"operation": "root"},
    }
    tree = {"/head": status(200, b""), "/": status(204, b"")}
    outcome = await probe({"steps": steps}, Served(tree))
    assert outcome.steps["peek"].rows[0]["type"] == "application/json"
    assert outcome.steps["none"].rows == ()
    assert outcome.skipped[0].why == "204"


@pytest.mark.parametrize("page", [[{"id": 1}], "text", 5])
async def test_a_page_without_the_members_that_the_dialect_names_is_told(page: Any) -> None:
    """An API that answers with a bare list, read by a dialect that looks for `items`."""
    outcome = await probe({"steps": {**ROOT, **PARTS}}, Served(parts(0, **{"/parts": page})))
    assert outcome.steps["part"].rows == ()
    assert outcome.notes["not_a_list"] == 1


async def test_values_of_hosts_are_never_evaluated() -> None:
    steps = {**ROOT, **PARTS}
    outcome = await probe(
        {"steps": steps}, Served(parts(1, **{"/parts/0": {"id": "$target.url || {expr: x}"}}))
    )
    assert ids(outcome) == ["$target.url || {expr: x}"]


async def test_whatever_a_link_is_its_error_can_be_stored() -> None:
    odd = ["a\ud800b", "x" * 100_000, "\x00", {"href": 7}, {"href": {"a": "\ud800"}}]
    body = Reply(200, (), json.dumps({"name": "r", "parts": odd, "map": {"\ud800": "\ud800"}}).encode())
    steps = {
        "root": {"operation": "root", "outputs": {"map": "map"}},
        "part": {"from": "root", "follow": "parts"},
    }
    client = Served({"/": body})
    outcome = await probe({"steps": steps}, client)
    assert {error.kind for error in outcome.errors} == {Kind.LINK_FOREIGN, Kind.HTTP_NOT_FOUND}
    assert outcome.notes == {"links_without_url": 2}
    assert len(orjson.dumps(outcome.to_json())) < 10_000


async def test_hundreds_of_targets_share_a_plan_without_mixing() -> None:
    found: list[Outcome] = []

    async def one(number: int) -> None:
        tree = parts(3, **{f"/parts/{n}": {"id": f"{number}.{n}"} for n in range(3)})
        found.append(await probe({"steps": {**ROOT, **PARTS}}, Served(tree)))

    async with anyio.create_task_group() as group:
        for number in range(200):
            group.start_soon(one, number)
    assert sorted(ids(outcome)[1] for outcome in found) == sorted(f"{n}.1" for n in range(200))
