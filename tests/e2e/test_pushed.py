"""`fleet scan --pushgateway`: what a batch job leaves behind, and what a dead gateway does not change."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from fleet_process import Place
from ports import free_port


@pytest.fixture
def lab(place: Place) -> Iterator[Place]:
    with place.simulator("--hosts", 3, "--write-hosts", "hosts.txt"):
        yield place


@pytest.fixture
def gateway() -> Iterator[HTTPServer]:
    """What a gateway would get."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            got.append((self.command, self.path, self.headers.get("authorization"), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    got: list[tuple[str, str, str | None, str]] = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got = got  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


QUICK = ("hosts.txt", "-p", "probe", "--retries", 0)


def test_a_scan_pushes_once_at_its_end(lab: Place, gateway: HTTPServer) -> None:
    url = f"http://127.0.0.1:{gateway.server_port}/prefix/"
    lab.write("auths.yaml", "auths:\n  push: {username: u, password: env:PUSH}\n")
    end = lab.scan(
        *QUICK,
        *("--pushgateway", url, "--push-group", "site=dc1", "--shard", "0/1"),
        *("--auths", "auths.yaml", "--push-auth", "push"),
        "--allow-plaintext-credentials",
        env={"PUSH": "p"},
    )
    assert end.status == 0, end.err
    ((method, path, login, body),) = gateway.got  # type: ignore[attr-defined]
    assert (method, login) == ("PUT", "Basic dTpw")
    assert path == "/prefix/metrics/job/fleet_scan/spec/redfish/pipeline/probe/shard@base64/MC8x/site/dc1"
    assert 'fleet_targets{pipeline="probe",status="ok"} 3' in body


def test_a_dead_gateway_is_said_and_changes_nothing(lab: Place) -> None:
    end = lab.scan(*QUICK, "--pushgateway", f"http://127.0.0.1:{free_port()}", "--quiet")
    assert end.status == 0
    assert "the metrics were not pushed: --pushgateway http://127.0.0.1:" in end.err
    assert "connect.refused" in end.err
    assert lab.summary()["statuses"]["ok"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pushgateway", "http://127.0.0.1:1", "--target-metrics"), "never forgets the series of a target"),
        (("--pushgateway", "gateway:9091"), "starts with http:// or https://"),
        (("--push-group", "site=a"), "go with --pushgateway"),
        (("--pushgateway", "http://127.0.0.1:1", "--push-group", "job=a"), "has this name already"),
        (("--pushgateway", "http://127.0.0.1:1", "--push-auth", "no"), "no credential is named 'no'"),
    ],
)
def test_what_cannot_be_pushed_is_said_before_the_scan(
    lab: Place, options: tuple[str, ...], message: str
) -> None:
    end = lab.scan(*QUICK, *options)
    assert end.status == 2
    assert message in end.err
    assert not (lab.folder / "run").exists()
