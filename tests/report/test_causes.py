"""Messages of one cause are one text, those of two causes are two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.report.causes import cause_id, cause_of, operation_of


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("GET /redfish/v1/Systems/7 (getSystem): Connection refused", "Connection refused"),
        ("GET /a (GET /a/{id}): the answer ended early", "the answer ended early"),
        ("connect to 10.9.0.4:1080 for bmc-17 refused", "connect to * for * refused"),
        ("connect to [2001:db8::7]:443 failed", "connect to * failed"),
        ("redirect to 'https://203.0.113.9/redfish/v1/?x=1'", "redirect to 'URL'"),
        ("no JSON at /redfish/v1/Chassis/4, byte 4,096", "no JSON at PATH, byte *,*"),
        ("503: Retry-After 34 exceeds 60 s", "503: Retry-After * exceeds * s"),
        ("at 2026-11-22T15:42:00Z id 0x7f3a uuid 8b158751-f248-45b6-8aee-6267188aa28b", "at * id * uuid *"),
        ("login: 401: the credentials were refused (lab)", "login: *: the credentials were refused (lab)"),
        ("", ""),
    ],
)
def test_what_is_one_hosts_own_is_taken_out(message: str, cause: str) -> None:
    assert cause_of(message, status=503) == cause


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("503: Retry-After 34 exceeds 60 s", "503: Retry-After * exceeds * s"),
        ("login: 401: the credentials were refused (lab)", "login: 401: the credentials were refused (lab)"),
        ("10 of 503: nothing", "* of *: nothing"),
        ("600: no status", "*: no status"),
    ],
)
def test_a_status_that_was_not_stored_is_read_off_a_message(message: str, cause: str) -> None:
    assert cause_of(message) == cause


def test_the_targets_own_names_are_taken_out() -> None:
    assert cause_of("no route to rackhost", names=("https://rackhost", "rackhost")) == "no route to *"


def test_an_operation_is_read_off_a_message() -> None:
    message = "GET /redfish/v1/Systems/1 (getSystem): reset"
    assert operation_of({"message": message}) == "getSystem"
    assert operation_of({"message": "503: unavailable (really)"}) is None
    assert operation_of({"message": message, "operation": "getOther"}) == "getOther"


def test_ids_tell_causes_apart_and_stay() -> None:
    assert cause_id("tls.expired", "certificate has expired", None) == "tls.expired-3b3314"
    assert len({cause_id("k", "a", None), cause_id("k", "b", None), cause_id("k", "a", 500)}) == 3
    assert cause_id("k", "a", None) != cause_id("k", "a", None, gap=True)


@given(st.text(max_size=2000), st.sampled_from(["", "GET / (x): "]))
def test_no_message_is_too_strange(message: str, prefix: str) -> None:
    assert len(cause_of(prefix + message)) <= 2 * 400


@given(st.integers(0, 255), st.integers(1, 65535), st.integers(0, 10**9))
def test_hosts_of_one_cause_have_one_text(octet: int, port: int, number: int) -> None:
    message = f"GET /redfish/v1/Systems/{number} (get): no answer from 10.0.0.{octet}:{port} in {number} ms"
    assert cause_of(message) == "no answer from * in * ms"
