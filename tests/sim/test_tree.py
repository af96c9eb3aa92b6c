"""The built-in tree, its queries and its variation; mockup directories."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.errors import ConfigError
from fleet.sim import BUILTIN_COUNTS, SimOptions, SimulatedFleet, expected
from fleet.sim.template import Values
from fleet.sim.tree import CACHED_VIEWS, builtin_tree

LOG = "/redfish/v1/Systems/1/LogServices/SEL/Entries"


def links(value: Any) -> Iterator[str]:
    """Every link in a document, without its fragment."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("@odata.id", "Members@odata.nextLink", "DataSourceUri"):
                yield inner.partition("#")[0]
            else:
                yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


async def walk(ask, base: str) -> dict[str, dict[str, Any]]:
    """Every resource that is linked from the root, by path."""
    found: dict[str, dict[str, Any]] = {}
    waiting = ["/redfish/v1/"]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        heard = await ask(base, path)
        assert heard.status == 200, path
        found[path] = json.loads(heard.body)
        waiting.extend(links(found[path]))
    return found


@pytest.fixture
async def tree(one, ask) -> dict[str, dict[str, Any]]:
    async with one() as sim:
        return await walk(ask, sim.hosts[0])


async def test_every_link_leads_to_a_resource_that_names_itself(tree):
    assert len(tree) > 90
    for path, document in tree.items():
        assert document["@odata.id"].rstrip("/") == path.partition("?")[0].rstrip("/")
        assert document["@odata.type"].startswith("#")
        assert document["Name"]


async def test_the_tree_holds_what_its_counts_say(tree):
    shapes = {
        "system": r"Systems/\d",
        "processor": r"Systems/\d/Processors/\w+",
        "memory": r"Systems/\d/Memory/\w+",
        "nic": r"Systems/\d/EthernetInterfaces/\w+",
        "storage": r"Systems/\d/Storage/\w+",
        "drive": r"Systems/\d/Storage/\w+/Drives/\w+",
        "volume": r"Systems/\d/Storage/\w+/Volumes/\w+",
        "simple_storage": r"Systems/\d/SimpleStorage/\w+",
        "chassis": r"Chassis/\d",
        "fan": r"Chassis/\d/ThermalSubsystem/Fans/\d",
        "sensor": r"Chassis/\d/Sensors/\w+",
        "power_supply": r"Chassis/\d/PowerSubsystem/PowerSupplies/\d",
        "network_adapter": r"Chassis/\d/NetworkAdapters/\w+",
        "manager": r"Managers/\w+",
        "manager_nic": r"Managers/\w+/EthernetInterfaces/\w+",
        "firmware": r"UpdateService/FirmwareInventory/\w+",
        "software": r"UpdateService/SoftwareInventory/\w+",
        "log_entry": r"Systems/\d/LogServices/SEL/Entries/\d",
    }
    counted = {}
    for name, shape in shapes.items():
        found = [doc for path, doc in tree.items() if re.fullmatch(f"/redfish/v1/{shape}", path)]
        absent = [doc for doc in found if doc.get("Status", {}).get("State") == "Absent"]
        counted[name] = (len(found), len(absent))
    thermal = tree["/redfish/v1/Chassis/1/Thermal"]["Temperatures"]
    devices = tree["/redfish/v1/Systems/2/SimpleStorage/SATA"]["Devices"]
    for name, rows in (("temperature", thermal), ("simple_device", devices)):
        counted[name] = (len(rows), sum(row["Status"]["State"] == "Absent" for row in rows))
    assert counted == dict(BUILTIN_COUNTS)


async def test_no_mark_is_left_and_values_are_as_expected(tree):
    assert "{{" not in json.dumps(tree)
    values = expected("127.1.0.1")
    first = tree["/redfish/v1/Systems/1"]
    assert first["SerialNumber"] == values["serial_1"]
    assert first["BiosVersion"] == values["bios"]
    assert first["Status"] == {
        "State": "Enabled",
        "Health": values["health"],
        "HealthRollup": values["rollup"],
    }
    assert first["PowerState"] == values["power"]
    assert first["MemorySummary"]["TotalSystemMemoryGiB"] == values["memory_gib"]
    assert tree["/redfish/v1/"]["Vendor"] == values["vendor"]
    drive = tree["/redfish/v1/Systems/1/Storage/RAID/Drives/Disk1"]
    assert (drive["FailurePredicted"], drive["Status"]["Health"]) == (
        values["drive_failing"],
        values["drive_health"],
    )
    assert tree["/redfish/v1/Chassis/1/Thermal"]["Temperatures"][0]["ReadingCelsius"] == values["inlet"]
    assert tree["/redfish/v1/Managers/BMC"]["FirmwareVersion"] == values["bmc_firmware"]


def test_hosts_vary_and_the_same_host_never_does():
    fleet = [expected(f"127.1.{n // 200}.{n % 200 + 1}") for n in range(1000)]
    assert len({values["serial_1"] for values in fleet}) == 1000
    assert {values["vendor"] for values in fleet} == {"Dell", "HPE", "Lenovo", "Supermicro"}
    assert {values["health"] for values in fleet} == {"OK", "Warning", "Critical"}
    assert {values["power"] for values in fleet} == {"On", "Off"}
    assert 80 < sum(values["health"] != "OK" for values in fleet) < 170
    # written down, so that another machine or version that disagrees is noticed
    assert expected("127.1.0.1")["serial_1"] == "SN64E1760DB5"


async def test_collections_expand_and_page(one, ask):
    async with one() as sim:

        async def get(path: str) -> dict[str, Any]:
            heard = await ask(sim.hosts[0], path)
            assert heard.status == 200, heard.body
            return json.loads(heard.body)

        members = (await get("/redfish/v1/Systems?$expand=.($levels=1)"))["Members"]
        assert [member["HostName"] for member in members] == ["host-127-1-0-1-1", "host-127-1-0-1-2"]
        assert (await get("/redfish/v1/Systems?%24expand=*"))["Members"] == members
        first = await get(LOG)
        assert len(first["Members"]) == 3
        assert first["Members@odata.count"] == 6
        second = await get(first["Members@odata.nextLink"])
        assert [member["@odata.id"] for member in second["Members"]] == [f"{LOG}/{n}" for n in (4, 5, 6)]
        assert "Members@odata.nextLink" not in second
        expanded = await get(f"{LOG}?$expand=.($levels=1)")
        assert expanded["Members"][2]["Severity"] == "Warning"
        assert (await get(expanded["Members@odata.nextLink"]))["Members"][0]["Id"] == "4"
        some = await get("/redfish/v1/Chassis/1/Sensors?$top=2&$skip=1")
        assert [member["@odata.id"].rpartition("/")[2] for member in some["Members"]] == ["CPU1Temp", "Fan1"]
        assert "Members@odata.nextLink" not in some
        assert (await get("/redfish/v1/Systems/"))["Members@odata.count"] == 2


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$top=x", 400),
        ("$skip=-1", 400),
        ("$expand=Links", 400),
        ("$expand=~", 501),
        ("$filter=a", 501),
        ("a=b", 200),
    ],
)
async def test_each_query_that_is_not_offered_has_its_status(one, ask, query, status):
    async with one() as sim:
        assert (await ask(sim.hosts[0], f"/redfish/v1/Systems?{query}")).status == status


async def test_a_root_that_does_not_offer_expand_refuses_it(one, ask):
    async with one(options={"expand": False}) as sim:
        root = json.loads((await ask(sim.hosts[0])).body)
        assert root["ProtocolFeaturesSupported"]["ExpandQuery"]["NoLinks"] is False
        assert (await ask(sim.hosts[0], "/redfish/v1/Systems?$expand=.")).status == 501


def test_views_of_a_collection_stay_bounded():
    tree, values = builtin_tree(), Values(expected("127.1.0.1"))
    for number in range(CACHED_VIEWS + 10):
        assert tree.reply("/redfish/v1/Systems", f"a={number}", values).status == 200
    assert len(tree.pages["/redfish/v1/Systems"].views) == CACHED_VIEWS


async def test_versions_metadata_missing_resources_and_head_are_answered(one, ask):
    async with one() as sim:
        for path in ("/redfish", "/redfish/"):
            assert json.loads((await ask(sim.hosts[0], path)).body) == {"v1": "/redfish/v1/"}
        metadata = await ask(sim.hosts[0], "/redfish/v1/$metadata")
        assert metadata.header("content-type") == "application/xml"
        heard = await ask(sim.hosts[0], "/redfish/v1/Systems/9")
        assert (heard.status, heard.header("odata-version")) == (404, "4.0")
        assert json.loads(heard.body)["error"]["@Message.ExtendedInfo"][0]["MessageArgs"] == [
            "/redfish/v1/Systems/9"
        ]
        head = await ask(sim.hosts[0], "/redfish/v1/Systems", method="HEAD")
        assert (head.status, head.body) == (200, b"")


# -- mockups ---------------------------------------------------------------------------------------------


@pytest.fixture
def mockup(tmp_path):
    """A directory in the short or the long form, with what mockups have in them."""

    def make(name: str, *, long: bool):
        top = tmp_path / name
        base = top / "redfish" / "v1" if long else top
        (base / "Systems").mkdir(parents=True)
        (base / "$metadata").mkdir()
        copyright_line = {"@Redfish.Copyright": "Copyright 2014-2026 somebody"}
        (base / "index.json").write_text(json.dumps({"Id": name, "Note": "{{serial_1}}", **copyright_line}))
        looping = {"Members": [], "Members@odata.nextLink": "/redfish/v1/Systems?$skiptoken=2"}
        (base / "Systems" / "index.json").write_text(json.dumps(looping))
        (base / "$metadata" / "index.xml").write_text("<edmx/>")
        (base / "README.txt").write_text("not served")
        return top

    return make


@pytest.mark.parametrize("long", [False, True])
async def test_mockup_directories_of_both_forms_are_served_as_they_are(mockup, ask, long):
    async with SimulatedFleet(SimOptions(hosts=1, trees=[mockup("m", long=long)])) as sim:
        base = sim.hosts[0]
        root = json.loads((await ask(base)).body)
        assert root == {"Id": "m", "Note": "{{serial_1}}"}
        assert (await ask(base, "/redfish/v1")).body == (await ask(base, "/redfish/v1/#fragment")).body
        looping = await ask(base, "/redfish/v1/Systems?$skiptoken=2")
        assert json.loads(looping.body)["Members@odata.nextLink"] == "/redfish/v1/Systems?$skiptoken=2"
        metadata = await ask(base, "/redfish/v1/$metadata")
        assert (metadata.header("content-type"), metadata.body) == ("application/xml", b"<edmx/>")
        assert json.loads((await ask(base, "/redfish")).body) == {"v1": "/redfish/v1/"}
        assert (await ask(base, "/redfish/v1/README.txt")).status == 404
        assert (await ask(base, "/")).status == 404


async def test_several_mockups_are_dealt_out_in_turn(mockup, ask):
    trees = [mockup("one", long=False), mockup("two", long=True)]
    async with SimulatedFleet(SimOptions(hosts=5, trees=trees)) as sim:
        served = [json.loads((await ask(host)).body)["Id"] for host in sim.hosts]
        assert served == ["one", "two", "one", "two", "one"]
        assert [entry.tree for entry in sim.entries] == served


async def test_a_directory_that_is_no_mockup_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="not a mockup"):
        async with SimulatedFleet(SimOptions(hosts=1, trees=[tmp_path])):
            pass


@pytest.mark.parametrize(
    ("name", "resources"), [("rackmount1", 271), ("tower", 541), ("bladed", 84), ("catfish", 30)]
)
async def test_dmtf_mockups_are_served_whole(mockups, ask, name, resources):
    top = mockups / f"public-{name}"
    files = await asyncio.to_thread(lambda: sorted(top.rglob("index.json")))
    async with SimulatedFleet(SimOptions(hosts=1, trees=[top])) as sim:
        for file in files:
            below = file.parent.relative_to(top).as_posix()
            path = "/redfish/v1/" if below == "." else f"/redfish/v1/{below}"
            heard = await ask(sim.hosts[0], path)
            assert heard.status == 200
            document = json.loads(await asyncio.to_thread(file.read_bytes))
            document.pop("@Redfish.Copyright", None)
            assert json.loads(heard.body) == document
    assert len(files) >= resources
