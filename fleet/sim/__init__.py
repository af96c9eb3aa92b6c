"""A simulated fleet: thousands of Redfish hosts on 127/8 in one process, with faults by name.

The front door for tests: `async with SimulatedFleet(SimOptions(hosts=20, tls=True)) as sim`.
"""

from fleet.sim.fault_file import read_faults
from fleet.sim.faults import BEHAVIOURS, FAULTS, Behaviour
from fleet.sim.fleet import Entry, SimulatedFleet
from fleet.sim.options import Fault, SimOptions
from fleet.sim.socks import SocksProxy
from fleet.sim.variation import expected

__all__ = [
    "BEHAVIOURS",
    "FAULTS",
    "Behaviour",
    "Entry",
    "Fault",
    "SimOptions",
    "SimulatedFleet",
    "SocksProxy",
    "expected",
    "read_faults",
]
