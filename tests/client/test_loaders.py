"""Loaders confine what they read; descriptions load through them and their trees are kept."""

# ruff: noqa: E501  (tables are read downwards)

from __future__ import annotations

import asyncio
import gzip
import os
import pickle
import socket
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path

import orjson
import pytest

from fleet.client import (
    ChainLoader,
    FileSystemLoader,
    NullLoader,
    PackageLoader,
    PrefixLoader,
    RedirectLoader,
    WebLoader,
    load_document,
)
from fleet.client.description.loaders import open_below
from fleet.client.description.treecache import CachedParse, Kept, prune, read_private, write_private
from fleet.errors import SpecError

URL = "http://schemas.example/v1/"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """`root/` with files, a neighbour that must not be read, and links to it."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.yaml").write_text("a: 1\n")
    (root / "sub" / "b.yaml").write_text("b: 2\n")
    (tmp_path / "secret.yaml").write_text("secret: 1\n")
    (tmp_path / "rootlike").mkdir()
    (tmp_path / "rootlike" / "x.yaml").write_text("x: 1\n")
    (root / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (root / "inner.yaml").symlink_to(root / "a.yaml")
    (root / "dir").symlink_to(tmp_path)
    os.mkfifo(root / "fifo.yaml")
    return root


def test_files_under_the_root_are_read(tree: Path) -> None:
    loader = FileSystemLoader(tree)
    assert loader("a.yaml") == b"a: 1\n"
    assert loader(str(tree / "sub/b.yaml")) == b"b: 2\n"
    assert loader("sub/../a.yaml") == b"a: 1\n"
    assert loader("inner.yaml") == b"a: 1\n"


@pytest.mark.parametrize(
    "uri",
    [
        "../secret.yaml", "link.yaml", "dir/secret.yaml", "/etc/passwd", "file:///etc/passwd", "sub/../../secret.yaml",
        "../rootlike/x.yaml", "http://h/a.yaml", "nothing.yaml", "sub", "fifo.yaml", "a.yaml\x00", "",
    ],
)  # fmt: skip
def test_files_outside_the_root_are_not_read(tree: Path, uri: str) -> None:
    with pytest.raises(SpecError):
        FileSystemLoader(tree)(uri)
    if not uri.startswith(("/", "file:", "http:")):
        with pytest.raises(SpecError):
            PrefixLoader(URL, tree)(URL + uri)


def test_a_link_that_appears_after_the_check_is_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside, root / "a" / "b"):
        folder.mkdir(parents=True)
        (folder / "file").write_text(folder.name)
    handle = open_below(str(root), "a/b/file")
    assert os.read(handle, 99) == b"b"
    os.close(handle)
    before = len(os.listdir("/proc/self/fd"))
    (root / "a" / "c").symlink_to(outside)
    (root / "link").symlink_to(outside / "file")
    for swapped in ("a/c/file", "link", "absent"):
        with pytest.raises(OSError, match=r"symbolic links|Not a directory|No such file"):
            open_below(str(root), swapped)
    assert len(os.listdir("/proc/self/fd")) == before


def test_prefixes_map_to_directories(tree: Path) -> None:
    loader = PrefixLoader(URL, tree)
    assert loader(f"{URL}sub/b.yaml") == b"b: 2\n"
    for foreign in (
        "http://schemas.example/v2/a.yaml",
        "http://other/v1/a.yaml",
        "a.yaml",
        f"{URL}%2e%2e/secret.yaml",
    ):
        with pytest.raises(SpecError):
            loader(foreign)


def test_redirects_strip_the_path(tree: Path) -> None:
    loader = RedirectLoader(tree)
    assert loader("https://anywhere/deep/a.yaml?x=1") == b"a: 1\n"
    for bad in ("https://anywhere/..", "https://anywhere/%2e%2e%2fsecret.yaml", "https://anywhere/"):
        with pytest.raises(SpecError):
            loader(bad)


def test_package_resources() -> None:
    assert b"fleet" in PackageLoader("fleet")("errors.py")
    for bad in ("../pyproject.toml", "nothing.yaml", "http://h/x"):
        with pytest.raises(SpecError):
            PackageLoader("fleet")(bad)


def test_a_chain_asks_each_loader_in_turn(tree: Path) -> None:
    chain = ChainLoader(PrefixLoader(URL, tree), FileSystemLoader(tree / "sub"), NullLoader())
    assert chain(f"{URL}a.yaml") == b"a: 1\n"
    assert chain("b.yaml") == b"b: 2\n"
    with pytest.raises(SpecError, match="no refs lead to it"):
        chain("http://other/a.yaml")
    with pytest.raises(SpecError, match="cannot be read"):
        chain(f"{URL}gone.yaml")
    assert pickle.loads(pickle.dumps(chain)) == chain


def test_the_web_loader_stays_at_its_origin() -> None:
    loader = WebLoader("http://127.0.0.9:1/api/openapi.yaml", headers={"X-Key": "c4nary"})
    for foreign in (
        "http://127.0.0.9:2/a",
        "https://127.0.0.9:1/a",
        "http://127.0.0.8:1/a",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.9:99999/",
    ):
        with pytest.raises(SpecError, match=r"not of the origin|not a valid URL"):
            loader(foreign)
    with pytest.raises(SpecError, match="cannot be fetched"):
        loader("http://127.0.0.9:1/other.yaml")
    assert "c4nary" not in repr(loader)


def _split(tmp_path: Path, ref: str) -> Path:
    root = tmp_path / "api"
    root.mkdir(exist_ok=True)
    parameter = {"$ref": f"{ref}#/id"}
    (root / "api.json").write_bytes(
        orjson.dumps(
            {"openapi": "3.0.0", "paths": {"/x/{id}": {"get": {"parameters": [parameter], "responses": {}}}}}
        )
    )
    return root / "api.json"


def test_references_stay_in_the_directory_of_the_description(tmp_path: Path) -> None:
    part = orjson.dumps({"id": {"name": "id", "in": "path", "required": True, "style": "label"}})
    for place in ("api/part.json", "part.json", "mapped/part.json"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(part)
    (tmp_path / "api" / "link.json").symlink_to(tmp_path / "part.json")
    refs = {URL: tmp_path / "mapped"}

    def built(ref: str) -> str:
        document = load_document(_split(tmp_path, ref), refs=refs, cache=False)
        return document.operation("GET /x/{id}").build({"id": 1}).path

    assert built("part.json") == "/x/.1"
    assert built(f"{URL}part.json") == "/x/.1"
    for outside in (
        "../part.json",
        str(tmp_path / "part.json"),
        "link.json",
        f"file://{tmp_path}/part.json",
        "http://h/p.json",
    ):
        with pytest.raises(SpecError, match="a referenced document cannot be used: no loader offers this"):
            built(outside)


def test_a_password_in_the_url_is_refused_unseen() -> None:
    with pytest.raises(SpecError, match="no user or password") as caught:
        load_document("https://user:c4nary@host.example/openapi.yaml")
    assert "c4nary" not in str(caught.value)


def test_text_in_hand_reads_nothing_else(tmp_path: Path) -> None:
    data = _split(tmp_path, "part.json").read_bytes()
    with pytest.raises(SpecError, match="cannot be used"):
        load_document(data).operation("GET /x/{id}").build({"id": 1})


def test_parsed_trees_are_kept_for_the_owner_only(tmp_path: Path) -> None:
    text = b"a:\n" + b"".join(b"  k%d: [on, 017]\n" % n for n in range(1000))
    parse = CachedParse(str(tmp_path / "cache" / "trees"))
    tree = parse(text, "x.yaml")
    (kept,) = (tmp_path / "cache" / "trees").glob("??/*")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o077 == 0
    before = kept.stat().st_ino
    assert parse(text, "x.yaml") == tree
    assert kept.stat().st_ino == before
    assert parse(text + b"b: 1\n", "x.yaml")["b"] == 1
    kept.write_bytes(kept.read_bytes().replace(b"k7", b"k8"))
    assert parse(text, "x.yaml") == tree
    assert kept.stat().st_ino != before


def test_the_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    now = 2e9

    def kept(*, stranger: bool = False) -> list[str]:
        return sorted(
            path.name[0] for path in tmp_path.glob("??/*") if (len(path.name) == 64) is not stranger
        )

    for letter, days in {"a": 1, "b": 2, "c": 3, "d": 100}.items():
        path = tmp_path / (letter * 2) / (letter * 64)
        path.parent.mkdir()
        path.write_bytes(b"12345678")
        os.utime(path, (now - days * 86400, now - days * 86400))
    (tmp_path / "aa" / "stranger").touch()
    prune(tmp_path, now)
    assert kept() == ["a", "b", "c"], "nobody used the last for 90 days"
    prune(tmp_path, now + 3600, Kept(files=2))
    assert kept() == ["a", "b", "c"], "once a day"
    prune(tmp_path, now + 86401, Kept(files=2))
    assert kept() == ["a", "b"]
    prune(tmp_path, now + 2 * 86402, Kept(bytes=15))
    assert kept() == ["a"]
    assert kept(stranger=True) == ["s"]


def test_a_cached_tree_that_is_used_stays(tmp_path: Path) -> None:
    text = b"a:\n" + b"  - some text that is long enough\n" * 400
    parsing = CachedParse(str(tmp_path))
    tree = parsing(text, "x")
    (path,) = (path for path in tmp_path.glob("??/*") if len(path.name) == 64)
    os.utime(path, (1e9, 1e9))
    assert parsing(text, "x") == tree
    assert path.stat().st_mtime > 1.7e9


def test_a_cache_that_cannot_be_used_costs_a_parse(tmp_path: Path) -> None:
    text = b"a: [" + b"x, " * 3000 + b"x]\n"
    (tmp_path / "file").write_bytes(b"")
    assert len(CachedParse(str(tmp_path / "file"))(text, "x")["a"]) == 3001


def test_private_files(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_private(path, b"x")
    assert read_private(path) == b"x"
    (tmp_path / "link").symlink_to(path)
    assert read_private(tmp_path / "link") is None
    assert read_private(tmp_path / "nothing") is None
    assert read_private(tmp_path) is None
    path.chmod(0o602)
    assert read_private(path) is None
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_warm_start_takes_a_fraction_of_a_cold_one(tmp_path: Path) -> None:
    given = os.environ.get("FLEET_SHARED")
    shared = Path(given) if given else Path(__file__).parents[2] / ".." / "shared"
    root = (shared / "data/redfish-2021.4/openapi").resolve()
    if not root.is_dir():
        pytest.skip("the published documents are not here")
    script = f"""
import time
from fleet.client import load_document
refs = {{"http://redfish.dmtf.org/schemas/v1/": {str(root)!r}, "http://redfish.dmtf.org/schemas/swordfish/v1/": {str(root)!r}}}
document = load_document({str(root / "openapi.yaml")!r}, refs=refs, cache={str(tmp_path)!r})
base = "/redfish/v1/Systems/{{ComputerSystemId}}"
for template in (base, base + "/Storage/{{StorageId}}/Volumes/{{VolumeId}}"):
    document.operation("GET " + template).compile(validate=True)
print(time.process_time(), len(document.operations), *document.warnings, sep="\\n")
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert runs[0][1:] == runs[1][1:]
    assert runs[1][1] == "2796"
    assert runs[1][2].startswith("5 referenced files are missing: Capacity.v1_0_0.yaml, ")
    assert float(runs[1][0]) < float(runs[0][0]) / 1.5  # the whole process, imports included


@contextmanager
def serving(*pieces: bytes) -> Iterator[str]:
    """The URL of a host that answers one connection with these pieces, the last one over and over until its
    peer hangs up."""
    with socket.create_server(("127.0.0.9", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer, suppress(OSError):
                peer.settimeout(0.02)
                peer.recv(65_536)
                for piece in chain(pieces, repeat(pieces[-1])):
                    peer.sendall(piece)
                    with suppress(TimeoutError):
                        if not peer.recv(1):
                            return

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.9:{listener.getsockname()[1]}/openapi.yaml"
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ([b"HTTP/1.1 200 OK\r\nX: ", b"x"], "in time"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"], "in time"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], "more than 20 interim answers"),
    ],
    ids=["head", "body", "interim"],
)
async def test_a_download_ends_in_time_whatever_drips(pieces: list[bytes], says: str) -> None:
    with serving(*pieces) as url, pytest.raises(SpecError, match=says):
        await asyncio.wait_for(asyncio.to_thread(WebLoader(url, timeout=1), url), 60)


def test_a_body_compressed_twice_is_bounded_as_any_other() -> None:
    once = zlib.compressobj(wbits=31)
    zeros = b"".join(once.compress(bytes(2**20)) for _ in range(256)) + once.flush()
    body = gzip.compress(zeros)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n"
    with serving(head % len(body) + body) as url:
        tracemalloc.start()
        try:
            with pytest.raises(SpecError, match="larger than 64 MiB"):
                WebLoader(url)(url)
            assert tracemalloc.get_traced_memory()[1] < 160 * 2**20
        finally:
            tracemalloc.stop()


def test_a_download_may_be_asked_for_where_a_loop_runs() -> None:
    script = """
import asyncio, sys
from fleet import WebLoader
async def main():
    print(WebLoader(sys.argv[1])(sys.argv[1]))
asyncio.run(main())
"""
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as url:
        ran = subprocess.run([sys.executable, "-c", script, url], check=True, capture_output=True, text=True)
    assert ran.stdout == "b'{}'\n"


@pytest.mark.parametrize("status", [300, 301, 304])
def test_a_redirect_to_nowhere_is_an_answer_like_any_other(status: int) -> None:
    with socket.create_server(("127.0.0.9", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(f"HTTP/1.1 {status} Moved\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.9:{listener.getsockname()[1]}/openapi.yaml"
        try:
            with pytest.raises(SpecError, match=f"the server answered {status}"):
                WebLoader(url)(url)
        finally:
            thread.join()
