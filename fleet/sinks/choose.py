"""Which sink a path on the command line means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from fleet.errors import ConfigError
from fleet.sinks.jsonl import JsonlSink
from fleet.sinks.sink import Sink
from fleet.sinks.stdout import StdoutSink
from fleet.sinks.zst import JsonlZstSink

SUFFIXES: Mapping[str, Callable[[Path], Sink]] = {".jsonl": JsonlSink, ".jsonl.zst": JsonlZstSink}


def sink_for(path: str | Path) -> Sink:
    """The sink of a path by its suffix; `-` is standard output. Raises ConfigError for an unknown suffix."""
    if str(path) == "-":
        return StdoutSink()
    place = Path(path)
    for suffix, make in SUFFIXES.items():
        if place.name.endswith(suffix):
            return make(place)
    raise ConfigError(
        f"no output format is known for {str(path)!r}",
        hint=f"known are: {', '.join(SUFFIXES)}, and - for stdout",
    )
