"""A planted password is in nothing that fleet writes, prints, logs or shows of itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any
from urllib.parse import quote

import pytest
from fleet_process import FLEET, Ended, Place

pytestmark = pytest.mark.long

CANARY = "c4nary-Pass/wörd+=&"
OTHER = "0ther-c4nary/word"
USER = "root"


def shapes(secret: str) -> set[bytes]:
    """A secret as it is, and as it would look where something has encoded it."""
    pair = f"{USER}:{secret}".encode()
    texts = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    encoded = {base64.b64encode(pair), base64.urlsafe_b64encode(pair), base64.b64encode(secret.encode())}
    return {text.encode() for text in texts} | encoded | {secret.encode("latin-1", "replace")}


SHAPES = shapes(CANARY) | shapes(OTHER)


def leaks(data: bytes) -> set[bytes]:
    return {shape for shape in SHAPES if shape in data}


def leaking_files(folder: Path) -> dict[str, set[bytes]]:
    """Files under a folder that hold a secret, but for the one that is meant to."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "secret.txt" and (inside := leaks(path.read_bytes())):
            found[str(path.relative_to(folder))] = inside
    return found


@pytest.fixture(scope="module")
def lab(module_place: Place) -> Iterator[Place]:
    """Hosts that want the password: most are fine, one refuses it, one forbids, one dies, one shows it."""
    place = module_place
    place.write("secret.txt", CANARY + "\n")
    place.env |= {"PASSWORD": CANARY, "OTHER": OTHER, "FLEET_DEBUG": "1"}
    place.write("auths.yaml", f"auths:\n  lab: {{username: {USER}, password: env:PASSWORD}}\n")
    place.write("file.yaml", f"auths:\n  lab: {{username: {USER}, password: file:secret.txt}}\n")
    place.write("wrong.yaml", f"auths:\n  lab: {{username: {USER}, password: env:OTHER}}\n")
    faults = [
        {"match": "127.1.0.2", "fault": "auth.rejected"},
        {"match": "127.1.0.3", "fault": "auth.forbidden"},
        {"match": "127.1.0.4", "fault": "truncated"},
        {"match": "127.1.0.5", "fault": "no-sessions"},
        {"match": "127.1.0.6", "fault": "redirect.blocked"},
        {"match": "127.1.0.7", "fault": "refuse"},
        {"match": "127.1.0.8", "fault": "login-page"},
    ]
    place.write("faults.json", json.dumps(faults))
    (place.folder / "full.jsonl").symlink_to("/dev/full")
    hosts = ("--hosts", 10, "--tls", "--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
    # The simulator is told the password in its arguments: it is the host's, and throw-away by its own words.
    with place.simulator(*hosts, "--faults", "faults.json", "--auth", f"{USER}:{CANARY}"):
        yield place


ACCESS = ("--auths", "auths.yaml", "--cacert", "ca.pem")
QUICK = ("-p", "probe", "--retries", 0)
COMMANDS: dict[str, tuple[Any, ...]] = {
    "scan": (
        *("scan", "hosts.txt", *ACCESS, "--metrics-file", "m.prom", "--target-metrics", "-o", "-"),
        *("--log-level", "debug", "--log-format", "json", "--run-dir", "run", "--retries", 0),
    ),
    "from-a-file": (
        "scan",
        "hosts.txt",
        "--auths",
        "file.yaml",
        "--cacert",
        "ca.pem",
        *QUICK,
        "--log-format",
        "console",
    ),
    "wrong": ("scan", "hosts.txt", "--auths", "wrong.yaml", "--cacert", "ca.pem", "--retries", 0),
    "dry-run": ("scan", "hosts.txt", *ACCESS, "--dry-run"),
    "show": ("show", "run", "system"),
    "resume": ("resume", "run", "--kind", "auth,protocol"),
    "check": ("check", "redfish", "hosts.txt", "--auths", "auths.yaml"),
    "unwritable": ("scan", "hosts.txt", *ACCESS, *QUICK, "-o", "full.jsonl"),
    "unknown-option": ("scan", "hosts.txt", *ACCESS, "--pasword", "x"),
    "bad-spec": ("scan", "hosts.txt", *ACCESS, "--spec", "auths.yaml"),
}


@pytest.fixture(scope="module")
def ended(lab: Place) -> dict[str, Ended]:
    """Every command, one after the other, with the debug log on."""
    env = {"FLEET_LOGGING_HANDLERS": "debug"}
    done = {name: lab.fleet(*arguments, env=env) for name, arguments in COMMANDS.items()}
    first = (lab.folder / "hosts.txt").read_text(encoding="utf-8").split()[0]
    call = ("call", first, "listSystems", *ACCESS)
    done["call"] = lab.fleet(*call, env=env)
    done["against"] = lab.fleet("check", "redfish", "--against", first, *ACCESS, env=env)
    return done


def test_the_commands_did_what_they_should(ended: dict[str, Ended]) -> None:
    statuses = {name: end.status for name, end in ended.items()}
    assert statuses == {
        "scan": 0,
        "from-a-file": 0,
        "wrong": 1,
        "dry-run": 0,
        "show": 0,
        "resume": 0,
        "check": 0,
        "unwritable": 74,
        "unknown-option": 2,
        "bad-spec": 2,
        "call": 0,
        "against": 0,
    }, {name: end.err[-600:] for name, end in ended.items() if end.status not in {0, 2}}


def test_nothing_that_was_said_holds_it(ended: dict[str, Ended]) -> None:
    said = {name: leaks((end.out + end.err).encode(errors="surrogateescape")) for name, end in ended.items()}
    assert {name: found for name, found in said.items() if found} == {}


def test_no_file_that_was_written_holds_it(lab: Place, ended: dict[str, Ended]) -> None:
    written = [path for path in lab.folder.rglob("*") if path.is_file()]
    wanted = {"m.prom", "outcomes.jsonl", "manifest.json", "summary.json", "fleet-debug.log"}
    assert wanted <= {path.name for path in written}
    (log,) = (path for path in written if path.name == "fleet-debug.log")
    assert "/redfish/v1/Systems" in log.read_text(encoding="utf-8"), "requests are in the debug log"
    assert leaking_files(lab.folder) == {}


def test_the_session_tokens_of_hosts_are_in_no_file(lab: Place, ended: dict[str, Ended]) -> None:
    """Sessions end with the scan; still, a token is a password for a while."""
    for path in (lab.folder / "run").iterdir():
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        assert "x-auth-token" not in text.lower()


def test_no_argument_and_no_title_of_a_process_holds_it(lab: Place) -> None:
    """What everybody on the machine can read of a scan while it runs."""
    words = ["scan", "hosts.txt", *ACCESS, "-c", "1", "--log-level", "debug", "--log-format", "json"]
    with Popen(
        [FLEET, *words], cwd=lab.folder, env=lab.environment, stderr=PIPE, stdin=DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        with closing(process.stderr):
            assert any("scan.started" in line for line in process.stderr)
            proc = Path("/proc") / str(process.pid)
            assert leaks((proc / "cmdline").read_bytes() + (proc / "comm").read_bytes()) == set()
            process.terminate()
            for _ in process.stderr:  # it may say more than a pipe holds
                pass


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", f"https://{USER}:{OTHER}@127.1.0.1"),
        ("scan", "127.1.0.1", f"--password={OTHER}"),
        ("scan", "127.1.0.1", "--proxy", f"socks5h://{USER}:{OTHER}@127.0.0.1:1080"),
    ],
    ids=["target", "password", "proxy"],
)
def test_a_password_in_an_argument_is_refused_and_not_repeated(
    place: Place, arguments: tuple[str, ...]
) -> None:
    end = place.fleet(*arguments)
    assert end.status == 2
    assert leaks((end.out + end.err).encode()) == set()
    assert leaking_files(place.folder) == {}
