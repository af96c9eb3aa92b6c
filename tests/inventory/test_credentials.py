"""Which credential a target gets, and what is behind its name."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.errors import ConfigError, InventoryError, SecretError
from fleet.inventory import AuthModel, Credentials, SecretReader, load_auths

CANARY = "canary-3f9c"

AUTHS = """\
auths:
  lab:
    username: root
    password: env:LAB
    match: {site: [lab, "test*"]}
  racks:
    username: env:RACKS_USER
    password: file:racks
    match: "host=10.0.0.0/24,rack!="
  cloud:
    token: env:TOKEN
    schemes: {apiKey: env:KEY}
  default:
    username: admin
    password: env:ADMIN
proxies:
  dc1:
    url: socks5h://proxy.dc1:1080
    username: scan
    password: env:PROXY
    match: site=dc1
"""
ENVIRON = {
    "LAB": "lab-pw",
    "RACKS_USER": "racker",
    "TOKEN": "t0ken",
    "KEY": "k3y",
    "ADMIN": "admin-pw",
    "PROXY": "proxy-pw",
}


@pytest.fixture
def auths(write: Callable[..., str], tmp_path: Path) -> Any:
    Path(write("racks", "racks-pw\n")).chmod(0o600)
    return load_auths(write("auths.yaml", AUTHS))


def reader(tmp_path: Path, **options: Any) -> SecretReader:
    return SecretReader(environ=ENVIRON, directory=tmp_path, **options)


def test_a_target_gets_its_own_then_a_rule_then_the_default(
    auths: Any, tmp_path: Path, target: Callable[..., Any]
) -> None:
    credentials = Credentials(auths.auths, secrets=reader(tmp_path))
    for given, name in [
        (target("https://h1", auth="cloud", labels={"site": "lab"}), "cloud"),
        (target("https://h1", labels={"site": "lab"}), "lab"),
        (target("https://10.0.0.9", labels={"site": "test3", "rack": "7"}), "lab"),
        (target("https://10.0.0.9", labels={"rack": "7"}), "racks"),
        (target("https://10.0.0.9"), "default"),
        (target("https://10.0.1.9", labels={"rack": "7"}), "default"),
    ]:
        assert credentials.choose(given)[0] == name
    assert credentials.names == ("lab", "racks", "cloud", "default")
    assert credentials.bindable() == ("lab", "racks", "default")


def test_a_name_resolves_to_its_values_once(auths: Any, tmp_path: Path) -> None:
    credentials = Credentials(auths.auths, secrets=reader(tmp_path))
    credentials.check()
    lab, racks, cloud = (credentials.resolve(name) for name in ("lab", "racks", "cloud"))
    assert lab.password and racks.password and cloud.token
    assert (lab.username, lab.password.reveal()) == ("root", "lab-pw")
    assert (racks.username, racks.password.reveal()) == ("racker", "racks-pw")
    assert (cloud.token.reveal(), cloud.schemes["apiKey"].reveal()) == ("t0ken", "k3y")
    assert credentials.resolve("lab") is lab
    assert "pw" not in f"{lab}{racks!r}{cloud}"


def test_a_secret_that_cannot_be_read_is_named(auths: Any, tmp_path: Path) -> None:
    credentials = Credentials(auths.auths, secrets=SecretReader(environ={}, directory=tmp_path))
    with pytest.raises(SecretError, match="the password of lab: environment variable LAB is not set"):
        credentials.check()
    with pytest.raises(SecretError, match="the token of cloud: environment variable TOKEN is not set"):
        credentials.check(["cloud"])


def test_unknown_names_come_with_a_guess(auths: Any, tmp_path: Path, target: Callable[..., Any]) -> None:
    credentials = Credentials(auths.auths, secrets=reader(tmp_path))
    with pytest.raises(InventoryError) as caught:
        credentials.choose(target(auth="lap", origin="hosts.txt:7"))
    assert str(caught.value) == "hosts.txt:7: no credential is named 'lap'\n  did you mean lab?"
    with pytest.raises(ConfigError, match="no credential is named 'zzz'"):
        credentials.resolve("zzz")
    with pytest.raises(InventoryError, match="there is no `auths:` section"):
        Credentials().choose(target(auth="lab"))


def model(**fields: Any) -> AuthModel:
    return AuthModel(**{"username": "root", "password": "env:LAB", **fields})


def test_the_default_is_the_marked_the_named_or_the_only_one(target: Callable[..., Any]) -> None:
    assert Credentials().choose(target())[0] is None
    assert Credentials({"only": model()}).choose(target())[0] == "only"
    assert Credentials({"only": model(match="site=a")}).choose(target())[0] is None
    assert Credentials({"a": model(), "b": model()}).choose(target())[0] is None
    assert Credentials({"a": model(), "b": model(default=True)}).choose(target())[0] == "b"
    with pytest.raises(ConfigError, match="two credentials are the default: a and b"):
        Credentials({"a": model(default=True), "b": model(default=True)})


def test_a_user_on_the_command_line_is_asked_for_once(target: Callable[..., Any]) -> None:
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return CANARY

    credentials = Credentials(secrets=SecretReader(prompt=ask), username="root")
    name = credentials.choose(target())[0]
    assert name is not None
    assert asked == []
    credentials.check()
    auth = credentials.resolve(name)
    assert auth.password is not None
    assert (auth.username, auth.password.reveal(), asked) == ("root", CANARY, ["Password of root: "])
    assert CANARY not in repr(auth) + str(credentials.__dict__)


def test_either_half_can_be_overridden(auths: Any, tmp_path: Path, target: Callable[..., Any]) -> None:
    user = Credentials(auths.auths, secrets=reader(tmp_path), username="other")
    auth = user.resolve("lab")
    assert auth.password is not None
    assert (auth.username, auth.password.reveal()) == ("other", "lab-pw")
    assert user.resolve("cloud").username is None
    password = Credentials(auths.auths, secrets=reader(tmp_path), password="env:ADMIN")
    auth = password.resolve("lab")
    assert auth.password is not None
    assert (auth.username, auth.password.reveal()) == ("root", "admin-pw")
    assert password.resolve("cloud").password is None
    both = Credentials(secrets=reader(tmp_path), username="other", password="env:ADMIN")
    auth = both.resolve(both.choose(target())[0] or "")
    assert auth.password is not None
    assert (auth.username, auth.password.reveal()) == ("other", "admin-pw")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "auths:\n  lab:\n    username: root\n    password: canary-3f9c\n",
            "4:5: auths.lab.password: a secret cannot stand in the file: "
            "write env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt",
        ),
        (
            "auths:\n  lab:\n    token: canary-3f9c\n",
            "3:5: auths.lab.token: a secret cannot stand in the file: "
            "write env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt",
        ),
        (
            "auths:\n  lab: {schemes: {key: canary-3f9c}}\n",
            "2:19: auths.lab.schemes.key: a secret cannot stand in the file: "
            "write env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt",
        ),
        (
            "auths:\n  lab:\n    username: root\n    passwort: canary-3f9c\n",
            "4:5: auths.lab.passwort: unknown key 'passwort'\n  did you mean 'password'?",
        ),
        ("auth: {canary-3f9c: 1}\n", "1:1: auth: unknown key 'auth'\n  did you mean 'auths'?"),
        (
            "auths:\n  lab: {username: root}\n",
            "2:3: auths.lab: a username needs a password; to be asked for it: `password: prompt`",
        ),
        ("auths:\n  lab: {password: 'env:X'}\n", "2:3: auths.lab: a password needs a username"),
        (
            "auths:\n  lab: {}\n",
            "2:3: auths.lab: a credential needs a username and a password, a token, schemes, exec or vault",
        ),
        (
            "auths:\n  lab: {token: 'env:X', match: host=10.0.0.5/24}\n",
            "2:25: auths.lab.match: 10.0.0.5/24 has host bits set",
        ),
        (
            "auths:\n  'a b': {token: 'env:X'}\n",
            "2:3: auths.a b: a name is letters, digits, `_`, `.` and `-`",
        ),
        (
            "proxies:\n  dc1: {url: 'socks5://u:canary-3f9c@p:1'}\n",
            "2:9: proxies.dc1.url: a proxy URL cannot carry a user or a password (define it under `proxies:` "
            "with username and password (env:NAME, file:PATH), and use its name)",
        ),
        (
            "proxies:\n  dc1: {url: 'socks5://p:1', password: 'env:X'}\n",
            "2:3: proxies.dc1: a password needs a username",
        ),
        ("- canary-3f9c\n", "1:1: not a mapping with auths: or proxies:"),
    ],
)
def test_a_bad_file_says_where_and_never_what(write: Callable[..., str], text: str, message: str) -> None:
    path = write("auths.yaml", text)
    with pytest.raises(ConfigError) as caught:
        load_auths(path)
    separator = ":" if message[0].isdigit() else ": "
    assert str(caught.value) == f"{path}{separator}{message}"
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert CANARY.encode() not in pickle.dumps(caught.value)


def test_a_file_that_is_not_there_or_not_yaml_says_so(write: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_auths(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_auths(write("auths.yaml", "auths: [\n"))


def test_models_never_show_what_they_refused() -> None:
    with pytest.raises(ValueError, match="a secret cannot stand in the file") as caught:
        AuthModel(username="root", password=CANARY)
    assert CANARY not in str(caught.value) + repr(caught.value)
