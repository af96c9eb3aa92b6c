"""What is applied to a cluster: valid by its schema, and right where no schema looks."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from forked import FLEET, run
from tools import tool

ROOT = Path(__file__).parents[2]
OVERLAYS = ("base", "overlays/monitoring", "overlays/batch", "overlays/batch-monitoring")
VALUES = ("service", "sharded", "batch")
VERSIONS = ("1.33", "1.37")  # the oldest one whose Jobs retry by index, and the newest one that is known
CUSTOM = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScrapeConfig"}  # of the Prometheus Operator
OUTSIDE = {"fleet-credentials", "pull"}  # Secrets that a person makes
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

Manifest = dict[str, Any]


@cache
def rendered(name: str) -> str:
    """What an overlay or a chart with some values makes; skips where there is nothing to make it with."""
    program = tool("helm" if name in VALUES else "kubectl")
    if program is None:
        pytest.skip("no helm or kubectl here (make deploy-tools)")
    if name in VALUES:
        chart = ROOT / "deploy" / "helm" / "fleet"
        command = [
            program,
            "template",
            "r",
            chart,
            "--namespace",
            "ops",
            "-f",
            chart / f"ci/{name}-values.yaml",
        ]
    else:
        command = [program, "kustomize", ROOT / "deploy" / "kubernetes" / name]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def read(name: str) -> list[Manifest]:
    """The manifests of what is rendered: read once, and changed by nobody."""
    return [found for found in yaml.load_all(rendered(name), yaml.CSafeLoader) if found]


@pytest.fixture(params=[*OVERLAYS, *VALUES])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return read(request.param)


def of(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [found for found in manifests if found["kind"] in kinds]


def templates(manifests: list[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    """Each thing that makes pods, and the template of its pods."""
    for found in manifests:
        match found["kind"]:
            case "Deployment" | "Job":
                yield found, found["spec"]["template"]
            case "CronJob":
                yield found, found["spec"]["jobTemplate"]["spec"]["template"]


@pytest.fixture(scope="module", params=VERSIONS)
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the schema of a version says of each overlay and chart, line by line: of all in one process."""
    validate = tool("kubernetes-validate")
    if validate is None:
        pytest.skip("no kubernetes-validate here (make deploy-tools)")
    folder = tmp_path_factory.mktemp("judged")
    files = {name: folder / f"{name.replace('/', '-')}.yaml" for name in (*OVERLAYS, *VALUES)}
    for name, file in files.items():
        file.write_text(rendered(name))
    done = subprocess.run(
        [str(validate), "--strict", "-k", request.param, *map(str, files.values())],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == (1 if any(line.startswith("ERROR") for line in said) else 0), said
    return {name: [line for line in said if line.split()[1:2] == [str(file)]] for name, file in files.items()}


@pytest.mark.parametrize("name", [*OVERLAYS, *VALUES])
def test_the_schema_of_kubernetes_has_nothing_to_say(name: str, judged: dict[str, list[str]]) -> None:
    said = judged[name]
    assert any(line.startswith("INFO") for line in said)
    odd = [line for line in said if not line.startswith("INFO")]
    assert [line for line in odd if not any(f"for kind {kind} " in line for kind in CUSTOM)] == []


def test_helm_has_nothing_to_say() -> None:
    helm = tool("helm")
    if helm is None:
        pytest.skip("no helm here (make deploy-tools)")
    done = subprocess.run(
        [str(helm), "lint", "--strict", str(ROOT / "deploy" / "helm" / "fleet")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_are_valid_and_unique(manifests: list[Manifest]) -> None:
    names = [(found["kind"], found["metadata"]["name"]) for found in manifests]
    assert [name for _, name in names if not _NAME.fullmatch(name)] == []
    assert len(set(names)) == len(names)


def test_pods_are_walled_in(manifests: list[Manifest]) -> None:
    found = list(templates(manifests))
    assert found
    for owner, template in found:
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        assert not any(spec.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC"))
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, owner["metadata"]["name"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"]["drop"] == ["ALL"]
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_images_have_a_version(manifests: list[Manifest]) -> None:
    for _, template in templates(manifests):
        for container in template["spec"]["containers"]:
            assert re.fullmatch(r"[a-z0-9.-]+/[a-z0-9./-]+:\d+\.\d+\.\d+", container["image"])


def test_what_is_mounted_is_there_and_can_change(manifests: list[Manifest]) -> None:
    maps = {found["metadata"]["name"] for found in of(manifests, "ConfigMap")}
    claims = {found["metadata"]["name"] for found in of(manifests, "PersistentVolumeClaim")}
    for _, template in templates(manifests):
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        for volume in volumes.values():
            assert volume.get("configMap", {}).get("name") in maps | {None}
            assert volume.get("secret", {}).get("secretName") in OUTSIDE | {None}
            assert volume.get("persistentVolumeClaim", {}).get("claimName") in claims | {None}
        mounts = [
            mount for container in template["spec"]["containers"] for mount in container["volumeMounts"]
        ]
        assert {mount["name"] for mount in mounts} == volumes.keys()
        assert not any("subPath" in mount for mount in mounts), "a subPath is never updated"
        assert {"/tmp", "/config", "/run/secrets/fleet"} <= {mount["mountPath"] for mount in mounts}


def test_secrets_are_named_and_not_held(manifests: list[Manifest]) -> None:
    assert of(manifests, "Secret") == []
    for _, template in templates(manifests):
        for container in template["spec"]["containers"]:
            for variable in container.get("env", ()):
                assert "value" not in variable, variable["name"]


def test_ports_that_are_named_exist(manifests: list[Manifest]) -> None:
    for _, template in templates(manifests):
        for container in template["spec"]["containers"]:
            ports = {port["name"] for port in container["ports"]}
            probes = [container[probe] for probe in container if probe.endswith("Probe")]
            assert {probe["httpGet"]["port"] for probe in probes} <= ports
    pods = [template for _, template in templates(manifests)]
    for service in of(manifests, "Service"):
        chosen = [
            pod for pod in pods if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ]
        assert len(chosen) == 1, "a service of one pod"
        ports = {port["name"] for container in chosen[0]["spec"]["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_selectors_choose_what_they_are_meant_to(manifests: list[Manifest]) -> None:
    labels = [template["metadata"]["labels"] for _, template in templates(manifests)]
    services = [found["metadata"]["labels"] for found in of(manifests, "Service")]
    for deployment in of(manifests, "Deployment"):
        chosen = deployment["spec"]["selector"]["matchLabels"].items()
        assert sum(chosen <= each.items() for each in labels) == 1
    for found in of(manifests, "NetworkPolicy"):
        assert any(found["spec"]["podSelector"]["matchLabels"].items() <= each.items() for each in labels)
    for found in of(manifests, "PodDisruptionBudget", "PodMonitor"):
        assert any(found["spec"]["selector"]["matchLabels"].items() <= each.items() for each in labels)
    for found in of(manifests, "ServiceMonitor"):
        assert any(found["spec"]["selector"]["matchLabels"].items() <= each.items() for each in services)


def test_monitors_name_ports_that_exist(manifests: list[Manifest]) -> None:
    of_services = {port["name"] for each in of(manifests, "Service") for port in each["spec"]["ports"]}
    of_pods = {
        port["name"]
        for _, template in templates(manifests)
        for container in template["spec"]["containers"]
        for port in container["ports"]
    }
    for kind, field, known in (
        ("ServiceMonitor", "endpoints", of_services),
        ("PodMonitor", "podMetricsEndpoints", of_pods),
    ):
        for found in of(manifests, kind):
            assert {each["port"] for each in found["spec"][field]} <= known


def test_pods_speak_to_no_cluster(manifests: list[Manifest]) -> None:
    """Each has an account of its own, which may nothing; a token of it only where Vault is shown that."""
    shown = any("role:" in each["data"].get("auths.yaml", "") for each in of(manifests, "ConfigMap"))
    accounts = {found["metadata"]["name"] for found in of(manifests, "ServiceAccount")}
    for owner, template in templates(manifests):
        assert template["spec"]["serviceAccountName"] in accounts, owner["metadata"]["name"]
        assert template["spec"]["automountServiceAccountToken"] is shown
    assert of(manifests, "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding") == []


def test_what_is_kept_outlives_its_pod(manifests: list[Manifest]) -> None:
    """A pod that writes a volume ends before the next one begins: two would write one history."""
    for owner, template in templates(manifests):
        claimed = any("persistentVolumeClaim" in volume for volume in template["spec"]["volumes"])
        if owner["kind"] == "Deployment":
            assert owner["spec"].get("replicas", 1) == 1
            assert claimed and owner["spec"]["strategy"]["type"] == "Recreate"
    for claim in of(manifests, "PersistentVolumeClaim"):
        assert claim["spec"]["resources"]["requests"]["storage"]


def test_jobs_have_deadlines_and_failure_policies(manifests: list[Manifest]) -> None:
    for owner in of(manifests, "Job", "CronJob"):
        job = owner["spec"] if owner["kind"] == "Job" else owner["spec"]["jobTemplate"]["spec"]
        assert job["template"]["spec"]["restartPolicy"] == "Never"
        assert job["activeDeadlineSeconds"] > 0
        rules = job["podFailurePolicy"]["rules"]
        assert [rule.get("onExitCodes", {}).get("values") for rule in rules] == [[2], None]
        if job.get("completionMode") == "Indexed":
            assert job["completions"] >= job["parallelism"] > 0
            assert job["maxFailedIndexes"] <= job["completions"]
            (container,) = job["template"]["spec"]["containers"]
            assert f"--shard=/{job['completions']}" in container["args"]
        if owner["kind"] == "CronJob":
            fields = owner["spec"]["schedule"].split()
            assert len(fields) == 5
            for field, (low, high) in zip(fields, ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)), strict=True):
                assert all(low <= int(number) <= high for number in re.findall(r"\d+", field))
            assert owner["spec"]["concurrencyPolicy"] == "Forbid"


def test_a_pod_has_longer_to_end_than_what_is_in_hand(manifests: list[Manifest]) -> None:
    for _, template in templates(manifests):
        assert template["spec"]["terminationGracePeriodSeconds"] > 30


def test_everything_is_cut_off_from_what_it_does_not_need(manifests: list[Manifest]) -> None:
    (policy,) = of(manifests, "NetworkPolicy")
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    blocks = [
        peer["ipBlock"]["cidr"]
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    assert blocks
    assert "0.0.0.0/0" not in blocks
    assert all("ports" in rule for rule in policy["spec"]["egress"])


def test_batch_pods_say_only_what_fleet_understands(manifests: list[Manifest]) -> None:
    from fleet.cli.commands.scan import scan

    known = {name for parameter in scan.params for name in parameter.opts}
    for owner, template in templates(manifests):
        (container,) = template["spec"]["containers"]
        command, *words = container["args"]
        if owner["kind"] == "Deployment":
            assert command == "serve"
            continue
        assert command == "scan"
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known


def test_shards_divide_the_targets_and_keep_apart() -> None:
    found = read("sharded")
    configs = [yaml.safe_load(each["data"]["serve.yaml"]) for each in of(found, "ConfigMap")]
    assert [config["shard"] for config in configs] == ["0/3", "1/3", "2/3"]
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for _, template in templates(found)
        for volume in template["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert len(set(claims)) == 3


@pytest.mark.parametrize("given", ["serve.replicas=2", "replicaCount=3", "serve.config.shard=0/2"])
def test_the_chart_refuses_what_would_poll_twice(given: str) -> None:
    helm = tool("helm")
    if helm is None:
        pytest.skip("no helm here (make deploy-tools)")
    chart = ROOT / "deploy" / "helm" / "fleet"
    command = [str(helm), "template", "r", str(chart), "--set", given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "serve.shards" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("fleet.service") is None, reason="this build has no service")
@pytest.mark.parametrize("name", ["base", "service", "sharded"])
def test_the_service_takes_its_configuration(name: str, tmp_path: Path) -> None:
    """`fleet serve --check` reads what a pod would read, inventories that are asked left out."""
    for config in of(read(name), "ConfigMap"):
        folder = tmp_path / config["metadata"]["name"]
        folder.mkdir()
        (folder / "bmc-password").write_text("secret")
        (folder / "bmc-password").chmod(0o600)
        for file, text in config["data"].items():
            text = re.sub(r"netbox:[^\s\]\"]+", "192.0.2.1", text)
            text = text.replace("/run/secrets/fleet", str(folder)).replace("/state", str(folder / "state"))
            (folder / file).write_text(text)
        done = run([FLEET, "serve", "--check", "--config", folder / "serve.yaml"])
        assert done.returncode == 0, done.stderr


def test_the_rules_are_those_of_prometheus() -> None:
    spec = importlib.util.spec_from_file_location("deploy_rules", ROOT / "deploy" / "rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stale = [
        str(path)
        for path, text in module.rendered().items()
        if not path.is_file() or path.read_text() != text
    ]
    assert stale == [], "make deploy-rules"


def test_the_alerts_of_the_chart_keep_their_templates() -> None:
    (rule,) = of(read("service"), "PrometheusRule")
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"] if "alert" in each]
    assert any("{{ $labels.instance }}" in each["annotations"]["summary"] for each in alerts)
