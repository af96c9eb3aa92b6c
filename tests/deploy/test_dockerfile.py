"""The image is built elsewhere; what can be known from its recipe is checked here."""

from __future__ import annotations

import json
import re
import subprocess
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
from tools import tool

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
needs_hadolint = pytest.mark.skipif(tool("hadolint") is None, reason="no hadolint here (make deploy-tools)")


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments on one line; comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, " ".join(rest.split()))
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    start = max(index for index, (word, _) in enumerate(found) if word == "FROM")
    return found[start:]


def test_base_images_are_named_by_version() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base) for base in bases)


def test_everything_installed_from_an_index_is_pinned_by_hash() -> None:
    installs = [
        part
        for word, rest in instructions()
        if word == "RUN"
        for part in rest.split("&&")
        if "pip install" in part
    ]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_the_image_runs_as_a_number_that_is_not_root_and_needs_no_shell() -> None:
    stage = dict(last_stage())
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage["USER"])
    assert stage["ENTRYPOINT"] == '["fleet"]'
    assert stage["CMD"].startswith("[")
    assert "RUN" not in stage
    assert stage["STOPSIGNAL"] == "SIGTERM"


def test_what_is_copied_exists_and_is_sent_to_the_builder() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert any(fnmatch(source, pattern) for pattern in sent), source


def test_bytecode_holds_where_nobody_can_write_it_anew() -> None:
    built = " ".join(rest for word, rest in instructions() if word == "RUN")
    installs = [part for part in built.split("&&") if "/opt/fleet/bin/pip install" in part]
    assert installs
    assert all("--no-compile" in part for part in installs), "bytecode that goes by the time of its source"
    assert "compileall -q -f --invalidation-mode unchecked-hash /opt/fleet/lib" in built
    settings = " ".join(rest for word, rest in last_stage() if word == "ENV")
    assert "PYTHONDONTWRITEBYTECODE=1" in settings
    assert "XDG_CACHE_HOME=/tmp/" in settings, "/work is somebody's own directory"


def test_any_user_may_run_it_and_the_examples_do() -> None:
    (copied,) = (rest for word, rest in last_stage() if word == "COPY" and rest.endswith(" /top/ /"))
    assert "--chown=65532:0" in copied
    assert any("mkdir -m 0775 /top/work" in rest for word, rest in instructions() if word == "RUN")
    for place in (DOCKERFILE, ROOT / "docs" / "howto" / "systemd.md"):
        runs = [line for line in place.read_text().splitlines() if "docker run" in line]
        assert runs
        assert all('--user "$(id -u):$(id -g)"' in line for line in runs), place


def test_no_secret_is_asked_for_at_build_time() -> None:
    names = [rest.partition("=")[0] for word, rest in instructions() if word in ("ARG", "ENV")]
    assert names
    assert not [name for name in names if re.search(r"(?i)pass|secret|token|key|index_url", name)]


def test_its_health_is_that_of_the_service_and_takes_no_shell() -> None:
    health = dict(last_stage())["HEALTHCHECK"]
    command = json.loads(health[health.index("CMD") + 3 :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "HEALTHCHECK", "exec")
    assert "http://127.0.0.1:9815/-/healthy" in command[2]


def test_what_the_image_installs_is_small() -> None:
    """Of what is locked for it, as it lies in this environment; fleet itself is a few megabytes more."""
    lock = (ROOT / "requirements-runtime.lock").read_text()
    size = 0
    for name in re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE):
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        paths = (Path(str(file.locate())) for file in found.files or ())
        size += sum(path.stat().st_size for path in paths if path.is_file())
    assert 10 < size / 1e6 < 150


@needs_hadolint
def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [str(tool("hadolint")), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
