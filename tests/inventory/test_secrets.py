"""Where secrets come from, and that no message repeats one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.errors import SecretError
from fleet.inventory import SecretReader, is_reference

CANARY = "canary-3f9c"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("env:LAB_PASSWORD", True),
        ("file:/etc/fleet/password", True),
        ("file:password", True),
        ("$CREDENTIALS_DIRECTORY/bmc", True),
        ("${CREDENTIALS_DIRECTORY}/bmc", True),
        ("prompt", True),
        ("env:", False),
        ("env:1X", False),
        ("file:", False),
        ("$CREDENTIALS_DIRECTORY/../etc/shadow", False),
        ("$CREDENTIALS_DIRECTORY/..", False),
        ("hunter2", False),
        ("", False),
        (7, False),
    ],
)
def test_only_the_four_ways_are_references(text: object, is_one: bool) -> None:
    assert is_reference(text) is is_one


def test_a_secret_comes_from_the_environment_or_says_what_is_missing() -> None:
    reader = SecretReader(environ={"LAB": CANARY, "EMPTY": ""})
    assert reader.read("env:LAB", "password of lab").reveal() == CANARY
    with pytest.raises(
        SecretError, match=r"^the password of lab: environment variable NONE is not set\n  set it"
    ):
        reader.read("env:NONE", "password of lab")
    with pytest.raises(SecretError, match="environment variable EMPTY is empty"):
        reader.read("env:EMPTY", "password of lab")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"canary-3f9c\n", CANARY),
        (b"canary-3f9c\r\n", CANARY),
        (b"canary-3f9c", CANARY),
        (b" canary-3f9c ", f" {CANARY} "),
        ("gehe\u00efm\n".encode(), "gehe\u00efm"),
    ],
)
def test_one_newline_at_the_end_of_a_file_is_not_the_secret_s(
    write: Callable[..., str], tmp_path: Path, data: bytes, value: str
) -> None:
    path = write("password", data)
    Path(path).chmod(0o600)
    warnings: list[str] = []
    reader = SecretReader(directory=tmp_path, warn=warnings.append)
    assert reader.read(f"file:{path}", "password of lab").reveal() == value
    assert reader.read("file:password", "password of lab").reveal() == value
    assert warnings == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"canary-3f9c\ncanary-3f9c\n", "holds more than one line"),
        (b"canary-3f9c\0x", "holds more than one line"),
        (b"canary-3f9c\xff", "is not UTF-8 text"),
        (b"canary-3f9c" * 10_000, "is longer than 65536 bytes"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(write: Callable[..., str], data: bytes, message: str) -> None:
    path = write("password", data)
    Path(path).chmod(0o600)
    with pytest.raises(SecretError) as caught:
        SecretReader().read(f"file:{path}", "password of lab")
    assert str(caught.value) == f"the password of lab: {path} {message}"


def test_files_that_others_read_are_warned_about_and_those_they_write_refused(
    write: Callable[..., str],
) -> None:
    path = Path(write("password", CANARY))
    warnings: list[str] = []
    reader = SecretReader(warn=warnings.append)
    path.chmod(0o644)
    assert reader.read(f"file:{path}", "password of lab").reveal() == CANARY
    assert warnings == [f"the password of lab: {path} can be read by others (mode 0644); chmod 600 it"]
    path.chmod(0o602)
    with pytest.raises(SecretError, match="can be written by everybody"):
        reader.read(f"file:{path}", "password of lab")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    reader = SecretReader()
    with pytest.raises(SecretError, match="No such file"):
        reader.read(f"file:{tmp_path}/none", "token of lab")
    with pytest.raises(SecretError, match="Is a directory"):
        reader.read(f"file:{tmp_path}", "token of lab")
    with pytest.raises(SecretError, match="not a path"):
        reader.read("file:a\0b", "token of lab")
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(SecretError, match="is empty"):
        reader.read(f"file:{tmp_path}/fifo", "token of lab")


def test_a_pipe_of_the_shell_is_read() -> None:
    end, writer = os.pipe()
    os.write(writer, CANARY.encode())
    os.close(writer)
    try:
        assert SecretReader().read(f"file:/dev/fd/{end}", "password of lab").reveal() == CANARY
    finally:
        os.close(end)


def test_credentials_of_a_service_come_from_its_directory(write: Callable[..., str], tmp_path: Path) -> None:
    Path(write("bmc", CANARY)).chmod(0o644)
    warnings: list[str] = []
    reader = SecretReader(environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}, warn=warnings.append)
    assert reader.read("$CREDENTIALS_DIRECTORY/bmc", "password of lab").reveal() == CANARY
    assert warnings == []
    with pytest.raises(SecretError) as caught:
        SecretReader(environ={}).read("$CREDENTIALS_DIRECTORY/bmc", "password of lab")
    assert "LoadCredential=bmc:PATH" in str(caught.value)


def test_a_prompt_asks_and_says_for_what() -> None:
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return CANARY

    assert SecretReader(prompt=ask).read("prompt", "password of root").reveal() == CANARY
    assert asked == ["Password of root: "]
    with pytest.raises(SecretError, match="there is no terminal"):
        SecretReader().read("prompt", "password of root")

    def end(text: str) -> str:
        raise EOFError

    with pytest.raises(SecretError, match="was not given"):
        SecretReader(prompt=end).read("prompt", "password of root")


def test_a_literal_is_refused_and_not_repeated() -> None:
    with pytest.raises(SecretError) as caught:
        SecretReader().read(CANARY, "password of lab")
    assert CANARY not in str(caught.value)
    assert "env:NAME" in str(caught.value)
