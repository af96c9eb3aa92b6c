"""Secrets are read again when they have changed, and stay in use when they cannot be."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.errors import SecretError
from fleet.inventory import AuthModel, Credentials, SecretReader
from fleet.secret import Secret

MODEL = AuthModel(username="file:user", password="file:password")


class Clock:
    """Seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Mount:
    """A Kubernetes Secret volume: files are links through `..data`, which is swapped in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0

    def publish(self, **values: str) -> None:
        self._number += 1
        state = self.folder / f"..{self._number}"
        state.mkdir()
        for name, value in values.items():
            (state / name).write_text(value)
            (state / name).chmod(0o600)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(Path("..data") / name)
        fresh = self.folder / "..data_tmp"
        fresh.symlink_to(state.name)
        fresh.rename(self.folder / "..data")


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    mount = Mount(tmp_path)
    mount.publish(user="one", password="first")
    return mount


@pytest.fixture
def clock() -> Clock:
    return Clock()


def credentials(mount: Mount, clock: Clock, warn: Callable[[str], None] = print, **more: Any) -> Credentials:
    reader = SecretReader(directory=mount.folder, environ={"TOKEN": "t"})
    return Credentials({"lab": MODEL, **more}, secrets=reader, clock=clock, warn=warn)


def test_a_mounted_secret_is_read_again_once_it_was_swapped(mount: Mount, clock: Clock) -> None:
    found = credentials(mount, clock)
    before = found.resolve("lab")
    mount.publish(user="two", password="second")
    assert found.resolve("lab") is before, "nobody looks at files for every target"
    clock.now += 5
    after = found.resolve("lab")
    assert (after.username, after.password) == ("two", Secret("second"))
    assert after.version != before.version
    clock.now += 5
    assert found.resolve("lab") is after, "what has not changed is not read"


def test_a_refusal_reads_at_once(mount: Mount, clock: Clock, target: Callable[..., Any]) -> None:
    found = credentials(mount, clock)
    before = found.resolve("lab")
    assert found.renew("lab", target(), before.version) is None, "the same file says the same"
    mount.publish(user="one", password="second")
    after = found.renew("lab", target(), before.version)
    assert after is not None
    assert after.password == Secret("second")
    assert found.renew("lab", target(), before.version) is after, "who comes later gets what was read"
    assert found.renew("lab", target(), after.version) is None
    assert found.resolve("lab") is after


def test_a_new_file_with_the_old_secret_is_no_new_version(
    mount: Mount, clock: Clock, target: Callable[..., Any]
) -> None:
    found = credentials(mount, clock)
    before = found.resolve("lab")
    mount.publish(user="one", password="first")
    assert found.renew("lab", target(), before.version) is None


def test_a_file_that_is_gone_for_a_moment_costs_nobody_anything(mount: Mount, clock: Clock) -> None:
    said: list[str] = []
    found = credentials(mount, clock, said.append)
    before = found.resolve("lab")
    (mount.folder / "..data").unlink()
    clock.now += 5
    assert found.resolve("lab") is before
    assert "the values before stay in use" in said[0]
    assert "first" not in said[0]
    mount.publish(user="one", password="second")
    clock.now += 5
    assert found.resolve("lab").password == Secret("second")


def test_user_and_password_are_of_one_state_of_the_volume(mount: Mount, clock: Clock) -> None:
    """The volume is swapped between the reading of the two: a pair that never was would lock the account."""

    class Swapping(SecretReader):
        swaps = 1

        def read(self, reference: str, what: str) -> Secret:
            secret = super().read(reference, what)
            if self.swaps:
                self.swaps -= 1
                mount.publish(user="two", password="second")
            return secret

    found = Credentials({"lab": MODEL}, secrets=Swapping(directory=mount.folder), clock=clock).resolve("lab")
    assert (found.username, found.password) == ("two", Secret("second"))


def test_what_does_not_change_is_never_read_again(mount: Mount, clock: Clock) -> None:
    found = credentials(mount, clock, fixed=AuthModel(token="env:TOKEN"))
    assert not found.renewable("fixed")
    assert found.renewable("lab")


def test_a_pipe_and_a_person_are_asked_once(tmp_path: Path, clock: Clock, target: Callable[..., Any]) -> None:
    asked: list[str] = []
    (tmp_path / "user").write_text("root")
    (tmp_path / "user").chmod(0o600)

    def typed(what: str) -> str:
        asked.append(what)
        return "typed"

    reader = SecretReader(directory=tmp_path, prompt=typed)
    model = AuthModel(username="file:user", password="prompt")
    found = Credentials({"lab": model}, secrets=reader, clock=clock)
    before = found.resolve("lab")
    (tmp_path / "user").write_text("admin")
    after = found.renew("lab", target(), before.version)
    assert after is not None
    assert (after.username, after.password) == ("admin", Secret("typed"))
    assert len(asked) == 1


def test_threads_that_meet_read_once(mount: Mount, clock: Clock) -> None:
    reads: list[str] = []

    class Counting(SecretReader):
        def read(self, reference: str, what: str) -> Secret:
            reads.append(reference)
            return super().read(reference, what)

    found = Credentials({"lab": MODEL}, secrets=Counting(directory=mount.folder), clock=clock)
    gate = threading.Barrier(8)

    def resolve() -> None:
        gate.wait()
        found.resolve("lab")

    threads = [threading.Thread(target=resolve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reads) == ["file:password", "file:user"]


def test_a_version_says_nothing_about_the_values(mount: Mount, clock: Clock) -> None:
    first, other = (credentials(mount, clock).resolve("lab").version for _ in range(2))
    assert first != other, "each process has a key of its own"
    assert len(first) == 16


def test_a_first_reading_that_fails_is_an_error(tmp_path: Path, clock: Clock) -> None:
    found = Credentials({"lab": MODEL}, secrets=SecretReader(directory=tmp_path), clock=clock)
    with pytest.raises(SecretError, match="No such file"):
        found.resolve("lab")
    for name in ("user", "password"):
        (tmp_path / name).write_text(name)
        os.chmod(tmp_path / name, 0o600)
    assert found.resolve("lab").username == "user"
