"""Rules, alerts and dashboards: what promtool says of them, and that they ask for metrics that exist."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.openapi import load_yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
OTHERS = {"process_resident_memory_bytes", "process_open_fds", "up"}  # of every client and of Prometheus
OF_SERVICE = ("probe_", "fleet_probe_", "fleet_job", "fleet_service_", "fleet_kept_")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool here (Debian: prometheus)"
)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NO_METRIC = re.compile(r'"[^"]*"|\{[^{}]*\}|\b(?:by|on|without|ignoring|group_left)\s*\([^)]*\)|\[[^\]]*\]')


def promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_the_configuration_and_its_rules() -> None:
    status, said = promtool("check", "config", "prometheus.yml")
    assert status == 0, said
    assert "SUCCESS: 2 rule files found" in said


@needs_promtool
def test_the_rules_do_what_their_tests_say() -> None:
    status, said = promtool("test", "rules", "fleet.test.yml")
    assert status == 0, said


def rules(file: str) -> list[dict[str, Any]]:
    loaded = load_yaml((PROMETHEUS / file).read_bytes(), source=file)
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def test_every_rule_and_alert_has_a_test() -> None:
    tests = (PROMETHEUS / "fleet.test.yml").read_text()
    missing = [rule["alert"] for rule in rules("fleet.alerts.yml") if f": {rule['alert']}" not in tests]
    assert missing == []
    tested = tests + (PROMETHEUS / "fleet.alerts.yml").read_text()
    assert [rule["record"] for rule in rules("fleet.rules.yml") if rule["record"] not in tested] == []


def test_every_alert_says_what_is_wrong_and_how_bad() -> None:
    for rule in rules("fleet.alerts.yml"):
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["for"], rule["alert"]


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries(path: Path) -> list[str]:
    dashboard = json.loads(path.read_text())
    found = [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    return found + [
        variable["query"]["query"]
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression names."""
    known = set(re.findall(r'__name__=~?"([^"]*)"', expression))
    bare = re.sub(r"#.*", " ", expression)
    while (shorter := _NO_METRIC.sub(" ", bare)) != bare:
        bare = shorter
    words = {
        match.group() for match in _NAME.finditer(bare) if not bare[match.end() :].lstrip().startswith("(")
    }
    words -= {"and", "or", "unless", "bool", "time", "fleet_job", "instance", "e", "offset", "by"}
    return words | {name for name in known if not re.search(r"[.+*]", name)}


def existing() -> set[str]:
    """The metrics that the reference documents, with the series of a histogram, and what the rules record."""
    text = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    named = set(re.findall(r"`([a-z][a-z0-9_]*)`", text))
    buckets = {f"{name}_{part}" for name in named for part in ("bucket", "sum", "count")}
    return named | buckets | OTHERS | {rule["record"] for rule in rules("fleet.rules.yml")}


def asked() -> Iterator[tuple[str, str]]:
    """Where a metric is asked for, and its name."""
    for file in ("fleet.rules.yml", "fleet.alerts.yml"):
        for rule in rules(file):
            for name in metrics_of(rule["expr"]):
                yield rule.get("alert") or rule["record"], name
    for path in DASHBOARDS:
        for query in queries(path):
            for name in metrics_of(
                query.removeprefix("label_values(").rstrip(")") if "label_values" in query else query
            ):
                yield f"{path.name}: {query}", name


def test_only_metrics_that_exist_are_asked_for() -> None:
    here = importlib.util.find_spec("fleet.service") is not None
    known = existing()
    unknown = [
        (where, name)
        for where, name in asked()
        if name not in known and (here or not name.startswith(OF_SERVICE))
    ]
    assert unknown == []
    assert len({name for _, name in asked()}) > 30, "the expressions are read"


def test_dashboards_are_whole() -> None:
    assert [path.name for path in DASHBOARDS] == ["hardware.json", "service.json"]
    identities = set()
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        identities.add(dashboard["uid"])
        numbers = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(numbers)) == len(numbers)
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert at["x"] + at["w"] <= 24
            assert not cells & taken, f"{path.name}: {panel['title']} lies over another one"
            taken |= cells
        for panel in panels(dashboard):
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
            assert panel["title"], path.name
    assert len(identities) == 2


@needs_promtool
def test_every_query_of_a_dashboard_is_one(tmp_path: Path) -> None:
    """promtool reads them as rules, with Grafana's variables filled in."""
    found = [
        re.sub(r"\$(?:fleet_job|instance)", ".*", query)
        for path in DASHBOARDS
        for query in queries(path)
        if "label_values" not in query
    ]
    groups = {
        "groups": [{"name": "g", "rules": [{"record": f"a:b{n}", "expr": q} for n, q in enumerate(found)]}]
    }
    (tmp_path / "rules.json").write_text(json.dumps(groups))
    status, said = promtool("check", "rules", tmp_path / "rules.json")
    assert status == 0, said
