"""Compares what a scan says of each host with what the simulator did to it. Exit status 1 on any difference.

python verify.py CONTROL_URL RUN_DIRECTORY
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.request import urlopen


def main(control: str, run: str) -> int:
    with urlopen(f"{control}/hosts", timeout=30) as reply:  # noqa: S310  (the simulator's own address)
        broken = {host["url"]: set(host["kinds"]) for host in json.load(reply) if host["kinds"]}
    lines = Path(run, "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    outcomes = {outcome["target"]: outcome for outcome in map(json.loads, lines)}
    metrics = Path(run, "metrics.prom").read_text(encoding="utf-8")
    named, wrong = 0, []
    for url, outcome in outcomes.items():
        expected, found = broken.get(url, set()), outcome.get("failure", {}).get("kind")
        if (found in expected) if expected else outcome["status"] == "ok":
            named += bool(expected)
        else:
            wrong.append(f"{url}: {found or outcome['status']}, not {' or '.join(sorted(expected)) or 'ok'}")
    wrong += [f"{url}: no outcome" for url in broken.keys() - outcomes.keys()]
    if len(lines) != len(outcomes):
        wrong.append(f"{len(lines)} outcomes of {len(outcomes)} targets")
    count = f'status="ok"}} {len(outcomes) - len(broken)}.0'
    if count not in metrics:
        wrong.append(f"metrics.prom does not say fleet_targets{{...{count}")
    for difference in wrong:
        print(difference)
    ways = len(set().union(*broken.values())) if broken else 0
    proxied = sum("proxy" in outcome for outcome in outcomes.values())
    print(
        f"{named} of {len(broken)} faults named correctly, in {ways} ways; "
        f"{len(outcomes)} outcomes, {proxied} of them through the proxy"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
