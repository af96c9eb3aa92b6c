"""Puts the rules and alerts of `deploy/prometheus` where the Prometheus Operator and Helm read them.

    python deploy/rules.py            # make deploy-rules

A test fails when a copy is not current.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

HERE = Path(__file__).parent
FILES = ("fleet.rules.yml", "fleet.alerts.yml")
CHART = HERE / "helm" / "fleet" / "files"
OVERLAY = HERE / "kubernetes" / "overlays" / "monitoring" / "prometheusrule.yaml"
HEAD = """\
# Made by deploy/rules.py from deploy/prometheus: change the rules there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: fleet
  labels: {app.kubernetes.io/name: fleet}
spec:
  groups:
"""


def rendered() -> dict[Path, str]:
    """Every copy: where it belongs, and its text."""
    copies: dict[Path, str] = {}
    groups = ""
    for name in FILES:
        text = (HERE / "prometheus" / name).read_text(encoding="utf-8")
        copies[CHART / name] = text
        groups += indent(text.partition("groups:\n")[2], "  ")
    copies[OVERLAY] = HEAD + groups
    return copies


if __name__ == "__main__":
    for path, text in rendered().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
