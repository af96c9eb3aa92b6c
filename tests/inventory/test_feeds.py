"""Sources that are asked: HTTP service discovery, NetBox, Ansible, programs; and what they may not do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from serving import Answer, Asked, serving

from fleet.errors import InventoryError
from fleet.inventory import Feeds, InventoryOptions, read_targets

CANARY = "c4nary-of-a-source"
SD = [{"targets": ["10.0.0.1", "10.0.0.2:8443"], "labels": {"site": "a", "__param_auth": "lab"}}]

Read = Callable[..., Any]


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
    """A program with this Python text as its body; its path."""

    def make(body: str, name: str = "list.py") -> str:
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
        path.chmod(0o700)
        return str(path)

    return make


# HTTP service discovery


def test_service_discovery_gives_targets(read: Read) -> None:
    with serving(lambda asked: (200, SD)) as site:
        found = read(f"http_sd:{site.url}/sd?team=ops")
    assert [(target.url, target.auth) for target in found.targets] == [
        ("https://10.0.0.1", "lab"),
        ("https://10.0.0.2:8443", "lab"),
    ]
    assert site.paths == ["GET /sd?team=ops"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, b"boom"), "answered with 500"),
        ((200, b"<html>"), "the answer is not JSON"),
        ((200, {"targets": []}), "not a list of {targets, labels} groups"),
        ((200, b'[{"targets": ["10.0.0.1"]}'), "the answer is not JSON"),
        ((302, b"to:http://169.254.169.254/latest"), "redirect.blocked"),
    ],
)
def test_what_is_no_list_is_an_error_that_names_the_source(read: Read, answer: Answer, message: str) -> None:
    with serving(lambda asked: answer) as site, pytest.raises(InventoryError) as raised:
        read(f"http_sd:{site.url}/sd")
    assert message in str(raised.value)
    assert f"http_sd:{site.url}/sd" in str(raised.value)


def test_a_bad_group_is_reported_and_the_rest_is_read(read: Read) -> None:
    with serving(lambda asked: (200, [{"targets": ["10.0.0.300", "10.0.0.1"]}, 7])) as site:
        found = read(f"http_sd:{site.url}")
    assert found.urls == ["https://10.0.0.1"]
    assert len(found.messages) == 2
    assert found.messages[0].startswith(f"http_sd:{site.url}:1: 10.0.0.300")


def test_a_server_that_is_away_says_so(read: Read) -> None:
    with pytest.raises(InventoryError, match=r"^http_sd:http://127.0.0.1:1/: .*connect.refused"):
        read("http_sd:http://127.0.0.1:1/")


# NetBox


class FakeNetBox:
    """Devices by page, as NetBox 4 tells them."""

    def __init__(self, *devices: dict[str, Any]) -> None:
        self.devices = list(devices)
        self.most = 500
        self.token = CANARY
        self.claims: int | None = None

    def __call__(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        query = parse_qs(parts.query)
        if asked.headers.get("authorization") != f"Token {self.token}":
            return 403, {"detail": "Invalid token"}
        if "colour" in query:
            return 400, {"colour": ["Unknown filter field"]}
        assert parts.path == "/netbox/api/dcim/devices/"
        start, size = int(query["offset"][0]), min(int(query["limit"][0]), self.most)
        page = self.devices[start : start + size]
        more = start + size < len(self.devices)
        count = self.claims if self.claims is not None else len(self.devices)
        return 200, {
            "count": count,
            "next": "http://evil.example/steal" if more else None,
            "previous": None,
            "results": page,
        }


def device(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"srv{number}",
        "device_type": {"slug": "r750", "manufacturer": {"slug": "dell"}},
        "role": {"slug": "server"},
        "site": {"slug": "dc1"},
        "rack": {"name": "R 7"},
        "tenant": None,
        "status": {"value": "active", "label": "Active"},
        "primary_ip": {"address": f"192.0.2.{number}/24"},
        "primary_ip4": {"address": f"192.0.2.{number}/24"},
        "oob_ip": {"address": f"198.51.100.{number}/24"},
        "tags": [{"slug": "prod"}, {"slug": "bmc"}],
        "custom_fields": {"owner": "ops", "lot": 7, "odd": [1]},
        **more,
    }


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETBOX_TOKEN", CANARY)


@pytest.mark.usefixtures("token")
def test_netbox_gives_devices_with_their_labels(read: Read) -> None:
    six = device(2, oob_ip=None, primary_ip={"address": "2001:db8::2/64"}, name=None, tags=[])
    with serving(FakeNetBox(device(1), six)) as site:
        found = read(f"netbox:{site.url}/netbox/?site=dc1&tag=prod&tag=bmc")
    one, two = found.targets
    assert (one.id, one.url) == ("srv1", "https://198.51.100.1")
    assert one.labels == {
        "site": "dc1",
        "role": "server",
        "rack": "R 7",
        "model": "r750",
        "manufacturer": "dell",
        "status": "active",
        "netbox_id": "1",
        "tags": "bmc prod",
    }
    assert (two.id, two.url) == ("netbox-2", "https://[2001:db8::2]")
    query = parse_qs(urlsplit(site.asked[0].path).query)
    assert query["site"] == ["dc1"]
    assert query["tag"] == ["prod", "bmc"]


@pytest.mark.usefixtures("token")
def test_netbox_is_read_to_its_last_page_and_its_links_are_not_followed(read: Read) -> None:
    netbox = FakeNetBox(*(device(number) for number in range(1, 8)))
    netbox.most = 3
    with serving(netbox) as site:
        found = read(f"netbox:{site.url}/netbox")
    assert len(found.targets) == 7
    offsets = [parse_qs(urlsplit(asked.path).query)["offset"] for asked in site.asked]
    assert offsets == [["0"], ["3"], ["6"]]


@pytest.mark.usefixtures("token")
def test_netbox_that_gives_less_than_it_says_is_an_error(read: Read) -> None:
    netbox = FakeNetBox(device(1))
    netbox.claims = 3
    with serving(netbox) as site, pytest.raises(InventoryError, match="gave 1 of 3 devices"):
        read(f"netbox:{site.url}/netbox")


@pytest.mark.usefixtures("token")
def test_devices_without_an_address_are_named_and_counted(read: Read) -> None:
    bare = {"oob_ip": None, "primary_ip": None}
    with serving(FakeNetBox(device(1), *(device(n, **bare) for n in range(2, 40)))) as site:
        found = read(f"netbox:{site.url}/netbox")
    assert len(found.targets) == 1
    assert "device 'srv2': it has no oob or primary address" in found.messages[0]
    assert "18 more are no targets" in found.messages[-1]
    assert len(found.messages) == 21


@pytest.mark.usefixtures("token")
def test_netbox_says_what_it_does_not_like(read: Read) -> None:
    with serving(FakeNetBox()) as site:
        with pytest.raises(InventoryError, match="400: 'colour: Unknown filter field'"):
            read(f"netbox:{site.url}/netbox?colour=red")
        assert read(f"netbox:{site.url}/netbox").targets == []


def test_a_wrong_token_is_not_repeated(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETBOX_TOKEN", "other-" + CANARY)
    with serving(FakeNetBox()) as site, pytest.raises(InventoryError, match="403") as raised:
        read(f"netbox:{site.url}/netbox")
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    "results", [[7], [{"id": 1}], "x", [device(1, name=["a"])], [device(1, site="dc1", tags=3)]]
)
@pytest.mark.usefixtures("token")
def test_a_hostile_netbox_ends_nothing(read: Read, results: Any) -> None:
    answer = (200, {"count": len(results), "next": None, "results": results})
    with serving(lambda asked: answer) as site:
        try:
            read(f"netbox:{site.url}")
        except InventoryError as error:
            assert "no page of devices" in str(error)


@pytest.mark.usefixtures("token")
def test_the_token_does_not_go_over_plain_http(read: Read) -> None:
    with pytest.raises(InventoryError, match="a secret is not sent over plain HTTP"):
        read("netbox:http://netbox.example.invalid")


# Ansible

LISTED = {
    "_meta": {
        "hostvars": {
            "bmc1": {
                "ansible_host": "192.0.2.1",
                "site": "a",
                "ansible_password": CANARY,
                "fleet_port": 8443,
            },
            "bmc2": {"site": {"a": 1}},
        }
    },
    "all": {"children": ["ungrouped", "bmcs", "web"]},
    "bmcs": {"hosts": ["bmc1", "bmc2"], "children": ["bmcs"]},
    "web": {"hosts": ["www1"]},
}


def ansible(tmp_path: Path, told: Any, query: str = "") -> str:
    """A source file that names a stand-in for `ansible-inventory`."""
    stand_in = tmp_path / "stand-in"
    stand_in.write_text(f"#!{sys.executable}\nprint({json.dumps(told)!r})\n")
    stand_in.chmod(0o700)
    options = {name: value[0] for name, value in parse_qs(query).items()}
    source = {"inventory": "hosts", "command": ["./stand-in"], **options}
    path = tmp_path / "sources.yaml"
    path.write_text(json.dumps({"sources": [{"ansible": source}]}))
    return str(path)


def test_ansible_gives_hosts_and_only_the_labels_that_are_named(read: Read, tmp_path: Path) -> None:
    found = read(ansible(tmp_path, LISTED))
    assert [(t.id, t.url, dict(t.labels)) for t in found.targets] == [
        ("bmc1", "https://192.0.2.1:8443", {"groups": "bmcs"}),
        ("https://bmc2", "https://bmc2", {"groups": "bmcs"}),
        ("https://www1", "https://www1", {"groups": "web"}),
    ]
    assert CANARY not in repr(found.targets)


def test_ansible_gives_groups_and_says_what_it_leaves_out(read: Read, tmp_path: Path) -> None:
    found = read(ansible(tmp_path, LISTED, "groups=bmcs&labels=site"))
    assert [(target.id, target.labels["site"]) for target in found.targets] == [("bmc1", "a")]
    assert "host 'bmc2': site is not a plain value" in found.messages[0]
    with pytest.raises(InventoryError, match="there is no group 'bmc'"):
        read(ansible(tmp_path, LISTED, "groups=bmc"))


@pytest.mark.parametrize("told", [[], "x", {"_meta": 1, "all": {"hosts": 3}}, {"a": {"children": ["a"]}}])
def test_odd_answers_of_ansible_end_nothing(read: Read, tmp_path: Path, told: Any) -> None:
    try:
        assert read(ansible(tmp_path, told)).targets == []
    except InventoryError as error:
        assert "is not an object" in str(error)


@pytest.mark.skipif(shutil.which("ansible-inventory") is None, reason="ansible-core is not installed here")
def test_a_real_ansible_inventory(read: Read, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        "all:\n  children:\n    bmcs:\n      vars: {site: dc1}\n      hosts:\n"
        "        bmc[01:03]:\n        bmc09: {ansible_host: 192.0.2.9, fleet_auth: lab}\n"
    )
    found = read(f"ansible:{inventory}?groups=bmcs&labels=site")
    assert found.urls == ["https://bmc01", "https://bmc02", "https://bmc03", "https://192.0.2.9"]
    assert {target.labels["site"] for target in found.targets} == {"dc1"}
    assert found.targets[-1].auth == "lab"
    inventory.write_text("all: [\n")
    with pytest.raises(InventoryError, match=r"ansible:.*it failed with status"):
        read(f"ansible:{inventory}")
    with pytest.raises(InventoryError, match=r"ansible:.*it failed with status"):
        read(f"ansible:{tmp_path / 'absent'}")


# Programs


@pytest.mark.parametrize(
    "body",
    [
        f"print({json.dumps(SD)!r})",
        "print(json.dumps({'host': '10.0.0.1', 'auth': 'lab', 'labels': {'site': 'a'}}))\n"
        "print(json.dumps({'host': '10.0.0.2', 'port': 8443, 'auth': 'lab', 'site': 'a'}))",
        "print('10.0.0.1 auth=lab site=a')\nprint('10.0.0.2:8443 auth=lab site=a')",
    ],
    ids=["file_sd", "jsonl", "text"],
)
def test_a_program_prints_any_of_three_formats(read: Read, program: Callable[..., str], body: str) -> None:
    found = read(f"exec:{program(body)}")
    assert found.urls == ["https://10.0.0.1", "https://10.0.0.2:8443"]
    assert {(target.auth, target.labels["site"]) for target in found.targets} == {("lab", "a")}


def test_its_words_are_split_and_no_shell_runs(read: Read, program: Callable[..., str]) -> None:
    helper = program("print('10.0.0.1', f'said={json.dumps(sys.argv[1:])!r}')")
    found = read(f"exec:{helper} 'two words' $(id) ; reboot")
    assert json.loads(found.targets[0].labels["said"]) == ["two words", "$(id)", ";", "reboot"]


def test_an_empty_output_is_no_target(read: Read, program: Callable[..., str]) -> None:
    assert read(f"exec:{program('')}").targets == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('it broke', file=sys.stderr); sys.exit(3)", "it failed with status 3: 'it broke'"),
        ("print('\\x1b]0;evil\\x07', file=sys.stderr); sys.exit(1)", r"'\x1b]0;evil\x07'"),
        ("print('[{]')", "not JSON"),
    ],
)
def test_a_program_that_fails_is_an_error(
    read: Read, program: Callable[..., str], body: str, message: str
) -> None:
    helper = program(body)
    with pytest.raises(InventoryError) as raised:
        read(f"exec:{helper}")
    assert message in str(raised.value)
    assert f"exec:{helper}" in str(raised.value)
    assert "\x1b" not in str(raised.value)


# Notation


def test_a_file_names_several_sources(
    read: Read, program: Callable[..., str], write: Callable[..., str]
) -> None:
    program("print('10.0.0.3')")
    write("hosts.txt", "10.0.0.1\n")
    path = write(
        "sources.yaml",
        "sources:\n- hosts.txt\n- 10.0.0.2 site=b\n- {exec: [./list.py]}\n- exec: {command: [./list.py]}\n",
    )
    found = read(path)
    assert found.urls == ["https://10.0.0.1", "https://10.0.0.2", "https://10.0.0.3"]
    assert found.counts.duplicates == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: []", "sources.yaml:1:1: sources: a list of at least one"),
        ("sources:\n- {netbox: {url: 'https://n', tokn: env:T}}", "did you mean 'token'?"),
        (
            "sources:\n- {netbox: {url: 'https://u:p@n'}}",
            "sources.yaml:2:13: sources.0.netbox.url: not a URL without user and fragment",
        ),
        (
            f"sources:\n- {{http_sd: {{url: 'https://n', token: {CANARY}}}}}",
            "a secret cannot stand in the file",
        ),
        ("sources:\n- {http_sd: 'https://n', exec: [a]}", "one of http_sd, netbox, ansible and exec"),
        ("sources:\n- sources.yaml", "cannot be one of its sources"),
        ("sources:\n- '-'", "cannot be one of its sources"),
        ("sources:\n- absent.txt", "no such file"),
        ("source: [a]", "neither a list"),
    ],
)
def test_a_bad_file_of_sources_says_where(
    read: Read, write: Callable[..., str], text: str, message: str
) -> None:
    with pytest.raises(InventoryError) as raised:
        read(write("sources.yaml", text))
    assert message in str(raised.value)
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("netbox:", "names nothing to ask"),
        ("netbox:netbox.example", "not a URL"),
        ("http_sd:https://user:pass@cmdb.example/", "not a URL"),
        ("ansible:hosts?group=a", "did you mean groups?"),
        ("exec:'a", "a quote is not finished"),
        ("exec:/no/such/program", "cannot run"),
    ],
)
def test_a_bad_argument_says_what_to_write(read: Read, source: str, message: str) -> None:
    with pytest.raises(InventoryError) as raised:
        read(source)
    assert message in str(raised.value)
    assert "pass@" not in str(raised.value)


def test_a_host_may_be_called_like_a_kind(read: Read) -> None:
    assert read(["exec:8443", "netbox"]).urls == ["https://exec:8443", "https://netbox"]


def test_what_is_asked_is_asked_once_while_its_answer_is_kept() -> None:
    with serving(lambda asked: (200, SD)) as site:
        options = InventoryOptions(feeds=Feeds())
        for _ in range(2):
            assert len(list(read_targets([f"http_sd:{site.url}"], options=options, report=print))) == 2
    assert len(site.asked) == 1


def test_nothing_of_it_is_imported_for_plain_files(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("10.0.0.1\n")
    code = (
        "import sys; from fleet.inventory import read_targets;"
        f"list(read_targets([{str(tmp_path / 'hosts.txt')!r}], report=print));"
        "print(sorted({'pydantic', 'httpx', 'fleet.client', 'subprocess'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
