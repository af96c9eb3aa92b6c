"""Where outcomes go: JSON lines in a file, compressed or plain, or on standard output.

A sink takes batches in the order it is given them; which outcome counts, and when, the engine decides.
"""

from fleet.sinks.choose import SUFFIXES, sink_for
from fleet.sinks.jsonl import JsonlSink
from fleet.sinks.sink import Sink
from fleet.sinks.stdout import StdoutSink
from fleet.sinks.zst import JsonlZstSink

__all__ = ["SUFFIXES", "JsonlSink", "JsonlZstSink", "Sink", "StdoutSink", "sink_for"]
