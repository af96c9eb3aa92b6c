"""Programs that give credentials: what they get, what they may say, and how they end."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.errors import ConfigError, SecretError
from fleet.inventory import AuthModel, Credentials, load_auths
from fleet.secret import Secret

CANARY = "c4nary-of-a-helper"


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """A program with this Python text as its body; its path."""

    def make(body: str) -> str:
        path = tmp_path / "helper"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
        path.chmod(0o700)
        return str(path)

    return make


def credentials(command: list[str], **more: Any) -> Credentials:
    username = more.pop("username", None)
    return Credentials({"lab": AuthModel(username=username, exec={"command": command, **more}, default=True)})


def test_a_helper_gives_a_credential(program: Callable[[str], str], target: Callable[..., Any]) -> None:
    says = {"username": "u", "password": CANARY, "token": "t", "schemes": {"key": "k"}}
    found = credentials([program(f"print({json.dumps(says)!r})")])
    assert not found.own("lab")
    got = found.resolve("lab")
    assert (got.username, got.password, got.token) == ("u", Secret(CANARY), Secret("t"))
    assert got.schemes == {"key": Secret("k")}
    assert CANARY not in repr(got)


def test_a_name_may_stand_in_the_file(program: Callable[[str], str]) -> None:
    helper = program("print(json.dumps({'password': 'p'}))")
    assert credentials([helper], username="scanner").resolve("lab").username == "scanner"
    with pytest.raises(SecretError, match="no username"):
        credentials([helper]).resolve("lab")


def test_each_target_has_its_own(program: Callable[[str], str], target: Callable[..., Any]) -> None:
    helper = program("print(json.dumps({'username': sys.argv[2], 'password': ' '.join(sys.argv[1:])}))")
    found = credentials([helper, "{target}", "{host}", "{port}", "{site}", "{id}"])
    assert found.own("lab")
    found.check()  # asks for nobody
    one = target("https://bmc1:8443", labels={"site": "a; rm -rf / $(x)"})
    got = found.resolve("lab", one)
    assert got.username == "bmc1"
    assert got.password == Secret("https://bmc1:8443 bmc1 8443 a; rm -rf / $(x) https://bmc1:8443")
    other = found.resolve("lab", target("https://bmc2", labels={"site": "b"}))
    assert other.version != got.version
    with pytest.raises(SecretError, match=r"\{site\}: 'https://bmc3' has no site"):
        found.resolve("lab", target("https://bmc3"))


def test_what_an_inventory_says_is_no_option(
    program: Callable[[str], str], target: Callable[..., Any]
) -> None:
    found = credentials([program(""), "{site}"])
    with pytest.raises(SecretError, match="would begin with a dash"):
        found.resolve("lab", target(labels={"site": "--config=/tmp/evil"}))


def test_a_helper_sees_little_of_our_environment(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMC_PASSWORD", CANARY)
    monkeypatch.setenv("AWS_PROFILE", "ops")
    helper = program("print(json.dumps({'username': ' '.join(sorted(os.environ)), 'password': 'p'}))")
    names = credentials([helper], env=["AWS_PROFILE"]).resolve("lab").username.split()
    assert "BMC_PASSWORD" not in names
    assert {"PATH", "AWS_PROFILE"} <= set(names)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"print('{CANARY}')", "its output is not JSON"),
        (f"print(json.dumps(['{CANARY}']))", "is not a JSON object"),
        (f"print(json.dumps({{'{CANARY}': 1}}))", "has unknown keys"),
        (f"print(json.dumps({{'username': 'u', 'password': ['{CANARY}']}}))", "password is not a text"),
        (f"print(json.dumps({{'username': 'u', 'password': '{CANARY}\\nX: y'}}))", "more than one line"),
        ("print(json.dumps({'username': 'u'}))", "has no password, no token and no schemes"),
        ("print(json.dumps({'username': 'u', 'password': ''}))", "is empty"),
        ("print(json.dumps({'token': 't', 'expires': 'soon'}))", "expires is no duration"),
        ("print(json.dumps({'token': 't', 'expires': -1}))", "not a number of seconds above 0"),
        (f"print('{CANARY}', file=sys.stderr); sys.exit(3)", "it failed with status 3"),
        (f"print('{CANARY}'); os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
        (f"sys.stdout.write('{CANARY}' * 10000)", "it wrote more than 65536 bytes"),
        ("print('[' * 60000)", "its output is not JSON"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe')", "its output is not JSON"),
    ],
)
def test_what_it_may_not_say_is_refused_and_not_repeated(
    program: Callable[[str], str], body: str, message: str
) -> None:
    with pytest.raises(SecretError) as raised:
        credentials([program(body)]).resolve("lab")
    assert message in str(raised.value)
    assert CANARY not in str(raised.value)


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock(1) is not installed here")
def test_one_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """Its child holds a lock that nobody else can take while it lives. A shell: Python may take a second."""
    note, helper = tmp_path / "note", tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\nexec 9>{note}; flock 9; printf started >&9\nsleep 600 & sleep 600\n")
    helper.chmod(0o755)
    with pytest.raises(SecretError, match=r"did not end within 2 s, and was killed"):
        credentials([str(helper)], timeout="2s").resolve("lab")
    with note.open() as seen:
        assert seen.read() == "started"
        fcntl.flock(seen, fcntl.LOCK_EX)  # waits for the last of them


def test_one_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"the helper of lab: cannot run .*No such file"):
        credentials([str(tmp_path / "absent")]).resolve("lab")


def test_a_helper_runs_again_when_its_answer_has_expired(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    count = tmp_path / "count"
    count.touch()
    helper = program(
        f"open({str(count)!r}, 'a').write('x')\n"
        f"print(json.dumps({{'token': str(os.path.getsize({str(count)!r})), 'expires': '60s'}}))"
    )
    now = [0.0]
    found = Credentials({"lab": AuthModel(exec=[helper])}, clock=lambda: now[0])
    assert found.resolve("lab").token == Secret("1")
    now[0] = 59
    assert found.resolve("lab").token == Secret("1")
    now[0] = 60
    assert found.resolve("lab").token == Secret("2")


def test_a_refusal_runs_it_again_but_not_for_every_target(
    tmp_path: Path, program: Callable[[str], str], target: Callable[..., Any]
) -> None:
    count = tmp_path / "count"
    helper = program(f"open({str(count)!r}, 'a').write('x')\nprint(json.dumps({{'token': 'same'}}))")
    now = [0.0]
    found = Credentials({"lab": AuthModel(exec=[helper])}, clock=lambda: now[0])
    version = found.resolve("lab").version
    for _ in range(5):
        assert found.renew("lab", target(), version) is None
    assert os.path.getsize(count) == 2
    now[0] = 10
    assert found.renew("lab", target(), version) is None
    assert os.path.getsize(count) == 3


def test_files_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    for text, message in [
        ("exec: []", "auths.lab.exec: at least one entry is needed"),
        ("exec: [a], password: env:X", "exec gives the password, token or schemes"),
        ("exec: [a], vault: b", "from exec or from vault, not from both"),
        ("exec: {command: [a], timeout: 5}", "auths.lab.exec.timeout: not a duration"),
        ("exec: {command: [a], shell: true}", "unknown key"),
    ]:
        path = tmp_path / "auths.yaml"
        path.write_text(f"auths:\n  lab: {{{text}}}\n")
        with pytest.raises(ConfigError) as raised:
            load_auths(path)
        assert message in str(raised.value)


def test_the_time_out_is_of_the_clock_and_not_of_silence(program: Callable[[str], str]) -> None:
    """One that drips output for ever ends all the same."""
    with pytest.raises(SecretError, match="did not end"):
        credentials(
            [program("while True:\n  print('.', end='', flush=True); time.sleep(0.05)")], timeout="500ms"
        ).resolve("lab")
