"""Vault's key/value store by its HTTP API, against a server that speaks it and one that lies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Answer, Asked, Site, serving

from fleet.errors import ConfigError, SecretError
from fleet.inventory import AuthModel, Credentials, SecretReader, VaultModel, load_auths
from fleet.secret import Secret

CANARY = "c4nary-in-vault"
TOKEN = "hvs.c4nary-token"


class FakeVault:
    """As much of Vault as is asked of it: KV v2 under `secret`, AppRole and Kubernetes logins."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, Any]] = {"bmc/racks": {"username": "scanner", "password": CANARY}}
        self.tokens = {TOKEN}
        self.logins = 0
        self.life = 3600
        self.lease = 0
        self.sealed = False
        self.other: Answer | None = None  # in place of every secret

    def __call__(self, asked: Asked) -> Answer:
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        path = asked.path.removeprefix("/v1/")
        if path.startswith("auth/"):
            return self.log_in(path, json.loads(asked.body))
        if asked.headers.get("x-vault-token") not in self.tokens:
            return 403, {"errors": ["permission denied", asked.headers.get("x-vault-token")]}
        if self.other is not None:
            return self.other
        name = path.removeprefix("secret/data/").partition("?")[0]
        if name not in self.secrets:
            return 404, {"errors": []}
        data = {"data": self.secrets[name], "metadata": {"version": 1, "destroyed": False}}
        return 200, {"lease_id": "", "lease_duration": self.lease, "renewable": False, "data": data}

    def log_in(self, path: str, body: dict[str, str]) -> Answer:
        good = {
            "auth/approle/login": {"role_id": "role", "secret_id": CANARY},
            "auth/k8s/login": {"role": "fleet", "jwt": CANARY},
        }
        if body != good.get(path):
            return 400, {"errors": ["invalid role or secret ID", json.dumps(body)]}
        self.logins += 1
        token = f"{TOKEN}-{self.logins}"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": self.life, "renewable": True}}


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def site(vault: FakeVault) -> Iterator[Site]:
    with serving(vault) as site:
        yield site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in (("token", TOKEN), ("secret-id", CANARY)):
        (tmp_path / name).write_text(value + "\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path


def credentials(
    site: Site, folder: Path, secret: Any, login: dict[str, Any] | None = None, **more: Any
) -> Any:
    clock = more.pop("clock", lambda: 0.0)
    model = AuthModel(vault=secret)
    where = VaultModel(address=site.url, **(login or {"token": "file:token"}), **more)
    reader = SecretReader(directory=folder, environ={"ROLE": "role"})
    return Credentials({"lab": model}, secrets=reader, vault=where, clock=clock)


def test_vault_gives_a_credential(site: Site, folder: Path) -> None:
    found = credentials(site, folder, "bmc/racks", namespace="ops").resolve("lab")
    assert (found.username, found.password) == ("scanner", Secret(CANARY))
    (asked,) = site.asked
    assert (asked.method, asked.path) == ("GET", "/v1/secret/data/bmc/racks")
    assert asked.headers["x-vault-token"] == TOKEN
    assert asked.headers["x-vault-namespace"] == "ops"


def test_the_keys_of_a_vault_secret_may_have_other_names(vault: FakeVault, site: Site, folder: Path) -> None:
    vault.secrets["api"] = {"key": "k", "user": "u", "pw": "p", "note": ["not", "read"]}
    secret = {"path": "/api/", "fields": {"username": "user", "password": "pw"}, "schemes": {"apiKey": "key"}}
    found = credentials(site, folder, {**secret, "version": 3}).resolve("lab")
    assert (found.username, found.password, found.schemes) == ("u", Secret("p"), {"apiKey": Secret("k")})
    assert site.paths == ["GET /v1/secret/data/api?version=3"]


def test_each_target_has_its_own_and_cannot_leave_its_path(
    vault: FakeVault, site: Site, folder: Path, target: Callable[..., Any]
) -> None:
    vault.secrets["bmc/bmc1/a%2F..%3F"] = {"username": "u", "password": "p"}
    found = credentials(site, folder, "bmc/{host}/{site}")
    assert found.own("lab")
    assert found.resolve("lab", target("https://bmc1", labels={"site": "a/..?"})).username == "u"
    with pytest.raises(SecretError, match="stands for no name"):
        found.resolve("lab", target("https://bmc2", labels={"site": ".."}))
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    "login",
    [
        {"approle": {"role_id": "env:ROLE", "secret_id": "file:secret-id"}},
        {"kubernetes": {"role": "fleet", "jwt": "file:secret-id", "mount": "k8s"}},
    ],
    ids=["approle", "kubernetes"],
)
def test_vault_is_logged_in_to_once_and_again_when_the_token_gets_old(
    vault: FakeVault,
    site: Site,
    folder: Path,
    target: Callable[..., Any],
    login: dict[str, Any],
) -> None:
    vault.secrets |= {f"bmc{n}": {"username": "u", "password": "p"} for n in range(3)}
    now = [0.0]
    found = credentials(site, folder, "{host}", login)
    found._open_vault("lab")._clock = lambda: now[0]
    for number in range(2):
        found.resolve("lab", target(f"https://bmc{number}"))
    assert vault.logins == 1
    now[0] = vault.life * 0.7
    found.resolve("lab", target("https://bmc2"))
    assert vault.logins == 2


def test_a_token_that_is_refused_is_replaced_once(vault: FakeVault, site: Site, folder: Path) -> None:
    vault.tokens = {"hvs.fresh"}
    found = credentials(site, folder, "bmc/racks")
    with pytest.raises(SecretError, match="403"):
        found.resolve("lab")
    assert len(site.asked) == 1, "the file says the same: nothing else to try"
    (folder / "token").write_text("hvs.fresh")
    assert found.resolve("lab").username == "scanner"


def test_a_revoked_token_of_a_login_leads_to_another_login(
    vault: FakeVault, site: Site, folder: Path, target: Callable[..., Any]
) -> None:
    login = {"approle": {"role_id": "env:ROLE", "secret_id": "file:secret-id"}}
    vault.secrets["bmc1"] = vault.secrets["bmc2"] = {"username": "u", "password": "p"}
    found = credentials(site, folder, "{host}", login)
    found.resolve("lab", target("https://bmc1"))
    vault.tokens.clear()
    assert found.resolve("lab", target("https://bmc2")).username == "u"
    assert vault.logins == 2


def test_a_lease_ends(vault: FakeVault, site: Site, folder: Path) -> None:
    vault.lease = 60
    now = [0.0]
    found = credentials(site, folder, "bmc/racks", clock=lambda: now[0])
    assert found.resolve("lab").password == Secret(CANARY)
    vault.secrets["bmc/racks"]["password"] = "rotated"
    now[0] = 59
    assert found.resolve("lab").password == Secret(CANARY)
    now[0] = 60
    assert found.resolve("lab").password == Secret("rotated")
    vault.sealed = True
    now[0] = 200
    assert found.resolve("lab").password == Secret("rotated"), "a sealed store costs nobody a credential"


def test_a_refusal_asks_again(vault: FakeVault, site: Site, folder: Path, target: Callable[..., Any]) -> None:
    found = credentials(site, folder, "bmc/racks")
    before = found.resolve("lab")
    assert found.renew("lab", target(), before.version) is None
    vault.secrets["bmc/racks"]["password"] = "rotated"
    assert found.renew("lab", target(), before.version) is None, "asked a moment ago"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ((404, {"errors": []}), "404"),
        ((500, {"errors": [CANARY]}), "500"),
        ((429, b""), "429"),
        ((200, b"<html>" + CANARY.encode()), "is not JSON"),
        ((200, [CANARY]), "is not a JSON object"),
        ((200, {"data": {"value": CANARY}}), "has no data"),
        ((200, {"data": {"data": None, "metadata": {"destroyed": True}}}), "has no data"),
        ((200, {"data": {"data": {"username": "u"}}}), "has no password, no token and no schemes"),
        ((200, {"data": {"data": {"username": "u", "password": {"a": CANARY}}}}), "password is not a text"),
        ((200, {"data": {"data": {"username": ["u"], "password": CANARY}}}), "username is not a text"),
        ((200, {"data": {"data": {"username": "u", "password": CANARY + "\r\nX: y"}}}), "more than one line"),
        ((200, b'{"a":' * 5000), "is not JSON"),
        ((200, b'{"a":"' + b"x" * 2_000_000 + b'"}'), "body.too_large"),
        ((307, b"to:http://127.0.0.1:1/steal"), "redirect.blocked"),
    ],
)
def test_a_hostile_answer_is_refused_and_not_repeated(
    vault: FakeVault, site: Site, folder: Path, other: Answer, message: str
) -> None:
    vault.other = other
    with pytest.raises(SecretError) as raised:
        credentials(site, folder, "bmc/racks").resolve("lab")
    assert message in str(raised.value)
    assert not any(secret in str(raised.value) for secret in (CANARY, TOKEN))


def test_one_that_is_sealed_or_away_says_so(vault: FakeVault, site: Site, folder: Path) -> None:
    vault.sealed = True
    with pytest.raises(SecretError, match=r"503\n.*sealed"):
        credentials(site, folder, "bmc/racks").resolve("lab")
    gone = Site("http://127.0.0.1:1")
    with pytest.raises(SecretError, match=r"vault: .*connect.refused"):
        credentials(gone, folder, "bmc/racks").resolve("lab")


def test_a_bad_login_does_not_repeat_what_it_sent(vault: FakeVault, site: Site, folder: Path) -> None:
    login = {"approle": {"role_id": "env:ROLE", "secret_id": "file:token"}}
    with pytest.raises(SecretError, match="auth/approle: 400") as raised:
        credentials(site, folder, "bmc/racks", login).resolve("lab")
    assert TOKEN not in str(raised.value)


def test_secrets_do_not_go_over_plain_http(folder: Path) -> None:
    for login in ({"token": "file:token"}, {"approle": {"role_id": "env:ROLE"}}):
        with pytest.raises(SecretError, match="plain HTTP"):
            credentials(Site("http://vault.example.invalid:8200"), folder, "a", login).resolve("lab")


def test_files_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    path = tmp_path / "auths.yaml"
    for text, message in [
        (
            "vault: {address: vault, token: env:T}",
            "vault.address: not an address of the form https://host:8200",
        ),
        ("vault: {address: 'https://u:p@v', token: env:T}", "vault.address"),
        ("vault: {address: 'https://v'}", "one of token, approle and kubernetes"),
        (f"vault: {{address: 'https://v', token: {CANARY}}}", "a secret cannot stand in the file"),
        ("vault: {address: 'https://v', tokn: env:T}", "did you mean 'token'?"),
    ]:
        path.write_text(text)
        with pytest.raises(ConfigError) as raised:
            load_auths(path)
        assert message in str(raised.value)
        assert CANARY not in str(raised.value)
    with pytest.raises(ConfigError, match="there is no `vault:` section"):
        Credentials({"lab": AuthModel(vault="a")}).resolve("lab")
