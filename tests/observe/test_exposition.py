"""Metrics for others: a file that is whole or not there, a page that slow readers do not block."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fleet.errors import ConfigError, SinkError
from fleet.event import ScanFinished, ScanStarted
from fleet.observe import Metrics, MetricsServer, last_success, render, write_metrics_file
from fleet.observe.exposition import MAX_READERS, parse_address


def scanned(when: float, *, complete: bool = True, **more: object) -> Metrics:
    metrics = Metrics(clock=lambda: when, **more)
    metrics(ScanStarted("r1", "probe", 0, 1))
    metrics(ScanFinished("r1", 1.0, complete))
    return metrics


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as reply:
        body: bytes = reply.read()
    return body


def served(url: str) -> bool:
    """Whether one scrape is answered; while all readers are taken, it is closed instead."""
    try:
        return b"fleet_scan" in fetch(url)
    except (urllib.error.URLError, ConnectionError):
        return False


def test_the_file_is_whole_readable_by_all_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "fleet.prom"
    path.write_text("old")
    metrics = scanned(1.0)
    write_metrics_file(path, metrics.registry)
    assert path.read_bytes() == render(metrics.registry)
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
    assert list(text_string_to_metric_families(path.read_text()))


def test_a_file_that_cannot_be_written_is_a_sink_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"cannot write .*fleet\.prom"):
        write_metrics_file(tmp_path / "absent" / "fleet.prom", scanned(1.0).registry)


def test_what_is_no_file_gets_the_metrics_and_stays_what_it_is(tmp_path: Path) -> None:
    """`/dev/stdout`, a pipe, a link: nothing is read from the one, and the other is not replaced."""
    pipe, link, registry = tmp_path / "pipe", tmp_path / "link", scanned(7.0).registry
    os.mkfifo(pipe)
    assert last_success(pipe) == {}  # who opened it to read would wait for somebody who writes
    with pytest.raises(SinkError, match=r"cannot write .*pipe"):
        write_metrics_file(pipe, registry)  # and who opened it to write, for somebody who reads
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_metrics_file(pipe, registry)
    assert os.read(reader, 1 << 16) == render(registry)
    os.close(reader)
    assert pipe.is_fifo()
    link.symlink_to("real.prom")
    write_metrics_file(link, registry)
    assert link.is_symlink()
    assert last_success(tmp_path / "real.prom") == {"probe": 7.0}


def test_a_failed_scan_keeps_the_last_success_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "fleet.prom"
    write_metrics_file(path, scanned(1234.5).registry)
    assert last_success(path) == {"probe": 1234.5}
    write_metrics_file(path, scanned(9999.0, complete=False, last_success=last_success(path)).registry)
    assert last_success(path) == {"probe": 1234.5}


def test_an_unreadable_file_tells_of_no_success(tmp_path: Path) -> None:
    assert last_success(tmp_path / "absent") == {}
    (tmp_path / "bad").write_bytes(b'\xff\nfleet_scan_last_success_timestamp_seconds{pipeline="p"} what\n')
    assert last_success(tmp_path / "bad") == {}


@pytest.mark.parametrize(("address", "url"), [("0", "http://127.0.0.1:"), ("[::1]:0", "http://[::1]:")])
def test_metrics_are_served_while_entered(address: str, url: str) -> None:
    metrics = scanned(5.0)
    with MetricsServer(metrics.registry, address) as server:
        assert server.url.startswith(url)
        assert b"fleet_scan_last_success_timestamp_seconds" in fetch(server.url)
    with pytest.raises(urllib.error.URLError):
        fetch(server.url)


def test_slow_readers_are_bounded_and_do_not_keep_the_others_out() -> None:
    with MetricsServer(scanned(1.0).registry, "0") as server:
        port = int(server.url.rsplit(":", 1)[1].removesuffix("/metrics"))
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(MAX_READERS)]
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as refused:
                assert refused.recv(1) == b""
            silent.pop().close()
            assert any(map(served, [server.url] * 1000))
        finally:
            for peer in silent:
                peer.close()


def test_an_address_in_use_cannot_run() -> None:
    with MetricsServer(scanned(1.0).registry, "0") as server:
        address = server.url.removeprefix("http://").removesuffix("/metrics")
        with pytest.raises(ConfigError, match="--metrics-listen 127"):
            MetricsServer(scanned(1.0).registry, address)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9100", ("127.0.0.1", 9100)),
        (":9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:9100", ("::1", 9100)),
    ],
)
def test_an_address_without_a_host_is_loopback(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "x", "host:", "host:x", "1:70000", "h:-1", "h:٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        parse_address(text)
