"""Any JSON value survives: as a body to a real server that sends it back, and as an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet import OpenAPI
from fleet.errors import SpecError

CONTENT = {"application/json": {"schema": {}}}
DESCRIPTION = orjson.dumps({
    "openapi": "3.1.0",
    "paths": {
        "/echo": {
            "post": {
                "operationId": "echo",
                "requestBody": {"required": True, "content": CONTENT},
                "responses": {"200": {"description": "", "content": CONTENT}},
            }
        }
    },
})  # fmt: skip

# What every JSON library keeps: texts of Unicode, integers of 64 bits, finite doubles.
_SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)  # fmt: skip
VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


class Echo(BaseHTTPRequestHandler):
    """Sends back the body that it is sent, byte for byte."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one piece: the second would wait for the first's acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def api() -> Iterator[OpenAPI]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        found = OpenAPI.loads(url, DESCRIPTION, session_factory=httpx.Client)
        try:
            yield found
        finally:
            found.close()
            server.shutdown()
            thread.join()


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types: in Python 1 == 1.0 == True."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@given(VALUES.filter(lambda value: value is not None))
@example({"": [None, {}, [], 0, -0.0, 5e-324, 2**64 - 1, "\x00\u2028\U0010ffff", {"$ref": "#"}]})
@example({"a": [2**64, -(2**63) - 1, 10**30]})
@example(False)
@example("")
@example([])
def test_any_json_value_comes_back(api: OpenAPI, value: Any) -> None:
    answer = api._.echo(data=value)
    assert same(answer, value), answer


def test_null_is_sent_as_its_own_bytes(api: OpenAPI) -> None:
    """None as a body is no body, so null goes as what it is on the wire."""
    assert api._.echo(data=b"null") is None
    with pytest.raises(SpecError, match="needs a body"):
        api._.echo(data=None)


@pytest.mark.parametrize("value", [{"\ud800": 1}, {1: 2}, object()])
def test_what_other_libraries_would_change_is_not_sent(api: OpenAPI, value: Any) -> None:
    """Half a surrogate pair, keys that are no text, what has no JSON."""
    with pytest.raises(SpecError, match="the body cannot be written"):
        api._.echo(data=value)
