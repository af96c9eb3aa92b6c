"""The server of workload W: nginx on every address of 127.1/16, five static answers, plain and TLS."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

SIZES = (2100, 500, 6100, 8000, 2100)  # bytes of the answers
AT_ONCE = 256
PASSWORD = "p"
CONFIG = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log; worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off; default_type application/json; tcp_nodelay on; keepalive_requests 100000;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  open_file_cache max=100; root www; auth_basic w; auth_basic_user_file passwords;
  server {{ listen {http} backlog=4096; }}
  server {{ listen {https} ssl backlog=4096; ssl_certificate server.pem; ssl_certificate_key server.pem; }}
}}
"""
SPEC = """
fleet: "1"
info: {title: Workload, version: "1"}
api: api.json
defaults: {validate: warn}
steps:
  s0: {operation: get0, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s1: {operation: get1, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s2: {operation: get2, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s3: {operation: get3, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
  s4: {operation: get4, outputs: {id: Id, serial: SerialNumber, health: Status.Health}}
pipelines:
  all: {default: true, steps: [s0, s1, s2, s3, s4]}
metrics:
  workload_things: {help: Things, type: gauge, from: s0, value: count, labels: {id: id}}
"""


@dataclass(frozen=True)
class Place:
    """Where the server's files and the hosts' names are; `ports` by scheme."""

    folder: Path
    names: tuple[str, ...]
    ports: dict[str, int]
    server: str

    def urls(self, scheme: str, count: int) -> list[str]:
        return [f"{scheme}://{name}:{self.ports[scheme]}" for name in self.names[:count]]

    def hosts(self, scheme: str, count: int) -> Path:
        """A file of the first hosts' base URLs, a line each."""
        file = self.folder / f"{scheme}-{count}.txt"
        file.write_text("".join(f"{url}\n" for url in self.urls(scheme, count)))
        return file

    def curl(self, scheme: str, count: int) -> Path:
        """What curl is to do. It begins transfers in this order and reuses a connection that is free by then:
        so all first requests of as many hosts as may run at once, then all second ones."""
        lines = ["parallel", f"parallel-max = {AT_ONCE}", "silent", "insecure", f'user = "u:{PASSWORD}"']
        urls = self.urls(scheme, count)
        for start in range(0, count, AT_ONCE):
            for number in range(len(SIZES)):
                for url in urls[start : start + AT_ONCE]:
                    lines += [f'url = "{url}/r{number}"', "output = /dev/null"]
        file = self.folder / f"{scheme}-{count}.curl"
        file.write_text("\n".join(lines))
        return file


@contextmanager
def serve(folder: Path, hosts: int, config: str = CONFIG) -> Iterator[Place]:
    """nginx for so many hosts, with everything that the peers read in `folder`."""
    names = tuple(f"127.1.{number // 250}.{number % 250 + 1}" for number in range(hosts))
    ports = {scheme: _free_port() for scheme in ("http", "https")}
    _write(folder, ports, config)
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.strip()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(ports["http"])
            yield Place(folder, names, ports, version.rpartition(" ")[2])
        finally:
            server.terminate()


def _write(folder: Path, ports: dict[str, int], config: str) -> None:
    (folder / "www").mkdir()
    folder.chmod(0o755)  # nginx's worker is another user where it is started by root
    for number, size in enumerate(SIZES):
        (folder / "www" / f"r{number}").write_text(_body(number, size))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("127.1.0.1", key_type=trustme.KeyType.RSA)
    (folder / "server.pem").write_bytes(issued.private_key_and_cert_chain_pem.bytes())
    (folder / "passwords").write_text(f"u:{{PLAIN}}{PASSWORD}\n")
    (folder / "nginx.conf").write_text(config.format(**ports))
    (folder / "api.json").write_text(json.dumps(_description()))
    (folder / "w.yaml").write_text(SPEC.replace("value: count", "value: '`1`'"))
    (folder / "auths.yaml").write_text("auths: {w: {username: u, password: env:BENCH_PASSWORD}}\n")


def _body(number: int, size: int) -> str:
    status = {"Health": "OK", "State": "Enabled"}
    body = {"Id": f"r{number}", "Name": "Thing", "Status": status, "Model": "M1", "SerialNumber": "S1"}
    members: list[dict[str, object]] = []
    while len(json.dumps({**body, "Members": members})) < size - 80:
        at = len(members)
        members.append({"Path": f"/r{number}/m{at}", "Name": f"Member {at}", "Value": at * 1.5, "On": True})
    return json.dumps({**body, "Members": members})


def _description() -> dict[str, object]:
    text, reference = {"type": "string"}, "#/components/schemas/"
    schemas = {
        "Thing": {
            "type": "object",
            "required": ["Id", "Name", "Members"],
            "properties": {
                **dict.fromkeys(("Id", "Name", "Model", "SerialNumber"), text),
                "Status": {
                    "type": "object",
                    "properties": {"Health": {"type": "string", "enum": ["OK", "Critical"]}, "State": text},
                },
                "Members": {"type": "array", "items": {"$ref": f"{reference}Member"}},
            },
        },
        "Member": {
            "type": "object",
            "required": ["Path"],
            "properties": {
                "Path": text,
                "Name": text,
                "Value": {"type": "number"},
                "On": {"type": "boolean"},
            },
        },
    }
    answer = {
        "description": "fine",
        "content": {"application/json": {"schema": {"$ref": f"{reference}Thing"}}},
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Workload", "version": "1"},
        "servers": [{"url": "/"}],
        "security": [{"basic": []}],
        "paths": {
            f"/r{number}": {"get": {"operationId": f"get{number}", "responses": {"200": answer}}}
            for number in range(len(SIZES))
        },
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}, "schemas": schemas},
    }


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.1.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("nginx did not start")
