"""Builds the image of the Dockerfile and uses it as an orchestrator would: `make image`.

    python tests/deploy/image.py [--keep FOLDER]

Without an engine it says so and ends well. Where no registry can be reached, mmdebstrap makes a stand-in for
the base image, of the same Debian with its Python 3.11, and says so: the Dockerfile is the same one. With
--keep the base and what was built stay in the folder, for the next time.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines import Engine, engine, needed, say

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
IMAGE = "localhost/fleet:check"
LARGEST = 150  # MB of site-packages
PATIENCE = 120.0
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SERVE = """
listen: ["127.0.0.1:9815"]
state: state
jobs:
  health: {pipelines: [health], inventory: [hosts.txt], auths: auths.yaml, caFile: ca.pem, every: 5s}
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Build the image and use it.")
    parser.add_argument("--keep", type=Path, help="Keep the base and the image here.")
    given = parser.parse_args(arguments)
    folder = (given.keep or Path(tempfile.mkdtemp(prefix="fleet-image-"))).absolute()
    try:
        found = engine(folder)
        if found is None:
            say("There is no engine here (docker, podman; or buildah as root): the image was not built.")
            return 0
        say(f"engine: {found.name}")
        if not base(found, folder):
            say("The base image cannot be had, and there is no mmdebstrap to make a stand-in: not built.")
            return 0
        revision = needed("git", "-C", ROOT, "rev-parse", "HEAD") if (ROOT / ".git").exists() else "unknown"
        found.build(ROOT, IMAGE, {"VERSION": version(), "REVISION": revision})
        wrong = [what for what, holds in checks(found, folder, revision) if not told(what, holds)]
        found.done()
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    say(f"{len(wrong)} of what should hold does not" if wrong else "All of it holds.")
    return 1 if wrong else 0


def told(what: str, holds: bool) -> bool:
    say(f"  {'ok  ' if holds else 'NOT '} {what}")
    return holds


def version() -> str:
    return re.findall(r'__version__ = "(.+)"', (ROOT / "fleet" / "__init__.py").read_text())[0]


def base(found: Engine, folder: Path) -> bool:
    """See that the base image is there: from where it was, from a registry, or made."""
    (image,) = set(re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    whole = f"docker.io/library/{image}"
    if found.has(whole):
        say(f"base: {image}, as it is here")
        return True
    if found.pull(whole):
        say(f"base: {image}, pulled")
        return True
    if shutil.which("mmdebstrap") is None:
        return False
    say(f"base: no registry has {image} for us; a stand-in is made by mmdebstrap ...")
    rootfs = folder / "rootfs.tar"
    debian = image.rpartition("-")[2]
    packages = "python3-minimal,python3-venv,python3-pip,ca-certificates"
    named = 'for name in python python3; do ln -s /usr/bin/python3 "$1/usr/local/bin/$name"; done'
    # What this machine trusts, so that pip in the build reaches what pip here reaches.
    settings = f"[global]\\ncert = {CERTIFICATES}\\n"
    trusted = f'cp {CERTIFICATES} "$1{CERTIFICATES}" && printf "{settings}" >"$1/etc/pip.conf"'
    hooks = (f"--customize-hook={named}", f"--customize-hook={trusted}")
    needed("mmdebstrap", "--variant=minbase", f"--include={packages}", *hooks, debian, rootfs)
    found.load(rootfs, whole, {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"})
    rootfs.unlink()
    return True


def checks(found: Engine, folder: Path, revision: str) -> Any:
    """What should hold, and whether it does."""
    settings = found.settings(IMAGE)
    labels = {name.rpartition(".")[2]: value for name, value in settings["Labels"].items()}
    yield (
        f"labels: version {version()}, this revision, licence",
        ((labels["version"], labels["revision"], labels["licenses"]) == (version(), revision, "Apache-2.0")),
    )
    yield f"its user is {settings['User']}", re.fullmatch(r"[1-9]\d*:[1-9]\d*", settings["User"]) is not None
    yield "it has a health check", bool(settings.get("Healthcheck", {}).get("Test"))
    with found.files(IMAGE) as root:
        size = sum(
            path.lstat().st_size
            for path in next(root.glob("opt/fleet/lib/python3*/site-packages")).rglob("*")
        )
        yield f"site-packages take {size / 1e6:.0f} MB, at most {LARGEST}", size / 1e6 < LARGEST
        yield (
            "neither pip nor setuptools is left",
            not list(root.glob("opt/fleet/lib/python3*/site-packages/pip*")),
        )
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    work.chmod(0o777)
    said = found.run(IMAGE, work, "fleet", "--version")
    yield f"`fleet --version` says {said.stdout.strip()}", said.stdout.strip() == f"fleet {version()}"
    yield from restrictions(found, work)
    with simulated(work):
        yield from scanning(found, work)
        yield from serving(found, work, settings["Healthcheck"]["Test"][1:])


def restrictions(found: Engine, work: Path) -> Any:
    """What the process may do. Python looks from inside, for it is the one program that is needed."""
    look = (
        "import os, json, pathlib\n"
        "def written(path):\n"
        "    try: pathlib.Path(path).write_text('x')\n"
        "    except OSError: return False\n"
        "    return True\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "held = [line.split()[1] for line in status.splitlines() if line.startswith(('CapEff', 'CapPrm'))]\n"
        "paths = ('/x', '/opt/fleet/x', '/etc/x', '/tmp/x', 'x')\n"
        "print(json.dumps([os.getuid(), os.getpid(), held, [path for path in paths if written(path)]]))"
    )
    done = found.run(IMAGE, work, "/opt/fleet/bin/python", "-c", look)
    user, number, held, written = (
        json.loads(done.stdout) if done.returncode == 0 else (0, 0, [done.stderr], [])
    )
    yield f"it runs as user {user}, and is process 1", (user != 0, number) == (True, 1)
    yield "it has no capability", bool(held) and all(int(each, 16) == 0 for each in held)
    yield f"of its files it can write {', '.join(written)} alone", written == ["/tmp/x", "x"]
    shell = found.run(IMAGE, work, "/opt/fleet/bin/python", "-c", NO_SHELL)
    yield "what it runs is no script of a shell", shell.stdout.strip() == "python"


NO_SHELL = (
    "first = open('/opt/fleet/bin/fleet', 'rb').readline();"
    "print('python' if first.strip() == b'#!/opt/fleet/bin/python' else first)"
)


@contextmanager
def simulated(work: Path) -> Any:
    """Five hosts that a container on this machine's network reaches."""
    command = [Path(sys.executable).parent / "fleet", "sim", "--hosts", "5", "--tls", "--auth", "root:calvin"]
    files = ["--write-hosts", work / "hosts.txt", "--write-ca", work / "ca.pem"]
    (work / "auths.yaml").write_text("auths:\n  lab: {username: root, password: env:BMC_PASSWORD}\n")
    (work / "serve.yaml").write_text(SERVE)
    with subprocess.Popen([*command, *files], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline().startswith("ready"):
                raise SystemExit("the simulator did not start")
            yield
        finally:
            process.terminate()


def scanning(found: Engine, work: Path) -> Any:
    scan = (
        "scan",
        "hosts.txt",
        "--spec",
        "redfish",
        "--auths",
        "auths.yaml",
        "--cacert",
        "ca.pem",
        "--run-dir",
        "run",
    )
    done = found.run(IMAGE, work, "fleet", *scan)
    summary = work / "run" / "summary.json"
    reached = json.loads(summary.read_text()) if summary.exists() else {}
    yield f"a scan of 5 hosts ends with {done.returncode}", done.returncode == 0 or say(done.stderr[-800:])
    yield "its run is stored below /work", bool(reached)


def serving(found: Engine, work: Path, health: list[str]) -> Any:
    """The service, its health as the engine asks for it, and its end."""
    with socket.socket() as place:
        if place.connect_ex(("127.0.0.1", 9815)) == 0:
            say("  --   port 9815 is in use here: the service was not started")
            return
    with found.serving(IMAGE, work, "fleet", "serve", "--config", "serve.yaml") as inside:
        command = health if health[0] != "python" else ["/opt/fleet/bin/python", *health[1:]]
        yield "the service becomes healthy", until(lambda: inside(*command).returncode == 0)
        yield "it scans all five", until(lambda: scanned("http://127.0.0.1:9815") == 5)
    idle = found.run(IMAGE, work, *command)
    yield "the health check of another command is well", idle.returncode == 0
    log = (work / "serve.log").read_text() if (work / "serve.log").exists() else "service.stopped"
    yield "SIGTERM ends it in order", "service.stopped" in log


def scanned(url: str) -> int:
    with urllib.request.urlopen(f"{url}/api/v1/targets?status=ok", timeout=5) as answer:
        return int(json.load(answer)["total"])


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except (OSError, ValueError):
            pass
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
