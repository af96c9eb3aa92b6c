"""A run beside NetBox: exactly what differs is proposed, and nothing out of what was not seen."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import jsonschema_rs
import pytest
from fake_netbox import UPDATED, FakeNetBox
from netbox_runs import Compared, seen

from fleet.export import preview_schema


def brief(changes: Any) -> list[tuple[str, str, Any, Any]]:
    return [(one.action, one.endpoint.split("/")[-2], one.id, one.after) for one in changes]


async def test_what_agrees_is_not_proposed(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    netbox.item(number, "Bay 1", "D1", part_id="KPM6")
    found = await compared(seen("web1", "SN1", drives=[("Bay 1", "D1")]))
    assert (found.changes, found.deletions, found.unknown, found.problems) == ((), (), (), ())
    assert found.summary["devices"] == found.summary["devices_in_netbox"] == 1
    assert netbox.methods == {"GET"}


async def test_firmware_goes_to_custom_fields(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "sn1 ", bios_version="2.18.1", bmc_version="7.10", other="kept")
    found = await compared(seen("elsewhere", "SN1"))
    (change,) = found.changes
    assert (change.action, change.endpoint, change.id) == ("update", "/api/dcim/devices/", number)
    assert change.before == {"custom_fields": {"bios_version": "2.18.1"}}
    assert change.after == {"custom_fields": {"bios_version": "2.19.0"}}
    assert change.match["last_updated"] == UPDATED
    assert change.why == "the run says otherwise: bios_version"


async def test_a_new_device_brings_what_it_refers_to(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.fields.clear()
    netbox.field("bios_version", "dcim.site")
    found = await compared(seen("web1", "SN1", drives=[("Bay 1", "D1")]))
    assert [(one.action, one.endpoint.split("/")[-2]) for one in found.changes] == [
        ("create", "device-types"), ("update", "custom-fields"), ("create", "custom-fields"),
        ("create", "devices"), ("create", "inventory-items"),
    ]  # fmt: skip
    kind, has, lacks, device, item = found.changes
    assert kind.after == {"manufacturer": {"slug": "dell-inc"}, "model": "R760", "slug": "r760"}
    assert has.after == {"object_types": ["dcim.device", "dcim.site"]}
    assert lacks.after == {"name": "bmc_version", "type": "text", "object_types": ["dcim.device"]}
    assert device.after == {
        "name": "web1", "serial": "SN1",
        "device_type": {"manufacturer": {"slug": "dell-inc"}, "model": "R760"},
        "role": {"slug": "server"}, "site": {"slug": "a"}, "status": "active",
        "custom_fields": {"bios_version": "2.19.0", "bmc_version": "7.10"},
    }  # fmt: skip
    assert item.after["device"] == {"serial": "SN1"}
    assert (item.after["discovered"], item.after["role"]) == (True, {"slug": "drive"})


async def test_devices_are_found_by_serial_then_by_name(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.device("web1", "SN2", bios_version="2.19.0", bmc_version="7.10")
    named = netbox.device("web3", "", bios_version="2.19.0", bmc_version="7.10")
    found = await compared(seen("web2", "SN2"), seen("WEB3", "SN3"))
    assert brief(found.changes) == [("update", "devices", named, {"serial": "SN3"})]


async def test_what_cannot_be_told_apart_is_for_a_person(netbox: FakeNetBox, compared: Compared) -> None:
    for name, serial in (("a1", "SAME"), ("a2", "same"), ("swapped", "OLD")):
        netbox.device(name, serial)
    found = await compared(
        seen("x", "SAME"), seen("swapped", "NEW"), seen("t1", "TWICE"), seen("t2", "twice"),
        seen("lost", "SN9", labels={"site": "nowhere"}), seen("nameless", None),
    )  # fmt: skip
    assert found.changes == ()
    said = {one.target.removeprefix("https://"): one.why for one in found.problems}
    assert set(said) == {"x", "swapped", "t1", "t2", "lost"}
    assert "several devices in NetBox: 1, 2" in said["x"]
    assert "was the machine replaced?" in said["swapped"]
    assert "several devices of the run" in said["t1"]
    assert "site 'nowhere' is not in NetBox" in said["lost"]


async def test_a_part_that_is_gone_is_a_deletion_apart(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    gone = netbox.item(number, "Bay 2", "D2")
    netbox.item(number, "Bay 3", "D3", discovered=False)  # a person entered it
    netbox.item(number, "Rail kit", "", role=None)
    found = await compared(seen("web1", "SN1", drives=[]))
    assert found.changes == ()
    assert [(one.action, one.id, one.before["serial"]) for one in found.deletions] == [("delete", gone, "D2")]


async def test_nothing_follows_from_an_incomplete_step(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    kept = netbox.item(number, "Bay 2", "D2")
    outcome = seen("web1", "SN1", drives=[("Bay 1", "D1")], status="partial")
    outcome["steps"]["drive"]["complete"] = False
    found = await compared(outcome)
    assert found.deletions == ()
    assert [(one.id, one.why) for one in found.unknown] == [
        (kept, "not seen: drive is not complete on this target")
    ]
    assert brief(found.changes)[-1][:2] == ("create", "inventory-items")


async def test_nothing_follows_from_a_failed_target(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.18.0")
    netbox.item(number, "Bay 1", "D1")
    failed = seen("web1", "SN1", status="failed", failure={"kind": "timeout.connect", "message": "no"})
    failed["steps"] = {name: {"complete": False, "rows": []} for name in failed["steps"]}
    crashed = seen("web2", "SN2", status="failed", steps={})
    found = await compared(failed, crashed)
    assert (found.changes, found.deletions) == ((), ())
    assert [(one.target, one.id, one.why) for one in found.unknown] == [
        ("https://web1", number, "system is not complete: timeout.connect"),
        ("https://web2", None, "system is not complete: failed"),
    ]


async def test_a_value_that_is_not_there_clears_nothing(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.18.0", bmc_version="7.0")
    netbox.item(number, "Bay 1", "D1", part_id="OLD")
    outcome = seen("web1", "SN1", drives=[("Bay 1", None)])
    outcome["steps"]["system"]["rows"][0]["bios"] = None
    outcome["steps"]["drive"]["rows"][0]["model"] = ""
    outcome["steps"]["manager"] = {"complete": False, "rows": []}
    found = await compared(outcome)
    assert (found.changes, found.deletions) == ((), ())


async def test_a_part_that_was_swapped_is_changed_in_its_place(
    netbox: FakeNetBox, compared: Compared
) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    item = netbox.item(number, "Bay 1", "D1", part_id="KPM6")
    found = await compared(seen("web1", "SN1", drives=[("Bay 1", "D9")]))
    assert brief(found.changes) == [("update", "inventory-items", item, {"serial": "D9"})]
    assert found.changes[0].before == {"serial": "D1"}


async def test_another_model_is_said_and_not_changed(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.device("web1", "SN1", model="R750", bios_version="2.19.0", bmc_version="7.10")
    found = await compared(seen("web1", "SN1"))
    assert found.changes == ()
    assert "is a 'R750' in NetBox, and says 'R760'" in found.problems[0].why


async def test_what_hosts_sent_is_bounded_and_inert(netbox: FakeNetBox, compared: Compared) -> None:
    netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    found = await compared(
        seen("web1", "SN1", bios="\x1b]0;x\x07", drives=[("Bay 1", "D" * 51), ("\u202eBay", "D2")]),
        seen("y" * 65, "SN2"),
    )
    texts = str([asdict(one) for one in found.changes])
    assert not {"\x1b", "\u202e"} & set(texts)
    assert "DDDD" not in texts
    assert {one.why for one in found.problems} >= {
        "bios_version holds what does not print, and is left out",
        "serial is longer than 50 characters, and left out",
        "name is longer than 64 characters, and left out",
    }


@pytest.fixture
def schema() -> Any:
    """The published schema, made outside of the event loop: its texts are read from the source."""
    return jsonschema_rs.validator_for(preview_schema())


async def test_the_preview_is_of_its_schema(netbox: FakeNetBox, compared: Compared, schema: Any) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.18.0")
    netbox.item(number, "Bay 2", "D2")
    failed = seen("web3", "SN3", status="failed", steps={})
    found = await compared(seen("web1", "SN1"), seen("web2", "SN2", labels={}), failed)
    assert found.changes
    assert found.deletions
    assert found.unknown
    assert found.problems
    shown = json.loads(json.dumps(found.to_json()))
    assert [str(error) for error in schema.iter_errors(shown)] == []
    shown["changes"][0]["action"] = "destroy"
    assert not schema.is_valid(shown)


async def test_nothing_follows_from_a_step_that_is_not_offered(
    netbox: FakeNetBox, compared: Compared
) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    kept = netbox.item(number, "Bay 2", "D2")
    found = await compared(seen("web1", "SN1", skipped=[{"step": "storage", "why": "404"}]))
    assert (found.changes, found.deletions) == ((), ())
    assert [(one.id, one.why) for one in found.unknown] == [
        (kept, "not seen: this target may not offer drive")
    ]


async def test_parts_that_share_a_name_are_told_apart(netbox: FakeNetBox, compared: Compared) -> None:
    number = netbox.device("web1", "SN1", bios_version="2.19.0", bmc_version="7.10")
    netbox.item(number, "SSD", "X9", role=None)
    drives = [("Drive", "D1"), ("drive", "D2"), ("Drive", None), ("SSD", "D3")]
    found = await compared(seen("web1", "SN1", drives=drives))
    names = [(one.action, one.after.get("name"), one.after["serial"]) for one in found.changes]
    assert names == [("create", "Drive D1", "D1"), ("create", "drive D2", "D2"), ("update", None, "D3")]
    assert [one.why for one in found.problems] == ["drive 'Drive' is there twice, and has no serial number"]


async def test_two_new_devices_of_one_name_are_one_proposal(netbox: FakeNetBox, compared: Compared) -> None:
    twin = seen("web1", "SN2", id="https://other", target="https://other")
    found = await compared(seen("web1", "SN1"), twin)
    assert [one.after["serial"] for one in found.changes if one.endpoint.endswith("devices/")] == ["SN1"]
    assert [one.target for one in found.problems] == ["https://other"]
