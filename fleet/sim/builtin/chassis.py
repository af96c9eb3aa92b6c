"""One chassis with both thermal models, sensors, power, environment metrics and a network adapter."""

from __future__ import annotations

from typing import Any, NamedTuple

from fleet.sim.builtin.document import ROOT, Documents, add_collection, link, links, resource, status

BELOW = "Chassis/1"
SUPPLIES = ((1, "OK"), (2, "{{psu_health_2}}"))  # the number and the health of each power supply


class Thresholds(NamedTuple):
    """Between which readings of a sensor all is well, and where the host would switch itself off."""

    cold: int
    caution: int
    critical: int

    def thresholds(self) -> dict[str, Any]:
        """As a Sensor has them."""
        named = {"LowerCaution": self.cold, "UpperCaution": self.caution, "UpperCritical": self.critical}
        return {name: {"Reading": reading} for name, reading in named.items()}


INLET, CPU = Thresholds(3, 38, 42), Thresholds(3, 85, 95)


def add_chassis(documents: Documents) -> None:
    """Adds the collection of chassis and everything below it."""
    chassis = resource(
        BELOW,
        "Chassis.v1_26_0",
        "Main Chassis",
        ChassisType="RackMount",
        Manufacturer="{{vendor}}",
        Model="{{model}}",
        SKU="{{model}} SKU",
        SerialNumber="{{chassis_serial}}",
        PartNumber="C-100-17",
        AssetTag="{{hostname}}",
        PowerState="On",
        IndicatorLED="Off",
        PhysicalSecurity={"IntrusionSensor": "Normal", "IntrusionSensorNumber": 1},
        Status=status("{{health}}", rollup="{{rollup}}"),
        Thermal=link(f"{BELOW}/Thermal"),
        Power=link(f"{BELOW}/Power"),
        ThermalSubsystem=link(f"{BELOW}/ThermalSubsystem"),
        PowerSubsystem=link(f"{BELOW}/PowerSubsystem"),
        Sensors=link(f"{BELOW}/Sensors"),
        EnvironmentMetrics=link(f"{BELOW}/EnvironmentMetrics"),
        NetworkAdapters=link(f"{BELOW}/NetworkAdapters"),
        Links={"ComputerSystems": links(["Systems/1", "Systems/2"]), "ManagedBy": links(["Managers/BMC"])},
    )
    add_collection(documents, "Chassis", "Chassis", [chassis])
    _add_legacy(documents)
    _add_subsystems(documents)
    _add_sensors(documents)
    _add_adapter(documents)


def _add_legacy(documents: Documents) -> None:
    def at(kind: str, index: int) -> dict[str, Any]:
        where = "Thermal" if kind in ("Temperatures", "Fans") else "Power"
        return {"@odata.id": f"{ROOT}/{BELOW}/{where}#/{kind}/{index}", "MemberId": str(index)}

    documents[f"{BELOW}/Thermal"] = resource(
        f"{BELOW}/Thermal",
        "Thermal.v1_7_1",
        "Thermal",
        Temperatures=[
            at("Temperatures", 0)
            | {"Name": "Inlet Temp", "ReadingCelsius": "{{inlet}}", "UpperThresholdCritical": INLET.critical}
            | {"UpperThresholdNonCritical": INLET.caution, "LowerThresholdNonCritical": INLET.cold}
            | {"PhysicalContext": "Intake", "Status": status("{{inlet_health}}")},
            at("Temperatures", 1)
            | {
                "Name": "CPU1 Temp",
                "ReadingCelsius": "{{cpu_celsius}}",
                "UpperThresholdCritical": CPU.critical,
            }
            | {"UpperThresholdNonCritical": CPU.caution, "LowerThresholdNonCritical": CPU.cold}
            | {"PhysicalContext": "CPU", "Status": status()},
            at("Temperatures", 2)
            | {"Name": "CPU2 Temp", "ReadingCelsius": None, "Status": status(None, state="Absent")},
        ],
        Fans=[
            at("Fans", index)
            | {"Name": f"Fan {index + 1}", "Reading": "{{fan_rpm}}", "ReadingUnits": "RPM"}
            | {"Status": status()}
            for index in (0, 1)
        ],
    )
    documents[f"{BELOW}/Power"] = resource(
        f"{BELOW}/Power",
        "Power.v1_7_3",
        "Power",
        PowerControl=[
            at("PowerControl", 0)
            | {"Name": "System Power Control", "PowerConsumedWatts": "{{watts}}", "PowerCapacityWatts": 1600}
            | {"PowerMetrics": {"IntervalInMin": 30, "AverageConsumedWatts": "{{watts}}"}, "Status": status()}
        ],
        Voltages=[
            at("Voltages", 0) | {"Name": "VRM1 Voltage", "ReadingVolts": 1.8, "Status": status()},
            at("Voltages", 1) | {"Name": "VRM2 Voltage", "ReadingVolts": 1.8, "Status": status()},
        ],
        PowerSupplies=[
            at("PowerSupplies", index)
            | {
                "Name": f"PSU {number}",
                "PowerCapacityWatts": 800,
                "PowerInputWatts": f"{{{{psu_watts_{number}}}}}",
            }
            | {"LastPowerOutputWatts": f"{{{{psu_watts_{number}}}}}"}
            | {"LineInputVoltage": f"{{{{line_volts_{number}}}}}"}
            | {"SerialNumber": f"{{{{psu_serial_{number}}}}}", "Status": status(health)}
            for index, (number, health) in enumerate(SUPPLIES)
        ],
    )


def _add_subsystems(documents: Documents) -> None:
    thermal = f"{BELOW}/ThermalSubsystem"
    documents[thermal] = resource(
        thermal,
        "ThermalSubsystem.v1_3_2",
        "Thermal Subsystem",
        Fans=link(f"{thermal}/Fans"),
        ThermalMetrics=link(f"{thermal}/ThermalMetrics"),
        Status=status(),
    )
    fans = [
        resource(
            f"{thermal}/Fans/{number}",
            "Fan.v1_6_0",
            f"Fan {number}",
            SpeedPercent={"Reading": "{{fan_percent}}", "SpeedRPM": "{{fan_rpm}}"},
            PhysicalContext="Chassis",
            Status=status(),
        )
        for number in (1, 2)
    ]
    add_collection(documents, f"{thermal}/Fans", "Fan", fans)
    documents[f"{thermal}/ThermalMetrics"] = resource(
        f"{thermal}/ThermalMetrics",
        "ThermalMetrics.v1_3_2",
        "Thermal Metrics",
        TemperatureReadingsCelsius=[
            {"DeviceName": "Inlet Temp", "Reading": "{{inlet}}"} | _source("InletTemp"),
            {"DeviceName": "CPU1 Temp", "Reading": "{{cpu_celsius}}"} | _source("CPU1Temp"),
        ],
    )
    power = f"{BELOW}/PowerSubsystem"
    documents[power] = resource(
        power,
        "PowerSubsystem.v1_1_3",
        "Power Subsystem",
        CapacityWatts=1600,
        PowerSupplies=link(f"{power}/PowerSupplies"),
        Status=status(),
    )
    supplies = [
        resource(
            f"{power}/PowerSupplies/{number}",
            "PowerSupply.v1_6_0",
            f"PSU {number}",
            Manufacturer="Delta",
            Model="DPS-800AB",
            SerialNumber=f"{{{{psu_serial_{number}}}}}",
            FirmwareVersion="00.1D.7A",
            PowerCapacityWatts=800,
            Metrics=link(f"{power}/PowerSupplies/{number}/Metrics"),
            Status=status(health),
        )
        for number, health in SUPPLIES
    ]
    add_collection(documents, f"{power}/PowerSupplies", "PowerSupply", supplies)
    for number, _ in SUPPLIES:
        path = f"{power}/PowerSupplies/{number}/Metrics"
        documents[path] = resource(
            path,
            "PowerSupplyMetrics.v1_1_2",
            f"Metrics of PSU {number}",
            InputPowerWatts={"Reading": f"{{{{psu_watts_{number}}}}}"},
            OutputPowerWatts={"Reading": f"{{{{psu_watts_{number}}}}}"},
            InputVoltage={"Reading": f"{{{{line_volts_{number}}}}}"},
        )


def _source(sensor: str) -> dict[str, str]:
    return {"DataSourceUri": f"{ROOT}/{BELOW}/Sensors/{sensor}"}


def _add_sensors(documents: Documents) -> None:
    def sensor(
        name: str, kind: str, units: str, reading: str, limits: Thresholds | None = None, health: str = "OK"
    ) -> dict[str, Any]:
        return resource(
            f"{BELOW}/Sensors/{name}",
            "Sensor.v1_9_0",
            name,
            ReadingType=kind,
            Reading=reading,
            ReadingUnits=units,
            Status=status(health),
            **({"Thresholds": limits.thresholds()} if limits else {}),
        )

    sensors = [
        sensor("InletTemp", "Temperature", "Cel", "{{inlet}}", INLET, "{{inlet_health}}"),
        sensor("CPU1Temp", "Temperature", "Cel", "{{cpu_celsius}}", CPU),
        sensor("Fan1", "Rotational", "{rev}/min", "{{fan_rpm}}"),
        sensor("Fan2", "Rotational", "{rev}/min", "{{fan_rpm}}"),
        sensor("TotalPower", "Power", "W", "{{watts}}"),
        sensor("TotalEnergy", "EnergykWh", "kW.h", "{{kwh}}"),
    ]
    add_collection(documents, f"{BELOW}/Sensors", "Sensor", sensors)
    documents[f"{BELOW}/EnvironmentMetrics"] = resource(
        f"{BELOW}/EnvironmentMetrics",
        "EnvironmentMetrics.v1_4_0",
        "Environment Metrics",
        TemperatureCelsius={"Reading": "{{inlet}}"} | _source("InletTemp"),
        PowerWatts={"Reading": "{{watts}}"} | _source("TotalPower"),
        EnergykWh={"Reading": "{{kwh}}"} | _source("TotalEnergy"),
    )


def _add_adapter(documents: Documents) -> None:
    adapter = resource(
        f"{BELOW}/NetworkAdapters/OCP",
        "NetworkAdapter.v1_11_0",
        "OCP Network Adapter",
        Manufacturer="Broadcom",
        Model="BCM57414",
        PartNumber="NA-25G-2P",
        SerialNumber="{{chassis_serial}}-NA",
        Controllers=[{"FirmwarePackageVersion": "{{nic_firmware}}"}],
        Status=status(),
    )
    add_collection(documents, f"{BELOW}/NetworkAdapters", "NetworkAdapter", [adapter])
