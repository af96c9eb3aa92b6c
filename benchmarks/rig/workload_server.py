"""The server of workload W, plain and TLS: nginx on all addresses of 127.1/16; without it, `fleet sim`."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from benchmarks.rig import workload_files
from benchmarks.rig.process import PASSWORD
from benchmarks.rig.simulated import forget, simulated, totals, urls
from benchmarks.sides.workload_peers import AT_ONCE

__all__ = ["AT_ONCE", "CONFIG", "Place", "Served", "serve"]

CONFIG = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log; worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  log_format asked '$status $connection_requests'; access_log asked.log asked;
  default_type application/json; tcp_nodelay on; keepalive_requests 100000;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  open_file_cache max=100; root www; auth_basic w; auth_basic_user_file passwords;
  server {{ listen {http} backlog=4096; {place} }}
  ssl_certificate server.pem; ssl_certificate_key server.pem;
  server {{ listen {https} ssl backlog=4096; {place} }}
}}
"""
LOCATION = "location / { try_files $uri/index.json =404; }"
PATIENCE = 5.0  # seconds until a server has written what it was asked


@dataclass(frozen=True)
class Served:
    """What a server was asked: `answers` with status 200, `others`, and the connections that they came by."""

    answers: int
    others: int
    connections: int

    def __add__(self, more: Served) -> Served:
        return Served(
            self.answers + more.answers, self.others + more.others, self.connections + more.connections
        )


@dataclass(frozen=True)
class Place:
    """Where the hosts are and what everybody reads. `urls` by scheme; `served` tells what was asked since it
    was last called."""

    folder: Path
    urls: dict[str, list[str]]
    server: str
    served: Callable[[], Served]

    def hosts(self, scheme: str, count: int) -> Path:
        """A file of the first hosts' base URLs, a line each."""
        file = self.folder / f"{scheme}-{count}.txt"
        file.write_text("".join(f"{url}\n" for url in self.urls[scheme][:count]))
        return file

    def curl(self, scheme: str, count: int) -> Path:
        return workload_files.curl_list(self.folder / f"{scheme}-{count}.curl", self.urls[scheme][:count])

    def check(self, answers: int) -> Served:
        """What was asked, when every question had its answer; exits otherwise."""
        until, found = time.monotonic() + PATIENCE, self.served()
        while found.answers < answers and time.monotonic() < until:
            time.sleep(0.05)
            found += self.served()
        if found.answers != answers or found.others:
            raise SystemExit(f"{answers} questions were to be answered with 200: the server says {found}")
        return found


@contextmanager
def serve(folder: Path, hosts: int, config: str = CONFIG) -> Iterator[Place]:
    """A server for so many hosts, with everything that the peers read in `folder`; `config` is nginx's."""
    workload_files.write(folder)
    with by_nginx(folder, hosts, config) if shutil.which("nginx") else by_sim(folder, hosts) as place:
        yield place


@contextmanager
def by_nginx(folder: Path, hosts: int, config: str = CONFIG) -> Iterator[Place]:
    folder.chmod(0o755)  # its worker is another user where it is started by root
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert("127.1.0.1", key_type=trustme.KeyType.RSA)
    (folder / "server.pem").write_bytes(issued.private_key_and_cert_chain_pem.bytes())
    (folder / "passwords").write_text(f"u:{{PLAIN}}{PASSWORD}\n")
    ports = {scheme: _free_port() for scheme in ("http", "https")}
    (folder / "nginx.conf").write_text(config.format(**ports, place=LOCATION))
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.strip()
    names = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(hosts)]
    found = {scheme: [f"{scheme}://{name}:{port}" for name in names] for scheme, port in ports.items()}
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(ports["http"])
            yield Place(folder, found, version.rpartition(" ")[2], _Log(folder / "asked.log"))
        finally:
            server.terminate()


class _Log:
    """nginx's log of the questions, read on from where it was read before."""

    def __init__(self, file: Path) -> None:
        self.file, self.at = file, 0

    def __call__(self) -> Served:
        with self.file.open("rb") as log:
            log.seek(self.at)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.at += len(whole)
        lines = [line.split() for line in whole.splitlines()]
        good = sum(status == b"200" for status, _ in lines)
        return Served(good, len(lines) - good, sum(number == b"1" for _, number in lines))


@contextmanager
def by_sim(folder: Path, hosts: int) -> Iterator[Place]:
    """It costs more than nginx: a client's CPU time shows beside it, time on the wall does not."""
    with ExitStack() as stack:
        controls, found = [], {}
        for scheme, flags in (("http", ()), ("https", ("--tls",))):
            place = folder / scheme
            place.mkdir()
            wanted = ("--tree", str(folder / "www"), "--auth", f"u:{PASSWORD}", *flags)
            controls.append(stack.enter_context(simulated(place, hosts, *wanted)))
            found[scheme] = urls(place)
        yield Place(folder, found, "fleet sim", lambda: _told(controls))


def _told(controls: list[str]) -> Served:
    asked = connections = refused = 0
    for control in controls:
        found = totals(control)
        asked += found["requests"]
        connections += found["accepted"]
        refused += found["failed_logins"]
        forget(control)
    return Served(asked - refused, refused, connections)


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
