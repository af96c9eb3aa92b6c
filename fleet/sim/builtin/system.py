"""Two systems: processors, memory, NICs, logs; storage on one, SimpleStorage on the other."""

from __future__ import annotations

from typing import Any

from fleet.sim.builtin.document import Documents, add_collection, link, links, resource, status

TERABYTE = 10**12


def add_systems(documents: Documents) -> None:
    """Adds the collection of systems and everything below it."""
    systems = [_system(number) for number in (1, 2)]
    add_collection(documents, "Systems", "ComputerSystem", systems)
    for number in (1, 2):
        below = f"Systems/{number}"
        add_collection(
            documents, f"{below}/Processors", "Processor", [_processor(number, part) for part in (1, 2)]
        )
        add_collection(documents, f"{below}/Memory", "Memory", [_dimm(number, part) for part in (1, 2, 3)])
        add_collection(
            documents,
            f"{below}/EthernetInterfaces",
            "EthernetInterface",
            [_nic(number, part) for part in (1, 2)],
        )
        _add_log(documents, number)
    _add_storage(documents)
    _add_simple_storage(documents)


def _system(number: int) -> dict[str, Any]:
    below = f"Systems/{number}"
    storage = {"Storage": link(f"{below}/Storage")} if number == 1 else {}
    simple = {"SimpleStorage": link(f"{below}/SimpleStorage")} if number == 2 else {}
    return resource(
        below,
        "ComputerSystem.v1_22_0",
        f"System {number}",
        SystemType="Physical",
        Manufacturer="{{vendor}}",
        Model="{{model}}",
        SKU="{{model}} SKU",
        SerialNumber=f"{{{{serial_{number}}}}}",
        PartNumber=f"P-{number}00-17",
        AssetTag=f"{{{{hostname}}}}/{number}",
        UUID=f"{{{{uuid_{number}}}}}",
        HostName=f"{{{{hostname}}}}-{number}",
        BiosVersion="{{bios}}",
        PowerState="{{power}}" if number == 1 else "On",
        IndicatorLED="Off",
        Status=status("{{health}}", rollup="{{rollup}}") if number == 1 else status("OK", rollup="OK"),
        ProcessorSummary={"Count": 2, "Model": "{{processor}}", "Status": status()},
        MemorySummary={"TotalSystemMemoryGiB": "{{memory_gib}}", "Status": status()},
        Boot={"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"},
        Processors=link(f"{below}/Processors"),
        Memory=link(f"{below}/Memory"),
        EthernetInterfaces=link(f"{below}/EthernetInterfaces"),
        LogServices=link(f"{below}/LogServices"),
        Links={"Chassis": links(["Chassis/1"]), "ManagedBy": links(["Managers/BMC"])},
        **storage,
        **simple,
    )


def _processor(system: int, part: int) -> dict[str, Any]:
    return resource(
        f"Systems/{system}/Processors/CPU{part}",
        "Processor.v1_20_0",
        f"Processor {part}",
        Socket=f"CPU {part}",
        ProcessorType="CPU",
        ProcessorArchitecture="x86",
        InstructionSet="x86-64",
        Manufacturer="Intel(R) Corporation",
        Model="{{processor}}",
        SerialNumber=f"{{{{cpu_serial_{system}_{part}}}}}",
        TotalCores="{{cores}}",
        TotalThreads="{{cores}}",
        MaxSpeedMHz=3700,
        Status=status(),
    )


def _dimm(system: int, part: int) -> dict[str, Any]:
    path, name = f"Systems/{system}/Memory/DIMM{part}", f"DIMM Slot {part}"
    if part == 3:
        return resource(path, "Memory.v1_20_0", name, DeviceLocator=name, Status=status(None, state="Absent"))
    return resource(
        path,
        "Memory.v1_20_0",
        name,
        DeviceLocator=name,
        CapacityMiB="{{dimm_mib}}",
        MemoryDeviceType="DDR5",
        OperatingSpeedMhz=4800,
        Manufacturer="Micron",
        PartNumber="MTC20F2085S1RC48",
        SerialNumber=f"{{{{dimm_serial_{system}_{part}}}}}",
        RankCount=2,
        ErrorCorrection="MultiBitECC",
        Status=status(),
    )


def _nic(system: int, part: int) -> dict[str, Any]:
    return resource(
        f"Systems/{system}/EthernetInterfaces/NIC{part}",
        "EthernetInterface.v1_12_0",
        f"Ethernet Interface {part}",
        MACAddress=f"{{{{mac_{system}_{part}}}}}",
        PermanentMACAddress=f"{{{{mac_{system}_{part}}}}}",
        SpeedMbps=25000,
        LinkStatus="LinkUp" if part == 1 else "LinkDown",
        InterfaceEnabled=True,
        FullDuplex=True,
        IPv4Addresses=[
            {"Address": f"10.{system}.0.{part}", "SubnetMask": "255.255.255.0", "AddressOrigin": "DHCP"}
        ],
        Status=status(),
    )


def _add_storage(documents: Documents) -> None:
    below = "Systems/1/Storage/RAID"
    drives = [_drive(below, part) for part in (1, 2)]
    absent = resource(
        f"{below}/Drives/Disk3",
        "Drive.v1_20_0",
        "Bay 3",
        Status=status(None, state="Absent"),
        CapacityBytes=None,
    )
    storage = resource(
        below,
        "Storage.v1_17_0",
        "RAID Controller",
        Status=status("OK", rollup="{{drive_health}}"),
        StorageControllers=[
            {
                "@odata.id": f"/redfish/v1/{below}#/StorageControllers/0",
                "MemberId": "0",
                "Name": "RAID Controller",
                "Manufacturer": "Broadcom",
                "Model": "MegaRAID 9560",
                "FirmwareVersion": "52.26.0-5179",
                "SpeedGbps": 12,
                "Status": status(),
            }
        ],
        Controllers=link(f"{below}/Controllers"),
        Drives=[{"@odata.id": drive["@odata.id"]} for drive in (*drives, absent)],
        Volumes=link(f"{below}/Volumes"),
    )
    storage["Drives@odata.count"] = 3
    add_collection(documents, "Systems/1/Storage", "Storage", [storage])
    for drive in (*drives, absent):
        documents[drive["@odata.id"].removeprefix("/redfish/v1/")] = drive
    controller = resource(
        f"{below}/Controllers/0",
        "StorageController.v1_8_0",
        "RAID Controller",
        Manufacturer="Broadcom",
        Model="MegaRAID 9560",
        FirmwareVersion="52.26.0-5179",
        Status=status(),
    )
    add_collection(documents, f"{below}/Controllers", "StorageController", [controller])
    volume = resource(
        f"{below}/Volumes/0",
        "Volume.v1_10_0",
        "System",
        RAIDType="RAID1",
        CapacityBytes=2 * TERABYTE,
        Encrypted=False,
        Links={"Drives": [{"@odata.id": drive["@odata.id"]} for drive in drives]},
        Status=status("OK"),
    )
    add_collection(documents, f"{below}/Volumes", "Volume", [volume])


def _drive(below: str, part: int) -> dict[str, Any]:
    first = part == 1
    return resource(
        f"{below}/Drives/Disk{part}",
        "Drive.v1_20_0",
        f"Bay {part}",
        Manufacturer="Kioxia",
        Model="KPM6XRUG1T92",
        SerialNumber=f"{{{{drive_serial_1_{part}}}}}",
        PartNumber="SDFHS86DAB01",
        Revision="0103",
        CapacityBytes=2 * TERABYTE,
        MediaType="SSD",
        Protocol="SAS",
        PredictedMediaLifeLeftPercent="{{drive_life}}" if first else 100,
        FailurePredicted="{{drive_failing}}" if first else False,
        PhysicalLocation={"PartLocation": {"LocationOrdinalValue": part, "LocationType": "Bay"}},
        Status=status("{{drive_health}}") if first else status(),
    )


def _add_simple_storage(documents: Documents) -> None:
    device = {
        "Manufacturer": "ATA",
        "Model": "SATADOM-SL 3IE3",
        "CapacityBytes": 128 * 10**9,
        "Status": status(),
    }
    controller = resource(
        "Systems/2/SimpleStorage/SATA",
        "SimpleStorage.v1_3_1",
        "SATA Controller",
        UefiDevicePath="PciRoot(0x0)/Pci(0x17,0x0)",
        Devices=[
            {"Name": "SATA Bay 1", **device},
            {"Name": "SATA Bay 2", **device},
            {"Name": "SATA Bay 3", "Status": status(None, state="Absent")},
        ],
        Status=status(),
    )
    add_collection(documents, "Systems/2/SimpleStorage", "SimpleStorage", [controller])


def _add_log(documents: Documents, system: int) -> None:
    """A log of six entries over two pages: the first ends in a nextLink, the second does not."""
    below = f"Systems/{system}/LogServices/SEL"
    service = resource(
        below, "LogService.v1_7_0", "System Event Log", Entries=link(f"{below}/Entries"), Status=status()
    )
    add_collection(documents, f"Systems/{system}/LogServices", "LogService", [service])
    entries = [
        resource(
            f"{below}/Entries/{number}",
            "LogEntry.v1_17_0",
            f"Log Entry {number}",
            EntryType="SEL",
            Severity="Warning" if number == 3 else "OK",
            Created=f"2026-10-0{number}T08:00:00Z",
            Message="Fan redundancy lost" if number == 3 else f"Routine event {number}",
            MessageId="Platform.1.0.Event",
        )
        for number in range(1, 7)
    ]
    add_collection(documents, f"{below}/Entries", "LogEntry", entries)
