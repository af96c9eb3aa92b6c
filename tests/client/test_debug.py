"""The debug log: downloads and requests, on its own logger, private, without secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from fleet.client import Request, load_document, start_debug_log, stop_debug_log
from fleet.client.debug import LOGGER, request_answered, request_failed
from fleet.errors import ConfigError, RequestFailed
from fleet.outcome import FailureKind


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logs" / "debug.log"
    assert start_debug_log({"FLEET_LOGGING_HANDLERS": "console, debug", "FLEET_DEBUG_LOG": str(path)}) == path
    yield path
    stop_debug_log()


def test_downloads_are_written(log: Path, tmp_path: Path) -> None:
    api = tmp_path / "api.json"
    items = {"/x": {"$ref": "items.json#/one"}}
    api.write_bytes(orjson.dumps({"openapi": "3.0.0", "paths": items}))
    (tmp_path / "items.json").write_bytes(orjson.dumps({"one": {"get": {"responses": {}}}}))
    assert "GET /x" in load_document(api, cache=False).operations
    stop_debug_log()  # lines are written from a thread; this waits for it
    text = log.read_text()
    assert f"Downloading Description Document {api} using FileSystemLoader(root=" in text
    assert f"Resolving items.json#/one - Description Document {tmp_path}/items.json unknown ..." in text
    assert log.stat().st_mode & 0o777 == 0o600


def test_requests_are_written_without_secrets(log: Path) -> None:
    request = Request("GET", "/p?k=c4nary", (("Authorization", "c4nary"),), secrets_in_path=True)
    request_answered(request, "https://h", 200)
    request_answered(Request("POST", "/p?q=1"), "https://h", 422)
    request_failed(request, "https://h", RequestFailed(FailureKind.CONNECT_REFUSED, "nothing there"))
    stop_debug_log()
    text = log.read_text()
    assert 'HTTP Request: GET https://h/p?*** "HTTP/1.1 200"' in text
    assert 'HTTP Request: POST https://h/p?q=1 "HTTP/1.1 422"' in text
    assert "failed: connect.refused: nothing there" in text
    assert "c4nary" not in text


def test_other_loggers_are_left_alone(tmp_path: Path) -> None:
    host = logging.getLogger("the.host.application")
    before = (
        list(logging.getLogger().handlers),
        logging.getLogger().level,
        host.disabled,
        logging.getLogger("httpx").level,
    )
    environment = {"FLEET_LOGGING_HANDLERS": "debug", "FLEET_DEBUG_LOG": str(tmp_path / "d.log")}
    start_debug_log(environment)
    start_debug_log(environment)
    assert len(LOGGER.handlers) == 1
    stop_debug_log()
    after = (
        list(logging.getLogger().handlers),
        logging.getLogger().level,
        host.disabled,
        logging.getLogger("httpx").level,
    )
    assert before == after
    assert LOGGER.handlers == []


def test_nothing_happens_unasked_and_the_default_path_is_private(tmp_path: Path) -> None:
    assert start_debug_log({}) is None
    assert start_debug_log({"FLEET_LOGGING_HANDLERS": "console"}) is None
    path = start_debug_log({"FLEET_LOGGING_HANDLERS": "debug", "XDG_STATE_HOME": str(tmp_path)})
    stop_debug_log()
    assert path == tmp_path / "fleet" / "fleet-debug.log"


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("")
    (tmp_path / "d.log").symlink_to(tmp_path / "target")
    with pytest.raises(ConfigError, match="cannot be opened"):
        start_debug_log({"FLEET_LOGGING_HANDLERS": "debug", "FLEET_DEBUG_LOG": str(tmp_path / "d.log")})
