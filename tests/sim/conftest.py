"""A client of its own for the simulator: raw bytes over asyncio streams, nothing of fleet's client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from fleet.sim import Fault, SimOptions, SimulatedFleet

PATIENCE = 60.0  # seconds for an answer that comes
SILENCE = 0.4  # seconds without a byte, where none is expected any more


@dataclass(frozen=True)
class Heard:
    """What came back on one connection, and how it ended."""

    data: bytes
    end: Literal["eof", "reset", "silence"]

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1])

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.decode("latin-1").partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


Ask = Callable[..., Awaitable[Heard]]
One = Callable[..., AbstractAsyncContextManager[SimulatedFleet]]


@pytest.fixture
def ask() -> Ask:
    """One request on one connection; `limit` ends it after so many bytes, silence where it is expected."""

    async def asking(
        base: str,
        path: str = "/redfish/v1/",
        *,
        method: str = "GET",
        headers: Sequence[str] = (),
        body: bytes = b"",
        close: bool = True,
        limit: int = 1 << 22,
        silent: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> Heard:
        address = urlsplit(base)
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=tls)
        except ConnectionResetError:
            return Heard(b"", "reset")
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}", *headers]
        if close:
            lines.append("Connection: close")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        heard, end = b"", "eof"
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            while len(heard) < limit:
                data = await asyncio.wait_for(reader.read(65536), SILENCE if silent else PATIENCE)
                if not data:
                    break
                heard += data
        except TimeoutError:
            end = "silence"
        except ConnectionResetError:
            end = "reset"
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
        return Heard(heard, end)  # type: ignore[arg-type]

    return asking


@pytest.fixture
def one() -> One:
    """A fleet of one host, without TLS, with one fault."""

    @asynccontextmanager
    async def making(
        fault: str = "", *, options: dict[str, Any] | None = None, **params: Any
    ) -> AsyncIterator[SimulatedFleet]:
        rules = [Fault(fault, **params)] if fault else []
        async with SimulatedFleet(SimOptions(hosts=1, faults=rules, **(options or {}))) as sim:
            yield sim

    return making


@pytest.fixture(scope="session")
def mockups() -> Path:
    """DMTF's own mockups, which are not part of this repository."""
    import os

    shared = Path(os.environ.get("FLEET_SHARED") or Path(__file__).parents[3] / "shared")
    directory = shared / "data" / "redfish-2025.4" / "mockups"
    if not directory.is_dir():
        pytest.skip("no DMTF mockups here (FLEET_SHARED names where they are)")
    return directory
