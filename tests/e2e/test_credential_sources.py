"""Credentials from helpers, stores and files that change while a scan runs; their values are in no output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from fleet_process import Ended, Place

CANARY = "c4nary-from-a-source"
TOKEN = "hvs.c4nary-token-of-vault"
ACCESS = ("--auths", "auths.yaml", "--cacert", "ca.pem", "--retries", 0)


@pytest.fixture
def lab(place: Place) -> Iterator[Place]:
    """Twelve hosts that want the password."""
    hosts = ("--hosts", 12, "--tls", "--write-hosts", "hosts.txt", "--write-ca", "ca.pem")
    with place.simulator(*hosts, "--auth", f"root:{CANARY}"):
        yield place


def helper(place: Place, body: str) -> None:
    path = place.write("helper", f"#!{sys.executable}\nimport json, os, sys\n{body}\n")
    path.chmod(0o700)


def auths(place: Place, **auth: object) -> None:
    place.write("auths.yaml", json.dumps({"auths": {"lab": auth}}))


def leaks(place: Place, end: Ended) -> list[str]:
    """Where a secret stands: what was said, and every file but those that are meant to hold it."""
    found = ["said"] if CANARY in end.out + end.err or TOKEN in end.out + end.err else []
    for path in place.folder.rglob("*"):
        if path.is_file() and path.name not in ("helper", "password", "token"):
            data = path.read_bytes()
            found += [str(path)] if CANARY.encode() in data or TOKEN.encode() in data else []
    return found


DEBUG = ("--log-level", "debug", "--log-format", "json")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_helper_gives_each_target_its_own(lab: Place, workers: int) -> None:
    helper(
        lab, f"print(json.dumps({{'username': 'root', 'password': '{CANARY}'}}))\nopen('ran', 'a').write('x')"
    )
    auths(lab, exec=["./helper", "{host}"])
    end = lab.scan("hosts.txt", *ACCESS, *DEBUG, "--workers", workers)
    assert end.status == 0, end.err
    assert {outcome["status"] for outcome in lab.outcomes().values()} == {"ok"}
    assert (lab.folder / "ran").stat().st_size == 12
    assert leaks(lab, end) == []


def test_a_helper_for_all_runs_once_and_before_anything_is_connected(lab: Place) -> None:
    helper(
        lab, f"print(json.dumps({{'username': 'root', 'password': '{CANARY}'}}))\nopen('ran', 'a').write('x')"
    )
    auths(lab, exec=["./helper"])
    end = lab.scan("hosts.txt", *ACCESS)
    assert end.status == 0, end.err
    assert (lab.folder / "ran").stat().st_size == 1
    helper(lab, f"print('{CANARY}', file=sys.stderr); sys.exit(4)")
    end = lab.scan("hosts.txt", *ACCESS, run="other")
    assert end.status == 2
    assert "the helper of lab: it failed with status 4" in end.err
    assert leaks(lab, end) == []
    assert not (lab.folder / "other").exists()


def test_a_target_without_a_credential_is_a_failure_that_resumes(lab: Place) -> None:
    good = f"print(json.dumps({{'username': 'root', 'password': '{CANARY}'}}))"
    helper(lab, f"if sys.argv[1].endswith('.3'): sys.exit(1)\n{good}")
    auths(lab, exec=["./helper", "{host}"])
    lab.scan("hosts.txt", *ACCESS)
    kinds = [found["failure"]["kind"] for found in lab.outcomes().values() if "failure" in found]
    assert kinds == ["auth.unavailable"]
    helper(lab, good)
    end = lab.fleet("resume", "run", "--kind", "auth", "--no-progress")
    assert end.status == 0, end.err
    assert lab.summary()["statuses"]["ok"] == 12


def test_a_password_that_is_rotated_while_the_scan_runs_costs_no_target(lab: Place) -> None:
    """The first refusal finds the new password in the file: an atomic swap, as Kubernetes does it."""
    for number, value in ((1, "outdated"), (2, CANARY)):
        state = lab.folder / f"..{number}"
        state.mkdir()
        (state / "password").write_text(value + "\n")
        (state / "password").chmod(0o600)
    (lab.folder / "..data").symlink_to("..1")
    (lab.folder / "password").symlink_to("..data/password")
    auths(lab, username="root", password="file:password")
    fifo = lab.folder / "late.txt"
    os.mkfifo(fifo)
    with lab.start("scan", "late.txt", *ACCESS, "--run-dir", "late", "--no-progress") as process:
        with fifo.open("w") as feed:  # opened once the credentials have been read
            (lab.folder / "..fresh").symlink_to("..2")
            (lab.folder / "..fresh").rename(lab.folder / "..data")
            feed.write((lab.folder / "hosts.txt").read_text())
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert {outcome["status"] for outcome in lab.outcomes("late").values()} == {"ok"}
    assert CANARY not in said


@pytest.fixture
def vault(lab: Place) -> Iterator[HTTPServer]:
    """Vault with one secret for each host."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            good = self.headers["x-vault-token"] == TOKEN
            data = {"data": {"data": {"username": "root", "password": CANARY}}}
            body = json.dumps(data if good else {"errors": ["permission denied"]}).encode()
            self.send_response(200 if good else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked = asked  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def test_vault_gives_each_target_its_own(lab: Place, vault: HTTPServer) -> None:
    (lab.folder / "token").write_text(TOKEN)
    (lab.folder / "token").chmod(0o600)
    address = f"http://127.0.0.1:{vault.server_port}"
    spec = {
        "auths": {"lab": {"vault": "bmc/{host}"}},
        "vault": {"address": address, "token": "file:token"},
    }
    lab.write("auths.yaml", json.dumps(spec))
    end = lab.scan("hosts.txt", *ACCESS, *DEBUG)
    assert end.status == 0, end.err
    assert sorted(vault.asked) == sorted(  # type: ignore[attr-defined]
        f"/v1/secret/data/bmc/127.1.0.{n}" for n in range(1, 13)
    )
    assert leaks(lab, end) == []


def test_a_dry_run_asks_for_no_targets_own_credential(lab: Place) -> None:
    helper(lab, "open('ran', 'a').write('x')")
    auths(lab, exec=["./helper", "{host}"])
    end = lab.fleet("scan", "hosts.txt", *ACCESS, "--dry-run")
    assert end.status == 0, end.err
    assert not Path(lab.folder / "ran").exists()
