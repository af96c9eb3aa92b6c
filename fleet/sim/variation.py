"""What differs from host to host in the built-in tree: every value follows from the address alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fleet.sim.address import digest

VENDORS = ("Dell", "HPE", "Lenovo", "Supermicro")

_MODELS = {
    "Dell": ("PowerEdge R760", "PowerEdge R660"),
    "HPE": ("ProLiant DL380 Gen11", "ProLiant DL360 Gen11"),
    "Lenovo": ("ThinkSystem SR650 V3", "ThinkSystem SR630 V3"),
    "Supermicro": ("SYS-221H-TNR", "SYS-121H-TNR"),
}
_PRODUCTS = {
    "Dell": "Integrated Dell Remote Access Controller",
    "HPE": "iLO 6",
    "Lenovo": "XClarity Controller 2",
    "Supermicro": "Supermicro BMC",
}
_BIOS = ("2.17.1", "2.18.0", "2.19.1", "2.20.0")
_BMC = ("7.00.60.00", "7.10.30.05", "7.10.50.10")
_NIC = ("22.31.6", "22.36.9", "23.01.2")
_PROCESSORS = ("Xeon Gold 6430", "Xeon Gold 6448Y", "Xeon Platinum 8462Y+")


def expected(address: str) -> Mapping[str, Any]:
    """Every value that varies on the host at `address`, by the name it has in the built-in tree.

    Pure: the same address gives the same values in every process and on every machine. About one host
    in eight has a system that is not OK, one in ten a failing drive, one in sixteen is powered off.
    """

    def pick(purpose: str, choices: tuple[str, ...]) -> str:
        return choices[digest(address, purpose) % len(choices)]

    def number(purpose: str, low: int, high: int) -> int:
        return low + digest(address, purpose) % (high - low + 1)

    def serial(purpose: str, prefix: str) -> str:
        return f"{prefix}{digest(address, purpose) % 36**8:08X}"

    def mac(purpose: str) -> str:
        low = digest(address, purpose)
        return ":".join(["02", *(f"{(low >> shift) & 0xFF:02X}" for shift in (32, 24, 16, 8, 0))])

    vendor = pick("vendor", VENDORS)
    health = ("Critical", "Warning")[digest(address, "which") % 2] if number("health", 0, 7) == 0 else "OK"
    failing = number("drive", 0, 9) == 0
    power = "Off" if number("power", 0, 15) == 0 else "On"
    values: dict[str, Any] = {
        "address": address,
        "vendor": vendor,
        "product": _PRODUCTS[vendor],
        "model": pick("model", _MODELS[vendor]),
        "service_uuid": str(
            uuid.UUID(int=digest(address, "uuid a") << 64 | digest(address, "uuid b"), version=4)
        ),
        "hostname": "host-" + address.replace(".", "-"),
        "power": power,
        "health": health,
        "rollup": "Critical" if failing else health,
        "drive_health": "Critical" if failing else "OK",
        "drive_failing": failing,
        "drive_life": number("life", 5, 100),
        "bios": pick("bios", _BIOS),
        "bmc_firmware": pick("bmc", _BMC),
        "nic_firmware": pick("nic", _NIC),
        "processor": pick("processor", _PROCESSORS),
        "cores": (16, 24, 32)[digest(address, "cores") % 3],
        "dimm_mib": (16384, 32768, 65536)[digest(address, "dimm") % 3],
        "inlet": number("inlet", 18, 29),
        "cpu_celsius": number("cpu", 38, 78),
        "fan_rpm": number("rpm", 3600, 11400),
        "fan_percent": number("percent", 20, 95),
        "watts": number("watts", 140, 620),
        "psu_watts": number("psu", 70, 310),
        "kwh": number("kwh", 1000, 90000) / 10,
        "line_volts": number("volts", 225, 239),
        "chassis_serial": serial("chassis", "CH"),
        "manager_uuid": str(
            uuid.UUID(int=digest(address, "muuid a") << 64 | digest(address, "muuid b"), version=4)
        ),
        "manager_mac": mac("manager mac"),
    }
    for system in (1, 2):
        values[f"serial_{system}"] = serial(f"serial {system}", "SN")
        identity = digest(address, f"suuid a {system}") << 64 | digest(address, f"suuid b {system}")
        values[f"uuid_{system}"] = str(uuid.UUID(int=identity, version=4))
        for part in (1, 2):
            values[f"drive_serial_{system}_{part}"] = serial(f"drive {system} {part}", "DR")
            values[f"dimm_serial_{system}_{part}"] = serial(f"dimm {system} {part}", "MM")
            values[f"cpu_serial_{system}_{part}"] = serial(f"cpu {system} {part}", "CP")
            values[f"mac_{system}_{part}"] = mac(f"mac {system} {part}")
    values["memory_gib"] = values["dimm_mib"] * 2 // 1024
    for part in (1, 2):
        values[f"psu_serial_{part}"] = serial(f"psu {part}", "PS")
    return MappingProxyType(values)
