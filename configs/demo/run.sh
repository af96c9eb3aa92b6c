#!/bin/sh
# The main job, as a newcomer would do it: 500 simulated BMCs over TLS, 25 of them broken in ten ways, a third of them
# behind a SOCKS proxy. Everything stays on this machine. Works in ./demo, or in the directory given.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fleet=${BIN:+$BIN/}fleet
python=${BIN:+$BIN/}python
work=${1:-demo}
rm -rf "$work"
mkdir -p "$work"
cd "$work"

show() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

sim=""
trap '[ -z "$sim" ] || kill "$sim" 2>/dev/null || true' EXIT INT TERM

socks=$(free_port)
show "fleet sim --hosts 500 --tls --auth root:calvin --socks $socks --faults faults.yaml --write-hosts hosts.txt --write-ca ca.pem"
"$fleet" sim --hosts 500 --port 0 --tls --auth root:calvin --socks "$socks" --faults "$here/faults.yaml" \
    --write-hosts hosts.txt --write-ca ca.pem >ready.txt &
sim=$!
tries=0
until grep -q '^ready ' ready.txt; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "the simulator did not start" >&2; exit 1; }
    sleep 0.1
done
cat ready.txt

# Passwords have names: this file says where the value is, never what it is.
cat >auths.yaml <<YAML
auths:
  lab: {username: root, password: env:BMC_PASSWORD}
proxies:
  jump: {url: "socks5h://127.0.0.1:$socks", match: "site=c"}
YAML
show "cat auths.yaml"
cat auths.yaml
export BMC_PASSWORD=calvin

show "fleet scan hosts.txt --spec redfish --auths auths.yaml --cacert ca.pem --timeout 5s --target-metrics"
status=0
"$fleet" scan hosts.txt --spec redfish --auths auths.yaml --cacert ca.pem --timeout 5s --target-metrics \
    --run-dir run || status=$?

show "fleet show run drive | head -5"
"$fleet" show run drive 2>/dev/null | head -5 || true
show "ls run"
ls run
exit "$status"
