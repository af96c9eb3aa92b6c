"""What tests get: asyncio as the only backend, a guard against blocking the event loop, a recorded week."""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Iterator

import hypothesis
import pydantic
import pytest
from blockbuster import BlockBuster, BlockBusterFunction, blockbuster_ctx
from week import Week, record_week

pytest.register_assert_rewrite("inert.page")

# What tests start hears Ctrl-C, even where they run behind a shell's `&`, which has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A property holds or does not, however slow the machine is. The same examples are tried each time, so that a
# failure is of the change at hand; `--hypothesis-profile wide` tries others, and many more.
for profile, derandomize, examples in (("fleet", True, 100), ("wide", False, 1000)):
    hypothesis.settings.register_profile(
        profile,
        deadline=None,
        derandomize=derandomize,
        max_examples=examples,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("fleet")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: among several processes, what begins last is waited for at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """What is there by then stays to the end: no collection need look through all tests and modules again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """Fails a test whose code, called from a coroutine, reads files, resolves names or syncs in the loop."""
    pydantic.TypeAdapter(
        int
    )  # the first one looks through all that is installed: tests read specs in coroutines
    with blockbuster_ctx("fleet") as guard:
        for module, name in ((socket, "getaddrinfo"), (os, "fsync"), (os, "fdatasync")):
            function = BlockBusterFunction(module, name, scanned_modules=["fleet"])
            guard.functions[f"{module.__name__}.{name}"] = function
            function.activate()
        yield guard


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    """Two runs of 5,000 hosts, a week apart, with known changes and known faults (`tests/recorded`)."""
    return record_week(tmp_path_factory.mktemp("week"))
