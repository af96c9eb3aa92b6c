"""A machine without memory: whoever waits for bytes is told, and the loop rests."""

from __future__ import annotations

import subprocess
import sys

# The hoard leaves no room for a read, and enough for what is smaller.
SCRIPT = """
import asyncio, resource, socket
from fleet.client.wire.channel import Channel

async def main():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    channel = Channel(ours)
    theirs.send(b"hello")
    arrival = channel.receive(asyncio.get_running_loop().time() + 60)
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), -1))
    hoard = []
    try:
        while True:
            hoard.append(bytes(20_000))
    except MemoryError:
        pass
    try:
        await arrival
    except MemoryError:
        hoard.clear()
        print("told")
    print(await channel.receive(asyncio.get_running_loop().time() + 60))

asyncio.run(main())
"""


def test_a_read_without_memory_is_told_and_the_next_one_may_succeed() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.splitlines() == ["told", "b'hello'"], done.stderr
