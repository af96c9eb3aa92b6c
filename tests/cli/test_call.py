"""`fleet call` against an HTTP server: what is asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fleet.cli.entry import run

DESCRIPTION = """\
openapi: 3.1.0
info: {title: Devices, version: "1"}
paths:
  /devices:
    get:
      operationId: listDevices
      parameters:
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: site, in: query, schema: {type: string}}
      responses: {"200": {description: Devices}}
"""


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_description_whose_operations_all_need_parameters_or_give_no_json(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "  /page: {get: {responses: {'200': {description: P, content: {text/html: {}}}}}}\n"
    one = "  /devices/{id}: {get: {operationId: one, responses: {}}}\n"
    head = DESCRIPTION.partition("  /devices:")[0]
    (tmp_path / "api.yaml").write_text(head + page + one, encoding="utf-8")
    assert run(["call", url, "one", "-s", str(tmp_path / "api.yaml"), "-p", "id=7"]) == 0
    assert capsys.readouterr().out == '"/devices/7"\n'
    assert run(["check", str(tmp_path / "api.yaml")]) == 2
    assert "has no GET that needs no parameter and gives JSON" in capsys.readouterr().err


def test_a_parameter_that_is_given_more_than_once_is_a_list(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "api.yaml").write_text(DESCRIPTION, encoding="utf-8")
    asked = ("-p", "tag=a", "-p", "site=dc 1", "-p", "tag=b")
    status = run(["call", url, "listDevices", "-s", str(tmp_path / "api.yaml"), *asked])
    said = capsys.readouterr()
    assert (status, said.out, said.err) == (0, '"/devices?tag=a&tag=b&site=dc%201"\n', "")


def test_a_parameter_that_is_missing_says_how_it_is_given(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = "  /devices/{id}: {get: {operationId: one, responses: {}}}\n"
    (tmp_path / "api.yaml").write_text(DESCRIPTION + one, encoding="utf-8")
    assert run(["call", url, "one", "-s", str(tmp_path / "api.yaml")]) == 2
    told = capsys.readouterr().err
    assert told == "fleet: one needs the parameter id\n  give parameters with -p NAME=VALUE\n"
