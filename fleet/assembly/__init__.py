"""The composition root: the one package that knows all parts, and puts a scan together from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.assembly.connect import Connector
from fleet.assembly.execute import ScanResult, execute
from fleet.assembly.manifest import check_json, inventory_of, shard_of
from fleet.assembly.options import ScanOptions
from fleet.assembly.pins import pins_text, read_pins
from fleet.assembly.prepare import PreparedScan, builtin_specs, expired_waivers, prepare
from fleet.assembly.probing import Probing, governor_for, probe_of, probing_here
from fleet.assembly.resume import Resumed, prepare_resume
from fleet.assembly.single import Called, Learnt, call_operation, check_against, learn_certificates
from fleet.assembly.survey import open_inventory as targets_of
from fleet.late import load_late

if TYPE_CHECKING:
    from fleet.assembly.dry_run import dry_run_of

__all__ = [
    "Called",
    "Connector",
    "Learnt",
    "PreparedScan",
    "Probing",
    "Resumed",
    "ScanOptions",
    "ScanResult",
    "builtin_specs",
    "call_operation",
    "check_against",
    "check_json",
    "dry_run_of",
    "execute",
    "expired_waivers",
    "governor_for",
    "inventory_of",
    "learn_certificates",
    "pins_text",
    "prepare",
    "prepare_resume",
    "probe_of",
    "probing_here",
    "read_pins",
    "shard_of",
    "targets_of",
]

load_late(__name__, {"dry_run": ("dry_run_of",)})
