"""A simulated fleet: thousands of Redfish hosts on 127/8 in one process, with faults by name.

The front door for tests: `async with SimulatedFleet(SimOptions(hosts=20, tls=True)) as sim`.
"""

from fleet.sim.address import addresses
from fleet.sim.builtin import COUNTS as BUILTIN_COUNTS
from fleet.sim.fault_file import read_faults
from fleet.sim.faults import BEHAVIOURS, FAULTS, Behaviour
from fleet.sim.fleet import Entry, SimulatedFleet
from fleet.sim.options import Fault, SimOptions
from fleet.sim.socks import SocksProxy
from fleet.sim.variation import expected

__all__ = [
    "BEHAVIOURS",
    "BUILTIN_COUNTS",
    "FAULTS",
    "Behaviour",
    "Entry",
    "Fault",
    "SimOptions",
    "SimulatedFleet",
    "SocksProxy",
    "addresses",
    "expected",
    "read_faults",
]
