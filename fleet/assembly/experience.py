"""What an earlier run took, to say what the next one may take."""

from __future__ import annotations

from array import array
from itertools import islice
from pathlib import Path
from statistics import median

import orjson

from fleet.config import installed_here
from fleet.engine import journal_of, read_last_outcomes, read_manifest
from fleet.errors import UsageError
from fleet.frozen import frozen
from fleet.policy import Rate

SAMPLE_OUTCOMES = 100_000  # outcomes looked at: more would not move a median


@frozen
class Experience:
    """The medians of one target in an earlier run; `targets` is how many of them were reached, `concurrency`
    how many at once were found right."""

    run: str
    targets: int
    requests: float
    seconds: float
    concurrency: int | None = None

    def foretell(self, targets: int | None, rate: Rate) -> str:
        """One sentence for a person about a scan of `targets` targets (None: unknown)."""
        text = (
            f"run {self.run} reached {self.targets:,} targets with a median of {self.requests:,.0f} requests "
            f"and {self.seconds:.1f} s each"
        )
        if not targets:
            return text
        requests = targets * self.requests
        at_once = rate.concurrency or self.concurrency or rate.auto_start
        seconds = targets * self.seconds / min(targets, at_once)
        if rate.requests is not None:
            seconds = max(seconds, requests / rate.requests)
        return f"{text}: expect about {requests:,.0f} requests in {_time(seconds)}"


def experience_of(run: Path, *, spec: Path | None, pipeline: str) -> Experience:
    """What a run of this pipeline took. Raises UsageError when it ran another one, or reached nothing."""
    manifest = read_manifest(run)
    source, ran = str(manifest.get("spec", {}).get("source", "")), manifest.get("pipeline")
    if (str(installed_here(Path(source))) if source else "", ran) != (str(spec or ""), pipeline):
        raise UsageError(f"{run} ran pipeline {ran} of {source}: it says nothing about {pipeline}")
    requests, seconds = array("l"), array("d")
    for record in islice(read_last_outcomes(journal_of(run)), SAMPLE_OUTCOMES):
        if record["status"] in ("ok", "partial"):
            requests.append(record["requests"])
            seconds.append(record["seconds"])
    if not requests:
        raise UsageError(f"{run} reached no target: it says nothing about the next scan")
    found = _found(run)
    return Experience(str(manifest["run"]), len(requests), median(requests), median(seconds), found)


def _found(run: Path) -> int | None:
    try:
        found = orjson.loads((run / "summary.json").read_bytes())["concurrency"]["targets"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) and found > 0 else None


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
