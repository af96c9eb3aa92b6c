#!/bin/sh
# The service as a newcomer would see it: 500 simulated BMCs over TLS, 25 of them broken in ten ways, a third of them
# behind a SOCKS proxy; `fleet serve` scans them over and over, and where it is installed Prometheus asks the service.
# Everything stays on this machine. Works in ./demo/serve, or in the directory given, until Ctrl-C, or for FOR seconds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fleet=${BIN:+$BIN/}fleet
python=${BIN:+$BIN/}python
work=${1:-demo/serve}
hosts=${HOSTS:-500}
rm -rf "$work"
mkdir -p "$work"
cd "$work"

bold="" plain=""
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
show() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }
port() { "$python" "$here/ports.py" "$@"; }

started=""
finish() {
    trap '' INT TERM
    for one in $started; do kill -TERM "$one" 2>/dev/null || true; done
    wait 2>/dev/null || true
    trap - EXIT
}
trap finish EXIT
trap 'printf "\nStopping: the service lets go of its sessions ...\n"; finish; echo "Stopped. What it knew is in $work."; exit 0' INT TERM

socks=$(port)
cp "$here/faults.yaml" .
show "fleet sim --hosts $hosts --tls --auth root:calvin --faults faults.yaml --socks $socks --write-hosts hosts.txt --write-ca ca.pem &"
"$fleet" sim --hosts "$hosts" --tls --auth root:calvin --faults faults.yaml --socks "$socks" --latency 20ms \
    --write-hosts hosts.txt --write-ca ca.pem >ready.txt &
sim=$!
started="$sim"
tries=0
until grep -q '^ready ' ready.txt; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] && kill -0 "$sim" 2>/dev/null || { echo "the simulator did not start" >&2; exit 1; }
    sleep 0.1
done
cat ready.txt

# Passwords have names: this file says where a value is, never what it is.
cat >auths.yaml <<YAML
auths:
  lab: {username: root, password: env:BMC_PASSWORD}
proxies:
  jump: {url: "socks5h://127.0.0.1:$socks", match: site=c}
YAML
export BMC_PASSWORD=calvin

listen=$(port 9815)
cat >serve.yaml <<YAML
listen: ["127.0.0.1:$listen"]
state: state
grace: 2s
jobs:
  power:
    pipelines: [thermal_power]
    inventory: [hosts.txt]
    auths: auths.yaml
    proxies: auths.yaml
    caFile: ca.pem
    every: 20s
    maxAge: 60s
    timeouts: {request: 5s, target: 15s}
  health:
    pipelines: [health]
    inventory: [hosts.txt]
    auths: auths.yaml
    proxies: auths.yaml
    caFile: ca.pem
    every: 45s
    timeouts: {request: 5s, target: 15s}
YAML
show "cat serve.yaml"
cat serve.yaml
show "fleet serve --config serve.yaml &"
"$fleet" serve --config serve.yaml --log-format json >serve.log 2>&1 &
serve=$!
started="$serve $sim"
"$python" "$here/seen.py" "http://127.0.0.1:$listen" "$serve" || { tail -n 5 serve.log >&2; exit 1; }

if command -v prometheus >/dev/null 2>&1; then
    web=$(port 9090)
    cat >prometheus.yaml <<YAML
global: {scrape_interval: 5s}
scrape_configs:
- job_name: fleet
  static_configs: [{targets: ['127.0.0.1:$listen']}]
- job_name: bmc
  metrics_path: /probe
  scrape_interval: 20s
  http_sd_configs: [{url: 'http://127.0.0.1:$listen/sd?job=power'}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: '127.0.0.1:$listen'}
YAML
    prometheus --config.file=prometheus.yaml --storage.tsdb.path=prometheus --web.listen-address="127.0.0.1:$web" \
        >prometheus.log 2>&1 &
    started="$! $started"
    prometheus="http://127.0.0.1:$web/graph?g0.expr=max_over_time(redfish_temperature_celsius%5B5m%5D)&g0.tab=0"
else
    prometheus="(not installed: apt-get install prometheus, and there would be one here)"
fi

printf '\n  %sThe page     http://127.0.0.1:%s/%s\n' "$bold" "$listen" "$plain"
printf '  by heat      http://127.0.0.1:%s/#/fleet?colour=redfish_temperature_celsius\n' "$listen"
printf '  Prometheus   %s\n\n' "$prometheus"
if [ -n "${FOR:-}" ]; then
    sleep "$FOR" & # a signal ends the wait, and would wait for a sleep that is not in the background
    wait $! || true
    "$python" "$here/seen.py" "http://127.0.0.1:$listen" "$serve" --all
    finish
    echo "Stopped after $FOR s, as asked."
else
    echo "Ctrl-C stops all of it. The log is $work/serve.log."
    wait "$serve" || { tail -n 5 serve.log >&2; exit 1; }
fi
