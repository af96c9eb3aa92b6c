"""Reading NetBox over HTTP: pages, refusals, faults, and answers that lie."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from fake_netbox import TOKEN, FakeNetBox, serving
from netbox_runs import Compared, seen

from fleet.cli.entry import run
from fleet.errors import ConfigError, UsageError
from fleet.export import load_mapping
from fleet.secret import Secret


async def test_every_page_is_read_and_no_link_followed(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.most = 7
    for at in range(40):
        netbox.device(f"h{at}", f"SN{at}", bios_version="2.19.0", bmc_version="7.10")
    found = await compared(*(seen(f"h{at}", f"SN{at}", bios="2.20.0") for at in range(40)))
    assert found.summary["devices_in_netbox"] == 40
    assert len(found.changes) == 40
    assert sum(target.startswith("/api/dcim/devices/?") for target in netbox.asked) == 6
    assert not any("elsewhere" in target or "/next" in target for target in netbox.asked)


async def test_items_are_asked_for_by_their_devices(netbox: FakeNetBox, compared: Compared) -> None:
    numbers = [netbox.device(f"h{at}", f"SN{at}") for at in range(120)]
    for number in numbers:
        netbox.item(number, "Bay 1", f"D{number}", part_id="KPM6")
    hosts = [seen(f"h{at}", f"SN{at}", drives=[("Bay 1", f"D{at + 1}")]) for at in range(0, 120, 2)]
    found = await compared(*hosts)
    asked = [target for target in netbox.asked if "inventory-items/?" in target]
    assert len(asked) == 2
    assert all(target.count("device_id=") <= 50 for target in asked)
    assert {one.endpoint for one in found.changes} == {"/api/dcim/devices/"}


async def test_a_list_that_changes_meanwhile_is_read_again(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.most = 5
    for at in range(12):
        netbox.device(f"h{at}", f"SN{at}", bios_version="2.19.0", bmc_version="7.10")

    def meddle(path: str, times: int) -> None:
        if path.endswith("/devices/") and times == 2:
            netbox.device("late", "SN99", bios_version="2.0", bmc_version="7.10")

    netbox.hooks.append(meddle)
    found = await compared(seen("late", "SN99"))
    assert found.summary["devices_in_netbox"] == 13
    assert [change.id for change in found.changes] == [13]


async def test_a_list_that_never_holds_still_is_given_up(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.most = 1
    netbox.device("h", "SN")

    def meddle(path: str, _times: int) -> None:
        if path.endswith("/devices/"):
            netbox.device("more", "")

    netbox.hooks.append(meddle)
    with pytest.raises(UsageError, match="devices change too often to be read"):
        await compared(seen("h", "SN"))


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "the token was refused"), (403, "it needs 'view'"), (404, "NetBox 4"), (500, "HTTP status 500")],
)
async def test_a_refusal_is_explained(netbox: FakeNetBox, compared: Compared, status: int, says: str) -> None:
    netbox.hooks.append(
        lambda path, times: (status, {}, b'{"detail": "\x1b[31mcanary"}') if "sites" in path else None
    )
    with pytest.raises(UsageError) as raised:
        await compared(seen("h", "SN"))
    assert says in str(raised.value)
    assert "/api/dcim/sites/" in str(raised.value)
    assert "canary" not in str(raised.value)


async def test_a_wrong_token_is_refused(netbox: FakeNetBox, compared: Compared) -> None:
    with pytest.raises(UsageError, match="HTTP status 403") as raised:
        await compared(seen("h", "SN"), token=Secret("wrong-canary"))
    assert "canary" not in str(raised.value)


async def test_a_busy_netbox_is_asked_again(netbox: FakeNetBox, compared: Compared) -> None:
    def busy(path: str, times: int) -> Any:
        return (503, {"Retry-After": "0"}, b"{}") if path.endswith("/devices/") and times < 3 else None

    netbox.hooks.append(busy)
    netbox.device("h", "SN", bios_version="2.19.0", bmc_version="7.10")
    assert (await compared(seen("h", "SN"))).changes == ()
    netbox.hooks.append(
        lambda path, times: (503, {"Retry-After": "3600"}, b"{}") if "sites" in path else None
    )
    with pytest.raises(UsageError, match="HTTP status 503"):
        await compared(seen("h", "SN"))


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'{"count": 1}',
        b'{"count": "many", "results": []}',
        b'{"count": 5, "results": []}',
        b'{"count": 1, "results": [{"id": "one", "serial": ""}]}',
        b'{"count": 1, "results": [{"id": 1, "serial": {"a": 1}}]}',
        b'{"count": 2, "results": [{"id": 1, "serial": ""}, {"id": 1, "serial": ""}]}',
        b"[" * 100_000,
    ],
)
async def test_an_answer_that_is_none_ends_it(netbox: FakeNetBox, compared: Compared, body: bytes) -> None:
    netbox.hooks.append(lambda path, times: (200, {}, body) if path.endswith("/devices/") else None)
    with pytest.raises(UsageError, match="devices"):
        await compared(seen("h", "SN"))


async def test_a_redirect_takes_no_token_elsewhere(netbox: FakeNetBox, compared: Compared) -> None:
    other = FakeNetBox()
    with serving(other):
        location = {"Location": f"{other.url}/api/dcim/devices/"}
        netbox.hooks.append(lambda path, times: (302, location, b"") if path.endswith("/devices/") else None)
        with pytest.raises(UsageError, match="redirect"):
            await compared(seen("h", "SN"))
    assert other.asked == []


async def test_another_version_is_refused(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.hooks.append(
        lambda path, times: (200, {}, b'{"netbox-version": "3.7.8"}') if "status" in path else None
    )
    with pytest.raises(UsageError, match=r"NetBox 4 is wanted, this is '3\.7\.8'"):
        await compared(seen("h", "SN"))


async def test_a_slow_netbox_is_given_up(netbox: FakeNetBox, compared: Compared) -> None:
    let_go = threading.Event()

    def slow(path: str, times: int) -> None:
        if path.endswith("/sites/"):
            let_go.wait(30)

    netbox.hooks.append(slow)
    try:
        with pytest.raises(UsageError, match="timeout"):
            await compared(seen("h", "SN"), timeout=0.2)
    finally:
        let_go.set()


async def test_the_certificate_is_verified(compared: Compared, tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    with serving(FakeNetBox(), tls) as secure:
        with pytest.raises(UsageError, match=r"tls\.unknown_ca"):
            await compared(seen("h", "SN"), url=secure.url, plaintext=False)
        assert secure.asked == []
        found = await compared(seen("h", "SN"), url=secure.url, plaintext=False, verify=str(trusted))
        assert found.netbox == secure.url


async def test_a_proxy_is_the_only_way(netbox: FakeNetBox, compared: Compared) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens
        with pytest.raises(UsageError, match=r"proxy\.unreachable"):
            await compared(seen("h", "SN"), proxy=f"socks5h://127.0.0.1:{closed.getsockname()[1]}")
    assert netbox.asked == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:1", "--allow-plaintext-credentials"),
        ("ftp://netbox", "--url is the URL"),
        ("https://me:canary@netbox", "no user and no password"),
        ("https://netbox/?a=b", "--url is the URL"),
    ],
)
async def test_a_url_that_cannot_be_is_refused(compared: Compared, url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        await compared(seen("h", "SN"), url=url, plaintext=False)
    assert "canary" not in str(raised.value)


def test_the_command(
    netbox: FakeNetBox,
    run_of: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NETBOX_TOKEN", TOKEN)
    number = netbox.device("web1", "SN1", bios_version="2.18.1", bmc_version="7.10")
    netbox.item(number, "Bay 2", "D2")
    failed = seen("web3", "\x1b[31m", status="failed", steps={}, id="https://web3\x1b[31m")
    place = run_of(seen("web1", "SN1"), failed, seen("w", "SN4", labels={"site": "\u202e"}))
    asked = [
        "export",
        "netbox",
        str(place),
        "--url",
        netbox.url,
        "--token-from",
        "env:NETBOX_TOKEN",
        "--diff",
    ]
    asked.append("--allow-plaintext-credentials")
    plan = tmp_path / "plan.json"
    assert run([*asked, "-o", str(plan)]) == 0
    told = capsys.readouterr()
    assert "update      1  dcim/devices  custom_fields.bios_version" in told.out
    assert "Deletions, to be looked at first: 1" in told.out
    assert "custom_fields.bios_version" in told.out
    assert "system is not complete: failed" in told.out
    assert TOKEN not in told.out + told.err + plan.read_text()
    assert not {"\x1b", "\u202e"} & set(told.out + told.err + plan.read_text())
    assert run([*asked, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(plan.read_text())


def test_a_token_on_the_line_is_refused(
    run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        "export",
        "netbox",
        str(run_of(seen("web1", "SN1"))),
        "--url",
        "https://netbox.invalid",
        "--token-from",
    ]
    assert run([*asked, TOKEN]) == 2
    told = capsys.readouterr().err
    assert "not the token" in told
    assert TOKEN not in told
    monkeypatch.delenv("NETBOX_TOKEN", raising=False)
    assert run([*asked, "env:NETBOX_TOKEN"]) == 2
    assert "environment variable NETBOX_TOKEN is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("netbox: '1'\ndevice: {from: system}\n", "mine.yaml:2:1: device: the key 'serial' is missing"),
        ("netbox: '1'\ndevise: {}\n", "did you mean 'device'?"),
        ("netbox: '2'\n", "mine.yaml:1"),
        ("- a\n", "mine.yaml:1:1: not a mapping"),
        ("a: [\n", "mine.yaml"),
    ],
)
def test_a_mapping_that_is_wrong_is_explained(tmp_path: Path, text: str, says: str) -> None:
    place = tmp_path / "mine.yaml"
    place.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_mapping(place)
    assert says in str(raised.value)


def test_expressions_of_a_mapping_are_checked(tmp_path: Path) -> None:
    from fleet.config import builtin_directory

    shipped = (builtin_directory() / "netbox" / "redfish.yaml").read_text()
    place = tmp_path / "mine.yaml"
    for old, new, says in (
        ("bios_version: bios", "bios_version: 'bios ||'", "is not a JMESPath expression"),
        ("bios_version: bios", "bios_version: $up.system.bios", "there are no $names here"),
        ("role: processor", "role: drive", "each has one of its own"),
        ("update: [serial,", "update: [serials,", "device.update.0"),
    ):
        place.write_text(shipped.replace(old, new))
        with pytest.raises(ConfigError) as raised:
            load_mapping(place)
        assert says in str(raised.value)
        assert "mine.yaml:" in str(raised.value)


def test_the_mapping_of_the_page_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "netbox.md").read_text(encoding="utf-8")
    place = tmp_path / "mine.yaml"
    place.write_text(page.split("```yaml\n")[1].split("```")[0])
    assert [item.role for item in load_mapping(place).items] == ["drive"]
