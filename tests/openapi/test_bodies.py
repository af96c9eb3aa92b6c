"""Bodies of requests and answers."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import gc
import math
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import RequestFailed
from fleet.openapi import Document, ParameterError, read_json
from fleet.outcome import FailureKind
from fleet.secret import Secret

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kinds", "value", "body", "kind"),
    [
        ([JSON], {"a": [1, None]}, b'{"a":[1,null]}', JSON),
        ([JSON], [1], b"[1]", JSON),
        ([JSON], "x", b'"x"', JSON),
        ([JSON], 0, b"0", JSON),
        ([JSON], {"p": Secret("s")}, b'{"p":"s"}', JSON),
        ([JSON], {"n": Decimal("0.1000000000000000000001")}, b'{"n":0.1000000000000000000001}', JSON),
        (
            [JSON],
            [Decimal("-1E+2"), timedelta(hours=1), IPv4Address("10.0.0.1")],
            b'[-1E+2,"PT1H","10.0.0.1"]',
            JSON,
        ),
        (["application/merge-patch+json"], {"a": 1}, b'{"a":1}', "application/merge-patch+json"),
        ([FORM], {"a": "x y", "b": [1, 2], "c": None}, b"a=x%20y&b=1&b=2", FORM),
        ([JSON, FORM], {"a": 1}, b'{"a":1}', JSON),
        (["application/octet-stream"], b"\x00\xff", b"\x00\xff", "application/octet-stream"),
        ([JSON, "application/octet-stream"], b"x", b"x", "application/octet-stream"),
        (["text/plain"], "h\u00e9", "h\u00e9".encode(), "text/plain; charset=utf-8"),
        (["*/*"], {"a": 1}, b'{"a":1}', JSON),
        (["*/*"], b"x", b"x", "application/octet-stream"),
        (["application/*"], b"x", b"x", "application/octet-stream"),
        (["text/*"], "x", b"x", "text/plain; charset=utf-8"),
        ([], {"a": 1}, b'{"a":1}', JSON),
    ],
)
def test_request_bodies(
    make: Callable[..., Document], kinds: list[str], value: Any, body: bytes, kind: str
) -> None:
    node = {"requestBody": {"content": {name: {} for name in kinds}}, "responses": {}}
    call = make({"/p": {"post": node}}).operation("POST /p").build({}, value)
    assert call.body == body
    assert dict(call.headers)["Content-Type"] == kind


def test_what_a_body_of_a_range_is_has_to_be_said(make: Callable[..., Document]) -> None:
    node = {"requestBody": {"content": {"image/*": {}}}, "responses": {}}
    one = make({"/p": {"post": node}}).operation("POST /p")
    for said in ("", "image/*"):
        with pytest.raises(ParameterError, match=r"say which: content_type='image/...'"):
            one.build({}, b"x", content_type=said)
    assert dict(one.build({}, b"x", content_type="image/png").headers)["Content-Type"] == "image/png"


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity"), float("nan"), object(), {1: 2}, 1j])
def test_what_json_cannot_say(make: Callable[..., Document], value: Any) -> None:
    node = {"post": {"requestBody": {"content": {JSON: {}}}, "responses": {}}}
    with pytest.raises(ParameterError, match="cannot be written as application/json"):
        make({"/p": node}).operation("POST /p").build({}, {"a": [value]})


def test_required_optional_and_unwanted_bodies(make: Callable[..., Document]) -> None:
    content = {"content": {JSON: {}}}
    document = make({
        "/r": {"post": {"requestBody": {"required": True, **content}, "responses": {}}},
        "/o": {"post": {"requestBody": content, "responses": {}}},
        "/n": {"get": {"responses": {}}},
        "/f": {"post": {"requestBody": {"content": {"multipart/form-data": {}}}, "responses": {}}},
    })  # fmt: skip
    assert document.operation("POST /o").build().body is None
    for name, body, message in (
        ("POST /r", None, r"needs a body: data=\{\.\.\.\}, as application/json"),
        ("GET /n", {}, "takes no body"),
        ("POST /f", "text", "cannot be written as multipart"),
        ("POST /o", {"a": object()}, "cannot be written as application/json"),
    ):
        with pytest.raises(ParameterError, match=message):
            document.operation(name).build({}, body)


@pytest.mark.parametrize(
    ("body", "value", "forgiven"),
    [
        (b'{"a": 1}', {"a": 1}, ()),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}, ("bom",)),
        (b'{"a": "x\x01\ny"}', {"a": "x\x01\ny"}, ("control_characters",)),
        (b'{"a": NaN, "b": [-Infinity]}', {"a": None, "b": [None]}, ("nan",)),
        (b'{"a": 1e999}', {"a": None}, ("nan",)),
        (b'{"a": 1}\x00\x00', {"a": 1}, ("trailing_bytes",)),
        (b'{"a": 1}{"b": 2}', {"b": 2}, ("concatenated",)),
        (b'{"a": 1}\n[2] 3 {"b": 2} "x"', {"b": 2}, ("concatenated",)),
        (b'{"a": 1} [2] 3', {"a": 1}, ("concatenated",)),
        (b'{"a": 1}{"b": NaN}</html>', {"b": None}, ("nan", "concatenated", "trailing_bytes")),
        (b'{"a": "\xe9"}', {"a": "\xe9"}, ("latin1",)),
        (b' \n{"a": "\\ud800"}', {"a": "?"}, ()),
        (b'\xef\xbb\xbf{"a": "\xe9\x02", "b": NaN} x', {"a": "\xe9\x02", "b": None}, ("bom", "latin1", "control_characters", "nan", "trailing_bytes")),
    ],
)  # fmt: skip
def test_answers_as_devices_send_them(body: bytes, value: Any, forgiven: tuple[str, ...]) -> None:
    assert read_json(body) == (value, forgiven)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FailureKind.BODY_NOT_JSON), (b"  ", FailureKind.BODY_NOT_JSON), (b"<html>", FailureKind.BODY_NOT_JSON),
        (b'{"a": ', FailureKind.BODY_NOT_JSON), (b"{'a': 1}", FailureKind.BODY_NOT_JSON),
        ('{"a": 1}'.encode("utf-16"), FailureKind.BODY_ENCODING), ('{"a": 1}'.encode("utf-32-le"), FailureKind.BODY_ENCODING),
        (b"[" * 300 + b"]" * 300, FailureKind.BODY_TOO_DEEP), (b"[" * 100_000, FailureKind.BODY_TOO_DEEP),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, FailureKind.BODY_TOO_DEEP),
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_read(body: bytes, kind: FailureKind) -> None:
    with pytest.raises(RequestFailed) as caught:
        read_json(body)
    assert caught.value.kind is kind


def test_how_a_body_that_is_not_json_begins_is_escaped_once() -> None:
    with pytest.raises(RequestFailed, match=r"begins 'h\\xe9\\x1b\\u4e2d'$"):
        read_json("h\u00e9\x1b\u4e2d".encode())


def test_depth_counts_nesting_and_not_brackets_in_strings() -> None:
    assert read_json(orjson.dumps(["[{" * 500, *[[]] * 500]))[1] == ()
    with pytest.raises(RequestFailed):
        read_json(b"[[[1]]]", max_depth=2)


VALUES = {
    b"[[],{},[ ]]": 4, b'{"a,[{": "b,[{", "c": [1, 2]}': 5, b"[]": 1, b" 7 ": 1, b'[ "", [""], {"a": {}} ]': 6,
    rb'["\\",[],"]\"["]': 4, rb'["\\\"[,", 1]': 3, b'{"\\u0022[,": ""}': 2,
}  # fmt: skip


@pytest.mark.parametrize("body", VALUES)
def test_values_are_counted_and_not_signs_in_strings(body: bytes) -> None:
    count = VALUES[body]
    assert read_json(body, max_values=count) == (orjson.loads(body), ())
    if count > 1:
        with pytest.raises(RequestFailed, match=f"more than {count - 1} values") as caught:
            read_json(body, max_values=count - 1)
        assert caught.value.kind is FailureKind.BODY_TOO_LARGE


@pytest.mark.parametrize("piece", [b"[]", b"{}", b'{"a":1}', b'""'])
def test_a_body_of_many_small_values_is_refused_before_it_costs_memory(piece: bytes) -> None:
    body = b"[" + (piece + b",") * 1_200_000 + b"0]"
    tracemalloc.start()
    try:
        with pytest.raises(RequestFailed) as caught:
            read_json(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind is FailureKind.BODY_TOO_LARGE
    assert peak < 8 * len(body)


def seconds_to_read(body: bytes) -> float:
    gc.collect()
    gc.disable()  # the heap of a whole test run is not this function's
    try:
        began = time.process_time()
        with suppress(RequestFailed):
            read_json(body)
        return time.process_time() - began
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["empty lists", "escapes", "quotes"])
def test_the_depth_of_a_body_takes_time_in_proportion_to_its_size(kind: str) -> None:
    bodies = {
        "empty lists": lambda size: b"[" + b"[]," * size + b"[]]",
        "escapes": lambda size: b'"\\' * size,
        "quotes": lambda size: b'"a' * size + b"{" * 300,
    }
    small, large = (min(seconds_to_read(bodies[kind](size)) for _ in range(3)) for size in (10_000, 80_000))
    assert large < small * 8 * 4 + 0.01  # eight times the bytes; in quadratic time it would be 64 times


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON_VALUES)
def test_any_json_value_survives(value: Any) -> None:
    assert read_json(orjson.dumps(value)) == (value, ())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_kind(body: bytes) -> None:
    try:
        value, forgiven = read_json(body)
    except RequestFailed as failed:
        assert failed.kind.group == "body"
    else:
        orjson.dumps(value)
        assert set(forgiven) <= {
            "bom",
            "latin1",
            "control_characters",
            "nan",
            "concatenated",
            "trailing_bytes",
        }
        assert not isinstance(value, float) or math.isfinite(value)
