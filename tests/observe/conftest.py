"""Outcomes to count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.outcome import Failure, FailureKind, Outcome

MakeOutcome = Callable[..., Outcome]


@pytest.fixture
def make_outcome() -> MakeOutcome:
    """A stored outcome; `kind` makes it a failed one."""

    def make(
        target: str = "https://h1", status: str = "ok", kind: FailureKind | None = None, **more: Any
    ) -> Outcome:
        failure = Failure(kind, more.pop("message", f"it was {kind}")) if kind else None
        return Outcome(
            run="r1",
            id=target,
            target=more.pop("url", target),
            status="failed" if kind and status == "ok" else status,
            started="2026-11-22T19:00:00Z",
            seconds=1.5,
            failure=failure,
            **more,
        )

    return make
