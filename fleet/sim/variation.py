"""What differs from host to host in the built-in tree: every value follows from the address alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from fleet.guess import guess
from fleet.sim.address import digest

Choice = TypeVar("Choice")
VENDORS = ("Dell", "HPE", "Lenovo", "Supermicro")

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
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


class _Draw:
    """Draws from an address: the same purpose gives the same value, different ones have nothing in common."""

    def __init__(self, address: str) -> None:
        self._address = address

    def bits(self, purpose: str) -> int:
        return digest(self._address, purpose)

    def pick(self, purpose: str, choices: Sequence[Choice]) -> Choice:
        return choices[self.bits(purpose) % len(choices)]

    def number(self, purpose: str, low: int, high: int) -> int:
        return low + self.bits(purpose) % (high - low + 1)

    def serial(self, purpose: str, prefix: str) -> str:
        return f"{prefix}{self.bits(purpose) % 36**8:08X}"

    def mac(self, purpose: str) -> str:
        low = self.bits(purpose)
        return ":".join(["02", *(f"{(low >> shift) & 0xFF:02X}" for shift in (32, 24, 16, 8, 0))])

    def uuid(self, high: str, low: str) -> str:
        return str(uuid.UUID(int=self.bits(high) << 64 | self.bits(low), version=4))


def expected(address: str) -> Mapping[str, Any]:
    """Every value that varies on the host at `address`, by the name it has in the built-in tree.

    Pure: the same address gives the same values in every process and on every machine. About one host
    in eight has a system that is not OK, one in ten a failing drive, one in sixteen is powered off; one in
    24 takes in air that is nearly too warm, and one in 24 has a power supply without mains.
    """
    draw = _Draw(address)
    return MappingProxyType(
        {
            "address": address,
            "hostname": "host-" + address.replace(".", "-"),
            **_state(draw),
            **_models(draw),
            **_readings(draw),
            **_serials(draw),
        }
    )


def varied(address: str, given: Mapping[str, str]) -> Mapping[str, Any]:
    """What `expected` says of a host, but for the values that are given as text: each of the type that its
    own has (`true` or `false` for what is one of them). Raises ValueError for a name that nothing on it has,
    and for a text that is no such value."""
    own = expected(address)
    changed: dict[str, Any] = {}
    for name, text in given.items():
        if name not in own:
            raise ValueError(f"no value is called {name!r}: {guess(name, own)}")
        kind = type(own[name])
        try:
            changed[name] = {"true": True, "false": False}[text] if kind is bool else kind(text)
        except (KeyError, ValueError):
            raise ValueError(f"{name} is {_KINDS[kind]}, not {text!r}") from None
    return MappingProxyType({**own, **changed})


def _state(draw: _Draw) -> dict[str, Any]:
    troubled, failing = draw.number("health", 0, 7) == 0, draw.number("drive", 0, 9) == 0
    health = draw.pick("which", ("Critical", "Warning")) if troubled else "OK"
    return {
        "power": "Off" if draw.number("power", 0, 15) == 0 else "On",
        "health": health,
        "rollup": "Critical" if failing else health,
        "drive_health": "Critical" if failing else "OK",
        "drive_failing": failing,
        "drive_life": draw.number("life", 5, 100),
    }


def _models(draw: _Draw) -> dict[str, Any]:
    vendor, dimm = draw.pick("vendor", VENDORS), draw.pick("dimm", (16384, 32768, 65536))
    return {
        "vendor": vendor,
        "product": _PRODUCTS[vendor],
        "model": draw.pick("model", _MODELS[vendor]),
        "bios": draw.pick("bios", _BIOS),
        "bmc_firmware": draw.pick("bmc", _BMC),
        "nic_firmware": draw.pick("nic", _NIC),
        "processor": draw.pick("processor", _PROCESSORS),
        "cores": draw.pick("cores", (16, 24, 32)),
        "dimm_mib": dimm,
        "memory_gib": dimm * 2 // 1024,
    }


def _readings(draw: _Draw) -> dict[str, Any]:
    warm, lost = draw.number("hot aisle", 0, 23) == 0, draw.number("psu lost", 0, 23) == 0
    volts, watts = draw.number("volts", 225, 239), draw.number("psu", 70, 310)
    return {
        "inlet": 41 if warm else draw.number("inlet", 18, 29),
        "inlet_health": "Warning" if warm else "OK",
        "cpu_celsius": draw.number("cpu", 38, 78),
        "fan_rpm": draw.number("rpm", 3600, 11400),
        "fan_percent": draw.number("percent", 20, 95),
        "watts": draw.number("watts", 140, 620),
        "psu_watts_1": watts,
        "psu_watts_2": 0 if lost else watts,
        "line_volts_1": volts,
        "line_volts_2": 0 if lost else volts,
        "psu_health_2": "Critical" if lost else "OK",
        "kwh": draw.number("kwh", 1000, 90000) / 10,
    }


def _serials(draw: _Draw) -> dict[str, Any]:
    """What tells hosts, and the parts of one host, from one another."""
    values = {
        "service_uuid": draw.uuid("uuid a", "uuid b"),
        "chassis_serial": draw.serial("chassis", "CH"),
        "manager_uuid": draw.uuid("muuid a", "muuid b"),
        "manager_mac": draw.mac("manager mac"),
    }
    for system in (1, 2):
        values[f"serial_{system}"] = draw.serial(f"serial {system}", "SN")
        values[f"uuid_{system}"] = draw.uuid(f"suuid a {system}", f"suuid b {system}")
        for part in (1, 2):
            values[f"drive_serial_{system}_{part}"] = draw.serial(f"drive {system} {part}", "DR")
            values[f"dimm_serial_{system}_{part}"] = draw.serial(f"dimm {system} {part}", "MM")
            values[f"cpu_serial_{system}_{part}"] = draw.serial(f"cpu {system} {part}", "CP")
            values[f"mac_{system}_{part}"] = draw.mac(f"mac {system} {part}")
    for part in (1, 2):
        values[f"psu_serial_{part}"] = draw.serial(f"psu {part}", "PS")
    return values
