#!/bin/sh
# Installs the built wheel in an empty venv in an empty directory, and scans the simulated fleet from there.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
wheel=$(ls -t "$here"/dist/fleet-*.whl | head -1)
elsewhere=$(mktemp -d)
sim=""
trap '[ -z "$sim" ] || kill "$sim" 2>/dev/null || true; rm -rf "$elsewhere"' EXIT INT TERM
cd "$elsewhere"

echo "Installing $(basename "$wheel") into an empty venv ..."
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements-runtime.lock"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps "$wheel"

venv/bin/fleet --version
venv/bin/fleet check --list
venv/bin/fleet sim --hosts 50 --tls --port 0 --auth root:calvin --write-hosts hosts.txt --write-ca ca.pem >ready.txt &
sim=$!
tries=0
until grep -q '^ready ' ready.txt; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "the simulator did not start" >&2; exit 1; }
    sleep 0.1
done

export BMC_PASSWORD=calvin
cat >auths.yaml <<'YAML'
auths:
  lab: {username: root, password: env:BMC_PASSWORD}
YAML
venv/bin/fleet scan hosts.txt --spec redfish --auths auths.yaml --cacert ca.pem --run-dir run --no-progress
venv/bin/python - <<'PY'
import json
from importlib.resources import files
assert (files("fleet") / "py.typed").is_file()
outcomes = [json.loads(line) for line in open("run/outcomes.jsonl")]
assert len(outcomes) == 50, len(outcomes)
assert {outcome["status"] for outcome in outcomes} == {"ok"}, [o.get("failure") or o["errors"] for o in outcomes]
print(f"wheel: {len(outcomes)} targets scanned, all ok, {sum(o['requests'] for o in outcomes)} requests")
PY
