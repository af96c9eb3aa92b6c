"""What option values mean, and what flags make of a policy."""

from __future__ import annotations

from typing import Any

import click
import pytest

from fleet.cli.findings import findings
from fleet.cli.options.given import policy_of
from fleet.cli.options.values import (
    AUTO,
    AutoCount,
    Count,
    Duration,
    FailOn,
    FailOnChecks,
    Pair,
    PerSecond,
    Size,
    TooMany,
)
from fleet.engine import fails
from fleet.errors import UsageError
from fleet.policy import Policy


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Duration(), "20s", 20.0),
        (Duration(), "5m", 300.0),
        (Duration(), "500ms", 0.5),
        (Duration(), "1m30s", 90.0),
        (Duration(), "1.5h", 5400.0),
        (Duration(), "7", 7.0),
        (Size(), "16MiB", 16 * 1024 * 1024),
        (Size(), "64KiB", 65536),
        (Size(), "1MB", 1_000_000),
        (Size(), "1M", 1_000_000),
        (Size(), "512", 512),
        (PerSecond(), "200/s", 200.0),
        (PerSecond(), "200", 200.0),
        (PerSecond(), "90/m", 1.5),
        (Count(1), "1,000", 1000),
        (Pair(), "a=b=c", ("a", "b=c")),
        (Pair(), "a=", ("a", "")),
        (FailOn(), "5%", "5%"),
        (FailOn(), "ANY", "any"),
        (FailOn(), "12", "12"),
        (FailOn(), "critical", "all,critical"),
        (FailOn(), "Warning, 5%", "5%,warning"),
        (FailOn(), "none,info", "none,info"),
        (FailOnChecks(), "none", frozenset()),
        (FailOnChecks(), "critical,unknown", frozenset({"critical", "unknown"})),
    ],
)
def test_values_are_read_in_their_units(kind: click.ParamType, text: str, value: Any) -> None:
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Duration(), ""),
        (Duration(), "0"),
        (Duration(), "-1s"),
        (Duration(), "inf"),
        (Duration(), "nan"),
        (Duration(), "5 minutes"),
        (Duration(), "s"),
        (Size(), "0"),
        (Size(), "1.5.2MiB"),
        (Size(), "lots"),
        (PerSecond(), "0/s"),
        (PerSecond(), "5/fortnight"),
        (PerSecond(), "nan"),
        (Count(1), "0"),
        (Count(1), "1.5"),
        (Count(0), "-1"),
        (Pair(), "novalue"),
        (Pair(), "=x"),
        (FailOn(), "0"),
        (FailOn(), "0%"),
        (FailOn(), "101%"),
        (FailOn(), "some"),
        (FailOn(), "any,all"),
        (TooMany(), "any,critical"),
        (TooMany(), "0%"),
        (FailOn(), "error"),
        (FailOn(), "5%,any"),
        (FailOn(), "critical,info"),
        (FailOnChecks(), "none,critical"),
        (FailOnChecks(), "5%"),
    ],
)
def test_what_is_no_value_is_refused_with_an_example(kind: click.ParamType, text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"\w+"):
        kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("rule", "failed", "reached", "finding"),
    [
        ("all", 10, 10, True),
        ("all", 9, 10, False),
        ("all", 0, 0, False),
        ("any", 1, 10, True),
        ("any", 0, 10, False),
        ("none", 10, 10, False),
        ("3", 3, 10, True),
        ("3", 2, 10, False),
        ("50%", 5, 10, True),
        ("50%", 4, 10, False),
        ("50%", 0, 0, False),
    ],
)
def test_findings_are_counted_as_fail_on_says(rule: str, failed: int, reached: int, finding: bool) -> None:
    assert fails(rule, failed=failed, reached=reached) is finding


@pytest.mark.parametrize(
    ("rule", "severities", "finding"),
    [
        ("none,critical", {"critical"}, True),
        ("none,critical", {"warning", "info"}, False),
        ("none,warning", {"critical"}, True),
        ("all,info", {"info"}, True),
        ("all,info", set(), False),
        ("all", {"critical"}, False),
    ],
)
def test_checks_that_failed_are_findings_where_fail_on_says_so(
    rule: str, severities: set[str], finding: bool
) -> None:
    assert findings(rule, failed=1, reached=10, severities=severities) is finding


def test_flags_make_a_policy_and_name_what_was_given() -> None:
    given = {"concurrency": 5, "timeout": 7.5, "retries": 0, "max_body": 99, "rate": None, "cacert": "ca.pem"}
    policy, named = policy_of(given)
    assert named == {"rate.concurrency", "timeouts.request", "retry.attempts", "limits.body"}
    assert (policy.rate.concurrency, policy.timeouts.request) == (5, 7.5)
    assert (policy.retry.attempts, policy.limits.body) == (0, 99)
    assert policy.timeouts.connect == Policy().timeouts.connect
    assert (policy.tls.mode, policy.tls.ca_file) == ("verify", "ca.pem")


def test_the_concurrency_finds_itself_unless_somebody_says_how_many() -> None:
    assert AutoCount(1).convert("auto", None, None) == AUTO
    assert AutoCount(1).convert("12", None, None) == 12
    assert Policy().rate.concurrency is None
    policy, named = policy_of({"concurrency": AUTO})
    assert (policy.rate.concurrency, named) == (None, {"rate.concurrency"}), "given: a resume goes back to it"


def test_certificates_are_verified_unless_said_otherwise() -> None:
    assert policy_of({})[0].tls.mode == "verify"
    assert policy_of({"pins_file": "p"})[0].tls.mode == "pin"
    assert policy_of({"insecure": True})[0].tls.mode == "insecure"
    with pytest.raises(UsageError, match="contradict"):
        policy_of({"insecure": True, "pins_file": "p"})
