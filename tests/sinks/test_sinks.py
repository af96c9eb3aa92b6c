"""Sinks append whole lines, mend what a crash tore, and refuse what is not theirs."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import pytest
import zstandard

from fleet.engine import read_outcomes
from fleet.errors import ConfigError, SinkError
from fleet.outcome import Outcome
from fleet.sinks import JsonlSink, JsonlZstSink, StdoutSink, sink_for


def line(number: int) -> bytes:
    return b'{"v":1,"run":"r","id":"%d","target":"https://h","status":"ok"}\n' % number


def write(path: Path, *numbers: int, batch: int = 1) -> None:
    sink = sink_for(path)
    sink.open()
    for start in range(0, len(numbers), batch):
        lines = [line(number) for number in numbers[start : start + batch]]
        sink.write([Outcome("r", "i", "t", "ok", "s", 0.0)] * len(lines), lines)
    sink.close()
    sink.close()


def held(path: Path) -> int:
    """How many descriptors of this process are open on a file."""
    return sum(fd.exists() and fd.samefile(path) for fd in Path("/proc/self/fd").iterdir())


def ids(path: Path) -> list[int]:
    return [int(record["id"]) for record in read_outcomes(path)]


def test_the_suffix_chooses() -> None:
    assert isinstance(sink_for("a/x.jsonl"), JsonlSink)
    assert isinstance(sink_for("x.jsonl.zst"), JsonlZstSink)
    assert isinstance(sink_for("-"), StdoutSink)
    with pytest.raises(ConfigError, match=r"\.jsonl, \.jsonl\.zst"):
        sink_for("x.parquet")


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.zst"])
def test_an_existing_file_is_appended_to(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, *range(2500), batch=100)
    write(path, 7, 8)
    assert ids(path) == [*range(2500), 7, 8]
    assert held(path) == 0
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.zst"])
def test_every_truncation_parses_and_is_mended(tmp_path: Path, name: str) -> None:
    path, torn = tmp_path / name, tmp_path / f"torn-{name}"
    write(path, 0, 1)
    write(path, 2, 3)
    data = path.read_bytes()
    for size in range(len(data)):
        torn.write_bytes(data[:size])
        before = ids(torn)
        assert before == list(range(len(before)))
        write(torn, 99)
        assert ids(torn) == [*before, 99]


def test_written_lines_are_readable_before_the_frame_ends(tmp_path: Path) -> None:
    sink = JsonlZstSink(tmp_path / "o.jsonl.zst")
    sink.open()
    sink.write([Outcome("r", "i", "t", "ok", "s", 0.0)], [line(1)])
    assert ids(sink.path) == [1]
    sink.close()


def test_frames_are_independent_and_concatenate(tmp_path: Path) -> None:
    one, two, both = (tmp_path / f"{name}.jsonl.zst" for name in ("one", "two", "both"))
    write(one, *range(3000), batch=250)
    write(two, 5)
    both.write_bytes(one.read_bytes() + two.read_bytes())
    assert ids(both) == [*range(3000), 5]
    with zstandard.open(one, "rb") as stream:
        assert stream.read().count(b"\n") == 3000


@pytest.mark.parametrize(
    ("name", "content"),
    [("o.jsonl", b"my notes"), ("o.jsonl.zst", b"my notes"), ("o.jsonl.zst", b"\x28\xb5\x2f\xfe")],
)
def test_a_foreign_file_is_refused_untouched(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SinkError, match="choose another"):
        sink_for(path).open()
    assert (path.read_bytes(), held(path)) == (content, 0)


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    with pytest.raises(SinkError, match="symbolic link"):
        sink_for(tmp_path / "link.jsonl").open()
    os.mkfifo(tmp_path / "fifo.jsonl")
    with pytest.raises(SinkError, match="regular file"):
        sink_for(tmp_path / "fifo.jsonl").open()
    with pytest.raises(SinkError, match="folder does not exist"):
        sink_for(tmp_path / "none" / "x.jsonl").open()


def test_stdout_falls_silent_when_nobody_reads() -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(writer)
    sink.write([], [line(1)])
    assert os.read(reader, 1000) == line(1)
    os.close(reader)
    sink.write([], [line(2)])
    sink.write([], [line(3)])
    assert sink.stopped
    os.close(writer)


def test_stdout_waits_for_a_slow_reader() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    lines = [line(number) for number in range(5000)]
    got = bytearray()

    def read() -> None:
        while block := os.read(reader, 65536):
            got.extend(block)

    thread = threading.Thread(target=read)
    thread.start()
    StdoutSink(writer).write([], lines)
    os.close(writer)
    thread.join(10)
    os.close(reader)
    assert bytes(got) == b"".join(lines)


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.zst"])
def test_a_batch_that_does_not_fit_leaves_no_trace(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, 1)
    sink = sink_for(path)
    sink.open()
    sink.write([Outcome("r", "2", "t", "ok", "s", 0.0)], [line(2)])
    size = path.stat().st_size
    noise = [b'{"v":1,"id":"3","status":"ok","x":"%s"}\n' % os.urandom(5000).hex().encode()]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        with pytest.raises(SinkError, match="larger than the limit"):
            sink.write([Outcome("r", "3", "t", "ok", "s", 0.0)], noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == size
    sink.close()
    write(path, 4)
    assert ids(path) == [1, 2, 4]


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.zst"])
def test_a_file_that_was_removed_is_noticed_when_it_is_synced(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    sink = sink_for(path)
    sink.open()
    sink.write([Outcome("r", "1", "t", "ok", "s", 0.0)], [line(1)])
    path.rename(tmp_path / "renamed.jsonl")
    sink.flush()  # it has another name: nothing is lost
    sink.write([Outcome("r", "2", "t", "ok", "s", 0.0)], [line(2)])
    (tmp_path / "renamed.jsonl").unlink()
    with pytest.raises(SinkError, match="removed"):
        sink.flush()
    with pytest.raises(SinkError, match="removed"):
        sink.close()
