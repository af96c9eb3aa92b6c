"""Counts, under callgrind, what hosts in the middle of a run take: `python steady.py SWITCH HOSTS SIDE ...`

Run by `benchmarks.instructions`. SWITCH is a library that turns the count on and off. It is on from when host
`SKIP` is begun until HOSTS more are: no start and no end is in it. SIDE is `fleet`, with the arguments of the
command behind it, or one of `workload_peers`, with the hosts and the description.
"""

import asyncio
import ctypes
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

SKIP = 12  # hosts, after which everything has been compiled and filled
AT_ONCE = 4  # few, so that what is in hand at both ends of the count is a small part of it


def marking(switch: ctypes.CDLL, hosts: int) -> Callable[[], None]:
    """What is called when a host is begun."""
    begun = 0

    def mark() -> None:
        nonlocal begun
        begun += 1
        if begun == SKIP:
            switch.on()
        elif begun == SKIP + hosts:
            switch.off()

    return mark


def scan(mark: Callable[[], None], arguments: Sequence[str]) -> None:
    from fleet.cli import main
    from fleet.pipeline.walk.probe import PipelineProbe

    walked: Any = PipelineProbe.__call__

    def marked(probe: PipelineProbe, target: Any) -> Any:
        mark()
        return walked(probe, target)

    PipelineProbe.__call__ = marked  # type: ignore[method-assign]
    sys.argv = ["fleet", *arguments, "--concurrency", str(AT_ONCE)]
    sys.exit(main())


def ask(mark: Callable[[], None], side: str, hosts: str, description: str) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from benchmarks.sides import workload_peers

    async def each(hosts: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
        waiting = iter(hosts)

        async def worker() -> None:
            for host in waiting:
                mark()
                await work(host)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    workload_peers.each = each
    asyncio.run(workload_peers.PEERS[side](Path(hosts).read_text().split(), Path(description)))


if __name__ == "__main__":
    library, count, side, *rest = sys.argv[1:]
    marks = marking(ctypes.CDLL(library), int(count))
    if side == "fleet":
        scan(marks, rest)
    else:
        ask(marks, side, *rest)
