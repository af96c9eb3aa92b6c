"""The service root, the manager, the update service with its firmware, and the session service."""

from __future__ import annotations

from fleet.sim.builtin.document import ROOT, Documents, add_collection, link, links, resource, status


def add_service(documents: Documents, *, expand: bool) -> None:
    """Adds the service root and the services. `expand` says whether the root offers $expand."""
    root = resource(
        "",
        "ServiceRoot.v1_17_0",
        "Root Service",
        RedfishVersion="1.20.1",
        UUID="{{service_uuid}}",
        Vendor="{{vendor}}",
        Product="{{product}}",
        ProtocolFeaturesSupported={
            "ExpandQuery": {
                "ExpandAll": expand,
                "NoLinks": expand,
                "Links": False,
                "Levels": expand,
                "MaxLevels": 1,
            },
            "FilterQuery": False,
            "SelectQuery": False,
            "TopSkipQuery": True,
        },
        Systems=link("Systems"),
        Chassis=link("Chassis"),
        Managers=link("Managers"),
        UpdateService=link("UpdateService"),
        SessionService=link("SessionService"),
        Links={"Sessions": link("SessionService/Sessions")},
        Oem={},
    )
    root["@odata.id"], root["Id"] = f"{ROOT}/", "RootService"
    documents[""] = root
    _add_manager(documents)
    _add_update(documents)
    documents["SessionService"] = resource(
        "SessionService",
        "SessionService.v1_1_9",
        "Session Service",
        ServiceEnabled=True,
        SessionTimeout=1800,
        Sessions=link("SessionService/Sessions"),
        Status=status(),
    )
    add_collection(documents, "SessionService/Sessions", "Session", [])


def _add_manager(documents: Documents) -> None:
    manager = resource(
        "Managers/BMC",
        "Manager.v1_20_0",
        "Manager",
        ManagerType="BMC",
        Model="{{product}}",
        FirmwareVersion="{{bmc_firmware}}",
        UUID="{{manager_uuid}}",
        ServiceEntryPointUUID="{{service_uuid}}",
        DateTime="2026-10-09T12:00:00Z",
        PowerState="On",
        Status=status(),
        EthernetInterfaces=link("Managers/BMC/EthernetInterfaces"),
        Links={
            "ManagerForServers": links(["Systems/1", "Systems/2"]),
            "ManagerForChassis": links(["Chassis/1"]),
        },
    )
    add_collection(documents, "Managers", "Manager", [manager])
    nic = resource(
        "Managers/BMC/EthernetInterfaces/eth0",
        "EthernetInterface.v1_12_0",
        "Manager Ethernet Interface",
        MACAddress="{{manager_mac}}",
        PermanentMACAddress="{{manager_mac}}",
        HostName="{{hostname}}",
        FQDN="{{hostname}}.example.net",
        SpeedMbps=1000,
        LinkStatus="LinkUp",
        IPv4Addresses=[{"Address": "{{address}}", "SubnetMask": "255.0.0.0", "AddressOrigin": "Static"}],
        Status=status(),
    )
    add_collection(documents, "Managers/BMC/EthernetInterfaces", "EthernetInterface", [nic])


def _add_update(documents: Documents) -> None:
    documents["UpdateService"] = resource(
        "UpdateService",
        "UpdateService.v1_14_0",
        "Update Service",
        ServiceEnabled=True,
        FirmwareInventory=link("UpdateService/FirmwareInventory"),
        SoftwareInventory=link("UpdateService/SoftwareInventory"),
        Status=status(),
    )

    def software(where: str, name: str, version: str, related: str) -> dict[str, object]:
        return resource(
            f"UpdateService/{where}/{name}",
            "SoftwareInventory.v1_10_2",
            name,
            Version=version,
            Manufacturer="{{vendor}}",
            ReleaseDate="2026-03-01T00:00:00Z",
            Updateable=True,
            SoftwareId=f"fw-{name.lower()}",
            RelatedItem=links([related]),
            Status=status(),
        )

    firmware = [
        software("FirmwareInventory", "BIOS", "{{bios}}", "Systems/1"),
        software("FirmwareInventory", "BMC", "{{bmc_firmware}}", "Managers/BMC"),
        software("FirmwareInventory", "NIC", "{{nic_firmware}}", "Chassis/1/NetworkAdapters/OCP"),
    ]
    add_collection(documents, "UpdateService/FirmwareInventory", "SoftwareInventory", firmware)
    drivers = [software("SoftwareInventory", "DriverPack", "24.10.1", "Systems/1")]
    add_collection(documents, "UpdateService/SoftwareInventory", "SoftwareInventory", drivers)
