"""What hosts say of the secrets that they are sent reaches no log."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from served import Workshop

PASSWORD = "c4nary-of-one-target"
DESCRIPTION = """
openapi: 3.0.3
info: {title: echo, version: "1"}
components: {securitySchemes: {basic: {type: http, scheme: basic}}}
security: [{basic: []}]
paths: {/state: {get: {operationId: getState, responses: {"200": {description: ok}}}}}
"""
SPEC = """
fleet: "1"
info: {title: echo, version: "1"}
api: api.yaml
steps: {state: {operation: getState}}
pipelines: {state: {default: true, steps: [state]}}
"""
CONFIG = """
listen: ["127.0.0.1:0"]
state: state
jobs:
  health:
    spec: spec.yaml
    inventory: [echoes.txt]
    scheme: http
    auths: auths.yaml
    allowPlaintextCredentials: true
"""


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a host that sends whoever asks to an address made of the credential that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "none").rpartition(" ")[2]
            plain = base64.b64decode(given).decode() if given != "none" else given
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.9:1/{given}/{plain}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_password_that_one_target_got_from_a_helper_is_not_logged(
    workshop: Workshop, echo: str
) -> None:
    helper = workshop.write(
        "helper", f'#!{sys.executable}\nprint(\'{{"username": "root", "password": "{PASSWORD}"}}\')\n'
    )
    helper.chmod(0o700)
    for name, text in (("api.yaml", DESCRIPTION), ("spec.yaml", SPEC), ("echoes.txt", f"{echo}\n")):
        workshop.write(name, text)
    workshop.write("auths.yaml", "auths: {own: {exec: [./helper, '{host}']}}\n")
    async with workshop.serving(CONFIG) as served:
        assert (await served.round())["statuses"]["failed"] == 1
        told = [record["message"] for record in served.said("target.failed")]
        assert len(told) == 1 and "***" in told[0]
        log = served.log.getvalue()
        assert PASSWORD not in log and base64.b64encode(f"root:{PASSWORD}".encode()).decode() not in log
