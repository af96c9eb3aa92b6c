"""What it costs to start: CPU time of whole commands, by that of a bare interpreter with its first imports.

    python -m benchmarks.start [ROUNDS]        (default: 7)
    python -m benchmarks.start --instructions  (needs valgrind)

`yard` is `python -c "import asyncio, ssl, click"`. `scan` is one simulated host over plain HTTP with the
built-in spec, `scan-tls` the same over TLS, `scan-auths` with a file of credentials, `scan-dmtf` with the
DMTF's own description, cached (where `FLEET_SHARED`, by default `shared` beside the checkout, has it),
`cold-dmtf` without the cache. Rounds are interleaved. Figures go to `benchmarks/results/start.jsonl`; the
budgets are ratios to `yard`.

Seconds say little on a machine that does other things. `--instructions` counts what each command executes,
scans with `--quiet`, and stores nothing: the same on any machine with the same Python and libraries, to
within 1 %.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures.check import judge
from benchmarks.figures.results import about, keep

FLEET = "import sys; from fleet.cli import main; sys.exit(main())"
ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("FLEET_SHARED") or ROOT.parent / "shared")
DMTF = SHARED / "data" / "redfish-2021.4" / "openapi" / "openapi.yaml"


def simulated(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """A simulated host in a process of its own, and its inventory."""
    hosts = folder / f"hosts{len(options)}.txt"
    command = [sys.executable, "-c", FLEET, "sim", "--hosts", "1", "--write-hosts", str(hosts), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process, str(hosts)


@contextmanager
def served() -> Iterator[tuple[Path, dict[str, list[str]]]]:
    """A folder, and the commands, whose hosts answer meanwhile."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled; so are we, at once
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hosts = [simulated(folder), simulated(folder, "--tls")]
        try:
            yield folder, commands(folder, *(listed for _, listed in hosts))
        finally:
            for process, _ in hosts:
                process.terminate()
                process.wait()


def spec_of_dmtf(folder: Path) -> str:
    """The built-in spec, with the DMTF's description in place of ours."""
    text = (ROOT / "configs" / "redfish.yaml").read_text()
    spec = folder / "dmtf.yaml"
    spec.write_text(text.replace("api: openapi/redfish.yaml", f"api: {DMTF}"))
    return str(spec)


def auths_of(folder: Path) -> str:
    """A file of one credential, whose password is in a file beside it."""
    password = folder / "password"
    password.write_text("p\n")
    password.chmod(0o600)
    auths = folder / "auths.yaml"
    auths.write_text("auths: {all: {username: root, password: file:password}}\n")
    return str(auths)


def commands(folder: Path, plain: str, tls: str) -> dict[str, list[str]]:
    scan = [FLEET, "scan", "--pipeline", "probe", "--run-dir", str(folder / "run")]
    found = {
        "yard": ["import asyncio, ssl, click"],
        "help": [FLEET, "--help"],
        "scan": [*scan, plain],
        "scan-tls": [*scan, tls, "--insecure"],
        "scan-auths": [*scan, plain, "--auths", auths_of(folder)],
    }
    if DMTF.is_file():
        found["scan-dmtf"] = found["cold-dmtf"] = [*scan, plain, "--spec", spec_of_dmtf(folder)]
    return found


def cache_of(row: str, folder: Path) -> Path:
    """Where a command finds what earlier ones kept; a cold one finds nothing."""
    if not row.startswith("cold"):
        return folder / "cache"
    shutil.rmtree(folder / "cold", ignore_errors=True)
    return folder / "cold"


def cpu(row: str, command: list[str], folder: Path) -> float:
    """CPU seconds of one whole process, user and system."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    cache = cache_of(row, folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-c", *command],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{row}: status {ended.returncode}\n{ended.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def instructions(row: str, command: list[str], folder: Path) -> float:
    """Millions that one whole process executes outside of the kernel."""
    counting = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    quiet = ["--quiet"] if "scan" in command else []
    for _ in range(2):  # the first fills caches
        shutil.rmtree(folder / "run", ignore_errors=True)
        cache = cache_of(row, folder)
        ended = subprocess.run(
            [*counting, sys.executable, "-c", *command, *quiet],
            env={**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONHASHSEED": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        found = re.search(r"I +refs: +([\d,]+)", ended.stderr)
        if ended.returncode or found is None:
            raise SystemExit(f"{row}: status {ended.returncode}\n{ended.stderr}")
    return int(found[1].replace(",", "")) / 1e6


def main(arguments: list[str]) -> int:
    if arguments == ["--instructions"]:
        return count()
    rounds = int(arguments[0]) if arguments else 7
    lines = []
    with served() as (folder, rows):
        for round_ in range(rounds + 1):
            for row, command in rows.items():
                taken = cpu(row, command, folder)
                line = {"row": row, "side": "fleet", "cpu": taken, "round": round_, **about()}
                if round_:  # the first fills caches
                    lines.append(line)
    for row in rows:
        seconds = sorted(float(str(line["cpu"])) for line in lines if line["row"] == row)
        print(f"{row:10} least {seconds[0]:.3f} s  median {seconds[len(seconds) // 2]:.3f} s", flush=True)
    keep("start", lines)
    return judge("start")


def count() -> int:
    with served() as (folder, rows):
        for row, command in rows.items():
            print(f"{row:10} {instructions(row, command, folder):,.0f} million instructions", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
