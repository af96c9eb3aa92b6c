"""Faults of bodies, collections and links, seen by a raw client."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

SYSTEMS = "/redfish/v1/Systems"


def unchunk(data: bytes) -> bytes:
    """A chunked body put together again."""
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        whole += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return whole


async def test_json_can_call_itself_text(one, ask):
    async with one("wrong-content-type") as sim:
        heard = await ask(sim.hosts[0])
    assert heard.header("content-type") == "text/plain"
    assert json.loads(heard.body)["RedfishVersion"]


async def test_a_login_page_comes_as_a_success(one, ask):
    async with one("login-page") as sim:
        heard = await ask(sim.hosts[0])
    assert (heard.status, heard.header("content-type")) == (200, "text/html")
    assert heard.body.startswith(b"<!DOCTYPE html>")


async def test_bad_json_has_its_full_length(one, ask):
    async with one("bad-json") as sim:
        heard = await ask(sim.hosts[0])
    assert len(heard.body) == int(heard.header("content-length"))
    with pytest.raises(json.JSONDecodeError):
        json.loads(heard.body)


async def test_control_characters_are_bare(one, ask):
    async with one("control-characters") as sim:
        heard = await ask(sim.hosts[0])
    with pytest.raises(json.JSONDecodeError, match="control character"):
        json.loads(heard.body)
    assert json.loads(heard.body, strict=False)["Description"] == "one line\nand another\x01\t"


async def test_numbers_that_json_lacks_stand_bare(one, ask):
    async with one("nan") as sim:
        heard = await ask(sim.hosts[0])
    strange: list[str] = []
    json.loads(heard.body, parse_constant=strange.append)
    assert strange == ["NaN", "Infinity"]


async def test_bytes_that_do_not_belong_surround_a_readable_document(one, ask):
    async with one("latin1") as sim:
        heard = await ask(sim.hosts[0])
        with pytest.raises(UnicodeDecodeError):
            heard.body.decode()
        assert json.loads(heard.body.decode("latin-1"))["Description"] == "Intel® Xeon®"
    async with one("bom") as sim:
        heard = await ask(sim.hosts[0])
        assert heard.body[:3] == b"\xef\xbb\xbf"
        assert json.loads(heard.body.decode("utf-8-sig"))["Id"] == "RootService"
    async with one("trailing-bytes") as sim:
        heard = await ask(sim.hosts[0])
        assert heard.body.endswith(b"}\x00\r\n")
    async with one("two-documents") as sim:
        first, second = (await ask(sim.hosts[0])).body.split(b"\n", 1)
        assert (list(json.loads(first)), json.loads(second)["Id"]) == (["error"], "RootService")


async def test_deep_json_is_as_deep_as_asked(one, ask):
    async with one("deep-json", depth=5000) as sim:
        heard = await ask(sim.hosts[0])
    assert heard.body.count(b"[") == heard.body.count(b"]") == 5000


async def test_a_huge_body_says_its_size_and_an_endless_one_never_ends(one, ask):
    async with one("huge-body", size=3_000_001) as sim:
        heard = await ask(sim.hosts[0])
        assert int(heard.header("content-length")) == len(heard.body) == 3_000_001
    async with one("endless-body") as sim:
        heard = await ask(sim.hosts[0], limit=3_000_000)
        assert len(heard.data) >= 3_000_000
        assert not heard.data.endswith(b"\r\n0\r\n\r\n")


async def test_gzip_bomb_is_valid_gzip(one, ask):
    async with one("gzip-bomb", size=8 << 20) as sim:
        heard = await ask(sim.hosts[0])
    assert heard.header("content-encoding") == "gzip"
    packed = unchunk(heard.body)
    assert len(packed) < 16_000
    assert gzip.decompress(packed) == b" " * (8 << 20)


async def test_encodings_are_right_raw_broken_or_false_as_asked(one, ask):
    async with one("gzip-unasked") as sim:
        heard = await ask(sim.hosts[0], "/redfish")
        assert heard.header("content-encoding") == "gzip"
        assert gzip.decompress(heard.body) == b'{"v1":"/redfish/v1/"}'
    for raw, bits in ((False, 15), (True, -15)):
        async with one("deflate", raw=raw) as sim:
            heard = await ask(sim.hosts[0], "/redfish")
            assert heard.header("content-encoding") == "deflate"
            assert zlib.decompress(heard.body, bits) == b'{"v1":"/redfish/v1/"}'
    async with one("broken-gzip") as sim:
        heard = await ask(sim.hosts[0])
        assert heard.header("content-encoding") == "gzip"
        with pytest.raises((zlib.error, OSError)):
            gzip.decompress(heard.body)
    async with one("false-gzip") as sim:
        heard = await ask(sim.hosts[0], "/redfish")
        assert heard.header("content-encoding") == "gzip"
        assert heard.body == b'{"v1":"/redfish/v1/"}'


async def test_a_foreign_member_comes_last_and_leads_elsewhere(one, ask):
    async with one("foreign-link", to="http://127.9.9.9:1") as sim:
        members = json.loads((await ask(sim.hosts[0], SYSTEMS)).body)["Members"]
    assert [member["@odata.id"] for member in members] == [
        f"{SYSTEMS}/1",
        f"{SYSTEMS}/2",
        f"http://127.9.9.9:1{SYSTEMS}/foreign",
    ]


async def test_next_links_lead_back_or_ever_on(one, ask):
    async with one("nextlink-loop") as sim:
        page = json.loads((await ask(sim.hosts[0], f"{SYSTEMS}?a=1")).body)
        assert page["Members@odata.nextLink"] == f"{SYSTEMS}?a=1"
    async with one("endless-pages") as sim:
        path = SYSTEMS
        for number in (2, 3, 4):
            path = json.loads((await ask(sim.hosts[0], path)).body)["Members@odata.nextLink"]
            assert path == f"{SYSTEMS}?page={number}"


async def test_members_can_be_null_or_hold_nothing(one, ask):
    async with one("odd-members") as sim:
        document = json.loads((await ask(sim.hosts[0], SYSTEMS)).body)
        assert document["Members"][:2] == [{}, None]
        assert document["Members@odata.count"] == "99"
    async with one("odd-members", null=True) as sim:
        assert json.loads((await ask(sim.hosts[0], SYSTEMS)).body)["Members"] is None


async def test_expand_is_ignored_refused_or_broken_and_the_plain_collection_works(one, ask):
    path = f"{SYSTEMS}?$expand=.($levels=1)"
    async with one("expand-ignored") as sim:
        members = json.loads((await ask(sim.hosts[0], path)).body)["Members"]
        assert [list(member) for member in members] == [["@odata.id"], ["@odata.id"]]
    async with one("expand-refused", status=501) as sim:
        assert (await ask(sim.hosts[0], path)).status == 501
        assert (await ask(sim.hosts[0], SYSTEMS)).status == 200
    async with one("expand-broken") as sim:
        heard = await ask(sim.hosts[0], path)
        assert heard.status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(heard.body)
