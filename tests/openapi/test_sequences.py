"""Items out of bytes: the same items whatever pieces the bytes come in."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import RequestFailed
from fleet.openapi.answers.sequential import item_reader
from fleet.outcome import FailureKind

MIXED = "multipart/mixed; boundary=cut"

# From the specifications: OpenAPI 3.2 (4.14.4, "Server-Sent Event Streams"), WHATWG HTML (9.2.6),
# RFC 7464 (2.1 to 2.4), RFC 2046 (5.1.1).
EVENTS_OF_OPENAPI = (
    b"event: addString\ndata: This data is formatted\ndata: across two lines\nretry: 5\n\n"
    b"event: addInt64\ndata: 1234.5678\nunknownField: this is ignored\n\n"
    b": This is a comment\nevent: addJson\ndata: {\"foo\": 42}\n\n"
)  # fmt: skip
CASES: list[tuple[str, bytes, list[Any]]] = [
    ("application/jsonl", b'{"a":1}\n[2]\n"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"\nnull', [{"a": 1}, [2], "\u00e9\u20ac\U0001f600", None]),
    ("application/x-ndjson", b'\xef\xbb\xbf{"a":1}\r\n\r\n  \n{"b":"\\n"}\r\n', [{"a": 1}, {"b": "\n"}]),
    ("application/x-ndjson; charset=utf-8", b"\n\n", []),
    ("application/jsonl", b"", []),
    ("application/json-seq", b'\x1e{"a":\n 1}\n\x1e[2]\n\x1e\x1e"\xe2\x82\xac"\n', [{"a": 1}, [2], "\u20ac"]),
    ("application/geo+json-seq", b'\x1e{"type":"Feature"}\n\x1e{"type":"Feature"}', [{"type": "Feature"}] * 2),
    ("application/json-seq", b"\x1e123\n\x1etrue\n\x1e12", [123, True]),  # the last one may have lost digits
    ("application/json-seq", b'\x1e{"a":\x1e{"b":2}\n\x1enul\n\x1e3\n', [{"b": 2}, 3]),  # broken ones are passed over
    ("application/json-seq", b'rubbish\x1e1\n2\n\x1e"\\ud800"\n\x1e4 5\n\x1e6\n', [1, 6]),
    ("text/event-stream", EVENTS_OF_OPENAPI, [
        {"event": "addString", "data": "This data is formatted\nacross two lines", "retry": 5},
        {"event": "addInt64", "data": "1234.5678"}, {"event": "addJson", "data": '{"foo": 42}'},
    ]),
    ("text/event-stream", b"data: YHOO\ndata: +2\ndata: 10\n\n", [{"data": "YHOO\n+2\n10"}]),
    ("text/event-stream", b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
     [{"data": "first event", "id": "1"}, {"data": "second event", "id": ""}, {"data": " third event"}]),
    ("text/event-stream", b"data\n\ndata\ndata\n\ndata:", [{"data": ""}, {"data": "\n"}]),  # the last block has no end
    ("text/event-stream", b"data:test\n\ndata: test\n\n", [{"data": "test"}] * 2),
    ("text/event-stream", b"\xef\xbb\xbfdata: a\r\rdata: b\r\n\r\nevent: x\r\ndata: \xe2\x82\xac\n\n\xef\xbb\xbfdata: c\n\n",
     [{"data": "a"}, {"data": "b"}, {"event": "x", "data": "\u20ac"}]),
    ("text/event-stream", b"id: 1\0\nretry: 5s\nevent:\nevent: \ndata: \xff\n\nevent: lost\nid: 7\n\ndata: x\n\n",
     [{"data": "\ufffd"}, {"data": "x"}]),
    ("text/event-stream", b"data: a\r\n\r\r\n\ndata: b\r\r", [{"data": "a"}, {"data": "b"}]),
    (MIXED, b'preamble\r\n--cut\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n--cut  \r\n\r\ntext \r\n--cutter\r\n--cut\r\n'
     b"Content-Type: text/plain; charset=latin-1\r\n\r\n\xe9\r\n--cut\r\nX-A: b\r\ncontent-type: image/png\r\n\r\n\x00\r\n--cut--epilogue",
     [{"a": 1}, "text \r\n--cutter", "\u00e9", b"\x00"]),
    (MIXED, b"--cut\r\n\r\n--cut\r\n\r\n\r\n--cut--", ["", ""]),
    ('multipart/mixed; boundary="a b"', b"--a b\r\n\r\nx\r\n--a b--", ["x"]),
    (MIXED, b"--cut\nContent-Type: application/json\n\n[1]\n--cut\nX-A: b\n\n--cut\n\na\r\n\n\n--cut--\n", [[1], "", "a\r\n\n"]),
    (MIXED, b"--cut\r\nContent-Type: text/plain\r\n\nx\r\n--cut\r\nX-A: b\r\n--cut--", ["x", ""]),
    ("application/json", b' [1, "],\\"[", {"a": [2, {"b": "}"}]}, [], null\n]\n', [1, '],"[', {"a": [2, {"b": "}"}]}, [], None]),
    ("application/vnd.x+json", b'\xef\xbb\xbf["\xe2\x82\xac\\\\"]', ["\u20ac\\"]),
    ("application/json", b"[]", []),
]  # fmt: skip
BROKEN: list[tuple[str, bytes, list[Any], FailureKind]] = [
    ("application/jsonl", b'1\n{"a"\n2\n', [1], FailureKind.BODY_NOT_JSON),
    ("application/jsonl", b'{"a":1}{"b":2}\n', [], FailureKind.BODY_NOT_JSON),
    ("application/jsonl", b'1\n{"a":"' + b"x" * 100 + b'"}\n', [1], FailureKind.BODY_TOO_LARGE),
    ("application/json-seq", b"\x1e1\n\x1e" + b"2" * 101, [1], FailureKind.BODY_TOO_LARGE),
    ("text/event-stream", b"data: a\n\n" + b"data: 1234567\n" * 8, [{"data": "a"}], FailureKind.BODY_TOO_LARGE),
    (MIXED, b"--cut\r\n\r\na\r\n--cut\r\n\r\nb", ["a"], FailureKind.PROTOCOL_TRUNCATED),
    (MIXED, b"--cut\r\n\r\na\r\n--cut\r\nX-A: b\r\nvalue\r\n--cut--", ["a"], FailureKind.PROTOCOL_FRAMING),
    (MIXED, b"--cut\r\n\r\na\r\n--cut\r\n\r\n" + b"b" * 200, ["a"], FailureKind.BODY_TOO_LARGE),
    (MIXED, b"x" * 101 + b"\r\n--cut\r\n\r\na\r\n--cut--", [], FailureKind.BODY_TOO_LARGE),
    ("application/json", b"[1,", [1], FailureKind.BODY_NOT_JSON),
    ("application/json", b"[1,]", [1], FailureKind.BODY_NOT_JSON),
    ("application/json", b"[1, ,2]", [1], FailureKind.BODY_NOT_JSON),
    ("application/json", b"[1 2]", [], FailureKind.BODY_NOT_JSON),
    ("application/json", b"[1}", [], FailureKind.BODY_NOT_JSON),
    ("application/json", b"[1] [2]", [1], FailureKind.BODY_NOT_JSON),
    ("application/json", b'{"a": 1}', [], FailureKind.BODY_NOT_JSON),
    ("application/json", b'"text"', [], FailureKind.BODY_NOT_JSON),
    ("application/json", b"]", [], FailureKind.BODY_NOT_JSON),
    ("application/json", b'["' + b"x" * 101 + b'"]', [], FailureKind.BODY_TOO_LARGE),
]  # fmt: skip


def read(kind: str, pieces: list[bytes], limit: int = 100) -> tuple[list[Any], FailureKind | None, Any]:
    """The items, what ended them, and what the reader remembers."""
    reader = item_reader(kind, limit)
    assert reader is not None
    items = []
    try:
        for piece in pieces:
            items.extend(iter(reader.feed(piece)))
        items.extend(iter(reader.finish()))
    except RequestFailed as failed:
        return items, failed.kind, None
    return items, None, (reader.skipped, reader.last_id, reader.retry)


def taken(kind: str, pieces: list[bytes]) -> tuple[list[Any], FailureKind | None]:
    """Item by item, as a caller takes them: those before a broken one have been given by then."""
    reader = item_reader(kind, 100)
    assert reader is not None
    items = []
    try:
        for piece in pieces:
            for item in reader.feed(piece):
                items.append(item)
        for item in reader.finish():
            items.append(item)
    except RequestFailed as failed:
        return items, failed.kind
    return items, None


@pytest.mark.parametrize(("kind", "data", "items"), CASES)
def test_items_at_every_split_point(kind: str, data: bytes, items: list[Any]) -> None:
    whole = read(kind, [data], 1000)
    assert whole[:2] == (items, None)
    assert read(kind, [data[i : i + 1] for i in range(len(data))], 1000) == whole
    for first in range(len(data) + 1):
        assert read(kind, [data[:first], b"", data[first:]], 1000) == whole
        second = (first + len(data)) // 2
        assert read(kind, [data[:first], data[first:second], data[second:]], 1000) == whole


@pytest.mark.parametrize(("kind", "data", "items", "failure"), BROKEN)
def test_what_is_broken_ends_after_what_came_before(
    kind: str, data: bytes, items: list[Any], failure: FailureKind
) -> None:
    for first in range(len(data) + 1):
        assert taken(kind, [data[:first], data[first:]]) == (items, failure)


def test_what_is_passed_over_is_counted() -> None:
    broken = b'rubbish\x1e{"a":\x1e1\n\x1e{} x\n\x1e\n'
    assert read("application/json-seq", [broken]) == ([1], None, (3, "", None))


def test_a_record_does_not_wait_for_the_next() -> None:
    reader = item_reader("application/json-seq", 100)
    assert reader is not None
    assert [list(reader.feed(piece)) for piece in (b"\x1e[1", b"]\n", b"\x1e2", b"\n")] == [
        [],
        [[1]],
        [],
        [2],
    ]


def test_an_event_stream_says_how_to_come_back() -> None:
    stream = b"retry: 3000\n\nid: 4\ndata: x\n\nid: 5\n\n"
    assert read("text/event-stream", [stream]) == ([{"data": "x", "id": "4"}], None, (0, "5", 3000))


def test_an_event_that_broke_off_is_not_said_to_have_come() -> None:
    stream = b"id: 4\ndata: x\n\nid: 5\nevent: lost\ndata: y"
    for end in (b"", b"\n", b"\r", b"\r\n"):
        assert read("text/event-stream", [stream + end]) == ([{"data": "x", "id": "4"}], None, (0, "4", None))


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "", "multipart/mixed", "json"])
def test_what_is_no_sequence(kind: str) -> None:
    assert item_reader(kind, 100) is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
WRITTEN = {
    "application/jsonl": lambda items: b"".join(orjson.dumps(item) + b"\n" for item in items),
    "application/json-seq": lambda items: b"".join(b"\x1e" + orjson.dumps(item) + b"\n" for item in items),
    "application/json": orjson.dumps,
    MIXED: lambda items: (
        b"".join(
            b"\r\n--cut\r\nContent-Type: application/json\r\n\r\n" + orjson.dumps(item) for item in items
        )
        + b"\r\n--cut--\r\n"
    ),
}


@given(st.sampled_from(sorted(WRITTEN)), st.lists(JSON_VALUES, max_size=4), st.lists(st.integers(0, 400)))
def test_any_values_in_any_pieces(kind: str, items: list[Any], cuts: list[int]) -> None:
    data = WRITTEN[kind](items)
    ends = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(ends)]
    assert read(kind, pieces, 10_000)[:2] == (items, None)


LINES = st.lists(
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1, max_size=3
)


@given(st.lists(LINES, max_size=3), st.sampled_from(["\n", "\r", "\r\n"]), st.lists(st.integers(0, 200)))
def test_any_events_in_any_pieces(events: list[list[str]], end: str, cuts: list[int]) -> None:
    text = "".join("".join(f"data: {line}{end}" for line in lines) + end for lines in events)
    data = text.encode()
    ends = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:stop] for start, stop in itertools.pairwise(ends)]
    expected = [{"data": "\n".join(lines)} for lines in events]
    assert read("text/event-stream", pieces, 10_000)[:2] == (expected, None)


@given(st.sampled_from([*WRITTEN, "text/event-stream"]), st.binary(max_size=200), st.integers(0, 200))
def test_hostile_bytes_give_items_or_a_typed_error(kind: str, data: bytes, cut: int) -> None:
    whole, split = taken(kind, [data]), taken(kind, [data[:cut], data[cut:]])
    assert orjson.dumps(repr(whole)) == orjson.dumps(repr(split))
