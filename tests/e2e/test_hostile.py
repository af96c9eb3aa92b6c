"""Hosts that send the scanner elsewhere: a listener there never hears a byte."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fleet_process import Place, kinds

ROOT, SYSTEMS = "/redfish/v1/", "/redfish/v1/Systems"
SESSIONS = "/redfish/v1/SessionService/Sessions"
CANARY = "c4nary-Pass/word"
KEY = "c4nary-key"


@dataclass
class Host:
    """A small Redfish service whose answers one test bends; what it was asked."""

    elsewhere: str
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bend: dict[str, Callable[[str], tuple[int, dict[str, str], Any]]] = field(default_factory=dict)

    def answer(self, method: str, path: str) -> tuple[int, dict[str, str], Any]:
        bent = self.bend.get(f"{method} {path.partition('?')[0]}")
        if bent is not None:
            return bent(self.elsewhere)
        if method == "POST":
            return 201, {"X-Auth-Token": "c4nary-token", "Location": f"{SESSIONS}/1"}, {"Id": "1"}
        if method == "DELETE":
            return 204, {}, None
        if path == ROOT:
            links = {"Links": {"Sessions": {"@odata.id": SESSIONS}}}
            return 200, {}, {"RedfishVersion": "1.6.0", "Systems": {"@odata.id": SYSTEMS}, **links}
        if path == SYSTEMS:
            return 200, {}, {"Members": [{"@odata.id": f"{SYSTEMS}/1"}]}
        return 200, {}, {"Id": path.partition("?")[0].rpartition("/")[2]}


@contextmanager
def serving(address: str, host: Host) -> Iterator[str]:
    """Serves a host; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            host.asked.append((self.command, self.path, dict(self.headers)))
            status, headers, value = host.answer(self.command, self.path)
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = respond

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((address, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listening(address: str) -> Iterator[tuple[str, socket.socket]]:
    """A socket that accepts whoever comes: its URL, and the socket to ask whether anybody did."""
    with socket.create_server((address, 0)) as listener:
        listener.settimeout(0)
        yield f"http://{address}:{listener.getsockname()[1]}", listener


def nobody_came(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def redirect(status: int) -> Callable[[str], tuple[int, dict[str, str], Any]]:
    return lambda to: (status, {"Location": f"{to}{SYSTEMS}"}, None)


def authority(to: str) -> str:
    return to.removeprefix("http:")


# What a host does, and the failure that the outcome names; None: nothing is wrong with the data.
BENT: dict[str, tuple[str, Callable[[str], tuple[int, dict[str, str], Any]], str | None]] = {
    "redirect-301": (f"GET {SYSTEMS}", redirect(301), "redirect.blocked"),
    "redirect-302": (f"GET {SYSTEMS}", redirect(302), "redirect.blocked"),
    "redirect-307": (f"GET {SYSTEMS}", redirect(307), "redirect.blocked"),
    "redirect-308": (f"GET {SYSTEMS}", redirect(308), "redirect.blocked"),
    "redirect-without-scheme": (
        f"GET {SYSTEMS}",
        lambda to: (302, {"Location": f"{authority(to)}{SYSTEMS}"}, None),
        "redirect.blocked",
    ),
    "member": (
        f"GET {SYSTEMS}",
        lambda to: (200, {}, {"Members": [{"@odata.id": f"{to}{SYSTEMS}/1"}]}),
        "link.foreign",
    ),
    "member-without-scheme": (
        f"GET {SYSTEMS}",
        lambda to: (200, {}, {"Members": [{"@odata.id": f"{authority(to)}{SYSTEMS}/1"}]}),
        "link.foreign",
    ),
    "member-with-backslashes": (
        f"GET {SYSTEMS}",
        lambda to: (200, {}, {"Members": [{"@odata.id": authority(to).replace("/", "\\") + SYSTEMS}]}),
        "link.foreign",
    ),
    "next-page": (
        f"GET {SYSTEMS}",
        lambda to: (
            200,
            {},
            {"Members": [{"@odata.id": f"{SYSTEMS}/1"}], "Members@odata.nextLink": f"{to}{SYSTEMS}?page=2"},
        ),
        "link.foreign",
    ),
    "collection": (
        f"GET {ROOT}",
        lambda to: (200, {}, {"RedfishVersion": "1.6.0", "Systems": {"@odata.id": f"{to}{SYSTEMS}"}}),
        "link.foreign",
    ),
    "place-of-sessions": (
        f"GET {ROOT}",
        lambda to: (
            200,
            {},
            {"RedfishVersion": "1.6.0", "Systems": {"@odata.id": SYSTEMS}}
            | {"Links": {"Sessions": {"@odata.id": f"{to}{SESSIONS}"}}},
        ),
        None,
    ),
    "login": (
        f"POST {SESSIONS}",
        lambda to: (307, {"Location": f"{to}{SESSIONS}"}, None),
        "redirect.blocked",
    ),
    "location-of-the-session": (
        f"POST {SESSIONS}",
        lambda to: (201, {"X-Auth-Token": "c4nary-token", "Location": f"{to}{SESSIONS}/1"}, {"Id": "1"}),
        None,
    ),
    "logout": (f"DELETE {SESSIONS}/1", lambda to: (308, {"Location": f"{to}{SESSIONS}/1"}, None), None),
}
PIPELINE = ("pipelines:\n", "pipelines:\n  systems: {steps: [system]}\n")


@pytest.fixture(scope="module")
def scanned(module_place: Place) -> Iterator[dict[str, tuple[dict[str, Any], Host, socket.socket]]]:
    """Every hostile host in one scan, half of them naming another address, half another port of their own:
    outcome, host and listener by name."""
    place = module_place
    place.spec("systems.yaml", PIPELINE)
    place.write("auths.yaml", "auths:\n  lab: {username: root, password: env:PASSWORD}\n")
    place.env["PASSWORD"] = CANARY
    with ExitStack() as stack:
        hosts, urls = {}, {}
        for number, (name, (where, bend, _)) in enumerate(BENT.items(), 1):
            address = f"127.10.0.{number}"
            other = address if number % 2 else f"127.10.1.{number}"
            elsewhere, listener = stack.enter_context(listening(other))
            host = Host(elsewhere, bend={where: bend})
            urls[name] = stack.enter_context(serving(address, host))
            hosts[name] = host, listener
        place.write("hosts.txt", "".join(f"{url}\n" for url in urls.values()))
        ended = place.scan(
            *("hosts.txt", "--spec", "systems.yaml", "-p", "systems", "--auths", "auths.yaml"),
            *("--allow-plaintext-credentials", "--retries", 0),
        )
        assert ended.status == 0, ended.err
        outcomes = place.outcomes()
        yield {name: (outcomes[urls[name]], *hosts[name]) for name in BENT}


@pytest.mark.parametrize("name", BENT)
def test_nobody_is_contacted_elsewhere(scanned: Any, name: str) -> None:
    outcome, host, listener = scanned[name]
    wanted = BENT[name][2]
    assert kinds(outcome)[:1] == ([wanted] if wanted else []), outcome["errors"]
    assert nobody_came(listener)
    assert host.asked, "it was the host that tried, and it was asked"


@pytest.mark.parametrize("name", ["place-of-sessions", "location-of-the-session", "logout"])
def test_a_host_that_only_lies_about_sessions_is_read(scanned: Any, name: str) -> None:
    outcome, host, _ = scanned[name]
    assert outcome["status"] == "ok"
    assert [row["id"] for row in outcome["steps"]["system"]["rows"]] == ["1"]
    assert [path for method, path, _ in host.asked if method == "DELETE"] == [f"{SESSIONS}/1"]


def test_what_a_host_gives_back_of_its_secrets_is_stored_nowhere(place: Place) -> None:
    """The password and the token of its session, in all that a host may have a word in but its own data."""
    place.spec("systems.yaml", PIPELINE)
    place.write("auths.yaml", "auths:\n  lab: {username: root, password: env:PASSWORD}\n")
    pair = base64.b64encode(f"root:{CANARY}".encode()).decode()
    said = f"{CANARY}/c4nary-token/{pair}"
    with listening("127.10.4.9") as (elsewhere, _):
        moved = Host(elsewhere, bend={f"GET {SYSTEMS}": lambda to: (302, {"Location": f"{to}/{said}"}, None)})
        links = {"Members": [{"@odata.id": f"{elsewhere}/{said}"}, {"@odata.id": f"{SYSTEMS}/1"}]}
        linked = Host(elsewhere, bend={f"GET {SYSTEMS}": lambda _: (200, {}, links)})
        system = {"Id": "1", "ProcessorSummary": {"Count": said}}
        deviating = Host(elsewhere, bend={f"GET {SYSTEMS}/1": lambda _: (200, {}, system)})
        with (
            serving("127.10.4.1", moved) as one,
            serving("127.10.4.2", linked) as two,
            serving("127.10.4.3", deviating) as three,
        ):
            ended = place.scan(
                *(one, two, three, "--spec", "systems.yaml", "-p", "systems", "--auths", "auths.yaml"),
                *("--allow-plaintext-credentials", "--metrics-file", "m.prom", "--log-level", "debug"),
                env={"PASSWORD": CANARY},
            )
    outcomes = place.outcomes()
    assert [kinds(outcomes[url])[:1] for url in (one, two, three)] == [
        ["redirect.blocked"],
        ["link.foreign"],
        [],
    ], ended.err
    found = {violation["pointer"]: violation["actual"] for violation in outcomes[three]["violations"]}
    assert found["/ProcessorSummary/Count"].startswith('"***/***/')
    reported = place.fleet("report", "run", "--json")
    files = [path.read_text(encoding="utf-8") for path in place.folder.rglob("*") if path.is_file()]
    for secret in (CANARY, "c4nary-token", pair):
        assert not any(secret in text for text in (*files, ended.err, ended.out, reported.out)), secret


API = """
openapi: 3.1.0
info: {title: Keys, version: "1"}
security: [%s]
components:
  securitySchemes:
    header: {type: apiKey, in: header, name: X-Api-Key}
    query: {type: apiKey, in: query, name: api_key}
    cookie: {type: apiKey, in: cookie, name: session}
    bearer: {type: http, scheme: bearer}
    basic: {type: http, scheme: basic}
paths:
  /redfish/v1/Systems:
    get: {operationId: list, responses: {"200": {description: all}}}
"""
SPEC = """
fleet: "1"
info: {title: Keys}
api: api.yaml
dialect: {link: '"@odata.id"', items: Members, next: '"Members@odata.nextLink"'}
steps:
  system: {operation: list, collection: true, outputs: {id: Id}}
pipelines: {all: {steps: [system], default: true}}
"""
# Which schemes are required together, the secret for them, and how to see that the host was given it.
EVERY: dict[str, tuple[str, str, Callable[[str, dict[str, str]], bool]]] = {
    "tokens": (
        "{header: [], query: [], cookie: [], bearer: []}",
        "token: env:KEY",
        lambda path, headers: (
            headers["X-Api-Key"] == KEY
            and KEY in path
            and KEY in headers["Cookie"]
            and headers["Authorization"] == f"Bearer {KEY}"
        ),
    ),
    "basic": (
        "{basic: []}",
        "username: root, password: env:KEY",
        lambda path, headers: headers["Authorization"].startswith("Basic "),
    ),
}


@pytest.mark.parametrize("scheme", EVERY)
def test_every_kind_of_credential_stays_at_its_origin(place: Place, scheme: str) -> None:
    required, secret, given = EVERY[scheme]
    place.write("api.yaml", API % required)
    place.write("spec.yaml", SPEC)
    place.write("auths.yaml", f"auths:\n  lab: {{{secret}}}\n")
    with listening("127.10.3.1") as (elsewhere, listener):
        hosts = {way: Host(elsewhere, bend=dict([BENT[way][:2]])) for way in ("redirect-302", "next-page")}
        with (
            serving("127.10.2.1", hosts["redirect-302"]) as one,
            serving("127.10.2.2", hosts["next-page"]) as two,
        ):
            ended = place.scan(
                *(one, two, "--spec", "spec.yaml", "--auths", "auths.yaml", "--allow-plaintext-credentials"),
                env={"KEY": KEY},
            )
        assert nobody_came(listener)
    outcomes = place.outcomes()
    found = [kinds(outcomes[one])[:1], kinds(outcomes[two])[:1]]
    assert found == [["redirect.blocked"], ["link.foreign"]], ended.err
    for host in hosts.values():
        _, path, headers = host.asked[0]
        assert given(path, headers), "the host itself was given the credential"
    assert KEY not in ended.err + (place.folder / "run" / "outcomes.jsonl").read_text(encoding="utf-8")
