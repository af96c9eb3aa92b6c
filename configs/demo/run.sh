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

bold="" plain=""
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
show() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

sim=""
trap '[ -z "$sim" ] || kill "$sim" 2>/dev/null || true' EXIT INT TERM

echo "A fleet of 500 simulated BMCs, each with an address and a certificate of its own. 25 are broken (faults.yaml)."
socks=$(free_port)
cp "$here/faults.yaml" .
show "fleet sim --hosts 500 --tls --auth root:calvin --faults faults.yaml --socks $socks --write-hosts hosts.txt --write-ca ca.pem &"
"$fleet" sim --hosts 500 --tls --auth root:calvin --faults faults.yaml --socks "$socks" \
    --write-hosts hosts.txt --write-ca ca.pem >ready.txt &
sim=$!
tries=0
until grep -q '^ready ' ready.txt; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] && kill -0 "$sim" 2>/dev/null || { echo "the simulator did not start" >&2; exit 1; }
    sleep 0.1
done
cat ready.txt
control=$(sed -n 's/^ready .*control=\([^ ]*\).*/\1/p' ready.txt)

# Passwords have names: this file says where a value is, never what it is.
cat >auths.yaml <<YAML
auths:
  lab: {username: root, password: env:BMC_PASSWORD}
proxies:
  jump: {url: "socks5h://127.0.0.1:$socks", match: site=c}
YAML
show "cat auths.yaml"
cat auths.yaml
export BMC_PASSWORD=calvin

status=0
show "fleet scan hosts.txt --spec redfish --auths auths.yaml --cacert ca.pem --concurrency 128 --timeout 5s --target-metrics --run-dir run"
"$fleet" scan hosts.txt --spec redfish --auths auths.yaml --cacert ca.pem --concurrency 128 --timeout 5s \
    --target-metrics --run-dir run --log-format console --log-level error || status=$?
[ "$status" = 0 ] || exit "$status"

show "fleet show run drive --where \"health == 'Critical'\" --columns target,name,model,serial,health --limit 5"
"$fleet" show run drive --where "health == 'Critical'" --columns target,name,model,serial,health --limit 5
show "ls run"
ls -C run

printf '\nWhat the simulator broke, against what the scan says:\n'
"$python" "$here/verify.py" "$control" run
