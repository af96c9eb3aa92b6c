"""How an engine builds the image, and how one runs it: read-only, without a capability, as no root.

Docker and podman do both. Where neither runs (in a sandbox without cgroups, in a build pod), buildah builds
in a chroot, and what was built is used in namespaces of its own by unshare(1): the same restrictions, by
hand.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

STORE = """[storage]
driver = "vfs"
graphroot = "{folder}/graph"
runroot = "{folder}/running"
"""
READ_ONLY = """set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/work"
mount -o remount,bind,ro "$1"
root=$1 user=${3%:*} group=${3#*:}; shift 3
set -- --root="$root" --wd=/work --setuid "$user" --setgid "$group" "$@"
exec setpriv --no-new-privs --inh-caps=-all unshare "$@"
"""


class Engine(Protocol):
    """What the checks need. Commands are words; `work` is mounted at /work."""

    name: str

    def has(self, image: str) -> bool: ...
    def pull(self, image: str) -> bool: ...
    def load(self, rootfs: Path, image: str, env: Mapping[str, str]) -> None: ...
    def build(self, folder: Path, image: str, arguments: Mapping[str, str]) -> None: ...
    def settings(self, image: str) -> dict[str, Any]: ...
    def run(self, image: str, work: Path, *command: str) -> subprocess.CompletedProcess[str]: ...
    def serving(self, image: str, work: Path, *command: str) -> Any: ...
    def files(self, image: str) -> Any: ...
    def done(self) -> None: ...


def say(*words: object) -> None:
    print(*words, flush=True)


def program(*command: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """A program to its end, with what it says."""
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **more
    )


def needed(*command: object, **more: Any) -> str:
    """What a program says that must succeed."""
    done = program(*command, **more)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:3]))}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


class Docker:
    """docker, or podman, which takes the same words."""

    LIMITS = (
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--network",
        "host",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self._form = ("--format", "docker") if name == "podman" else ()  # an OCI image has no HEALTHCHECK

    def has(self, image: str) -> bool:
        return program(self.name, "image", "inspect", image).returncode == 0

    def pull(self, image: str) -> bool:
        return program(self.name, "pull", "--quiet", image).returncode == 0

    def load(self, rootfs: Path, image: str, env: Mapping[str, str]) -> None:
        changes = [word for name, value in env.items() for word in ("--change", f"ENV {name}={value}")]
        needed(self.name, "import", *changes, rootfs, image)

    def build(self, folder: Path, image: str, arguments: Mapping[str, str]) -> None:
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        needed(self.name, "build", *self._form, "--network", "host", *given, "--tag", image, folder)

    def settings(self, image: str) -> dict[str, Any]:
        return dict(json.loads(needed(self.name, "image", "inspect", image))[0]["Config"])

    def run(self, image: str, work: Path, *command: str) -> subprocess.CompletedProcess[str]:
        entry = ("--entrypoint", command[0]) if command[0] != "fleet" else ()
        given = ("--env", "BMC_PASSWORD=calvin", "--volume", f"{work}:/work", *entry, image)
        return program(self.name, "run", "--rm", *self.LIMITS, *given, *command[1:])

    @contextmanager
    def serving(self, image: str, work: Path, *command: str) -> Iterator[Any]:
        given = ("--env", "BMC_PASSWORD=calvin", "--volume", f"{work}:/work", image)
        container = needed(self.name, "run", "--detach", *self.LIMITS, *given, *command[1:])
        try:
            yield lambda *asked: program(self.name, "exec", container, *asked)
        finally:
            needed(self.name, "stop", "--time", "20", container)
            needed(self.name, "rm", container)

    @contextmanager
    def files(self, image: str) -> Iterator[Path]:
        container = needed(self.name, "create", image)
        with tempfile.TemporaryDirectory() as folder:
            try:
                tar = Path(folder, "all.tar")
                needed(self.name, "export", "--output", tar, container)
                root = Path(folder, "root")
                root.mkdir()
                needed(
                    "tar",
                    "--extract",
                    "--file",
                    tar,
                    "--directory",
                    root,
                    "./opt",
                    "opt",
                    "--ignore-failed-read",
                )
                yield root
            finally:
                needed(self.name, "rm", container)

    def done(self) -> None:
        """Every container went when it ended."""


class Buildah:
    """buildah in a chroot, and unshare: root is needed, cgroups are not. What it makes is in the folder."""

    name = "buildah"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        storage = folder / "storage.conf"
        storage.write_text(STORE.format(folder=folder))
        self._env = os.environ | {"CONTAINERS_STORAGE_CONF": str(storage), "BUILDAH_ISOLATION": "chroot"}
        self._roots: dict[str, Path] = {}

    def _buildah(self, *words: object) -> str:
        return needed("buildah", *words, env=self._env)

    def has(self, image: str) -> bool:
        return program("buildah", "inspect", "--type", "image", image, env=self._env).returncode == 0

    def pull(self, image: str) -> bool:
        return program("buildah", "pull", "--quiet", image, env=self._env).returncode == 0

    def load(self, rootfs: Path, image: str, env: Mapping[str, str]) -> None:
        container = self._buildah("from", "scratch")
        self._buildah("add", container, rootfs, "/")
        for name, value in env.items():
            self._buildah("config", "--env", f"{name}={value}", container)
        self._buildah("commit", "--rm", container, image)

    def build(self, folder: Path, image: str, arguments: Mapping[str, str]) -> None:
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        form = ("--format", "docker", "--pull-never", "--network", "host", "--layers=false")
        self._buildah("bud", *form, *given, "--tag", image, folder)

    def settings(self, image: str) -> dict[str, Any]:
        return dict(json.loads(self._buildah("inspect", "--type", "image", image))["Docker"]["config"])

    def run(self, image: str, work: Path, *command: str) -> subprocess.CompletedProcess[str]:
        with self.files(image) as root:
            return program(*self._restricted(image, root, work, command), env=self._inside(image))

    @contextmanager
    def serving(self, image: str, work: Path, *command: str) -> Iterator[Any]:
        with self.files(image) as root:
            started = self._restricted(image, root, work, command)
            with (work / "serve.log").open("w") as log:
                process = subprocess.Popen(started, env=self._inside(image), stdout=log, stderr=log)
            user = self.settings(image)["User"].partition(":")[0]

            def child() -> str:
                return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip()

            def asked(*words: str) -> subprocess.CompletedProcess[str]:
                enter = ("nsenter", "-t", child(), "-m", "-p", "-r", "-S", user, "-G", user)
                return program(*enter, *words, env=self._inside(image))

            try:
                yield asked
            finally:
                os.kill(int(child()), signal.SIGTERM)  # unshare(1) itself hears none while it waits
                process.wait(30)

    @contextmanager
    def files(self, image: str) -> Iterator[Path]:
        """One container for all that asks, as this store copies an image for each. Nothing writes into it."""
        if image not in self._roots:
            container = self._buildah("from", "--pull-never", image)
            self._roots[image] = Path(self._buildah("mount", container))
        yield self._roots[image]

    def done(self) -> None:
        if self._roots:
            self._buildah("rm", "--all")

    def _inside(self, image: str) -> dict[str, str]:
        """The environment that the image says, and nothing of this one."""
        said = dict(pair.split("=", 1) for pair in self.settings(image)["Env"])
        return {**said, "PATH": f"{said['PATH']}:/usr/sbin:/sbin", "BMC_PASSWORD": "calvin"}

    def _restricted(self, image: str, root: Path, work: Path, command: Sequence[str]) -> list[str]:
        user = self.settings(image)["User"]
        namespaces = ("unshare", "--mount", "--pid", "--fork", "--kill-child=SIGTERM")
        inside = command[0] if "/" in command[0] else f"/opt/fleet/bin/{command[0]}"
        return [*namespaces, "sh", "-c", READ_ONLY, "sh", str(root), str(work), user, inside, *command[1:]]


def engine(folder: Path) -> Engine | None:
    """The first engine of this machine that can run something; None where there is none."""
    for name in ("docker", "podman"):
        if shutil.which(name) and program(name, "info").returncode == 0 and _starts(name):
            return Docker(name)
    wanted = ("buildah", "unshare", "nsenter", "setpriv")
    if os.getuid() == 0 and all(map(shutil.which, wanted)):
        return Buildah(folder)
    return None


def _starts(name: str) -> bool:
    """Whether the engine can start anything at all; an image is not needed to see that it cannot."""
    if name == "docker":
        return True
    with tempfile.TemporaryDirectory() as folder:
        tried = program(name, "run", "--rm", "--network", "host", "--rootfs", folder, "/none")
    return "/none" in tried.stderr  # it came as far as to miss this


if __name__ == "__main__":
    found = engine(Path(tempfile.mkdtemp()))
    say(found.name if found else "none")
    sys.exit(0 if found else 1)
