"""Credentials that no request of a scan could use are refused before a socket opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from fleet.assembly import PreparedScan, ScanOptions, call_operation, prepare
from fleet.errors import ConfigError, UsageError

Prepare = Callable[..., PreparedScan]
AUTHS = """\
auths:
  lab:
    username: root
    password: env:WORD
    match: site=a
  key: {token: env:WORD, match: site=b}
  typo: {schemes: {bsic: env:WORD}, match: site=c}
"""


@pytest.fixture(autouse=True)
def word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "c4nary")


def refused(prepared: Callable[[], PreparedScan]) -> str:
    with pytest.raises(ConfigError) as caught:
        prepared()
    assert "c4nary" not in str(caught.value)
    return str(caught.value)


def test_each_useless_credential_is_named_with_its_place(prepared: Prepare, folder: Path) -> None:
    (folder / "auths.yaml").write_text(AUTHS)
    said = refused(lambda: prepared("h1 site=a", "h2 site=b", "h3 site=c", auths_file="auths.yaml"))
    first, advice, second = said.splitlines()
    assert first == (
        "auths.yaml:6:3: auths.key: a token satisfies no operation of this plan: they take basic (basic)"
    )
    assert advice.strip() == "a user answers with `username:` and `password:`"
    assert second.strip().startswith("auths.yaml:7:3: auths.typo: a value for 'bsic' satisfies no operation")


def test_a_scheme_that_is_misspelt_is_guessed(prepared: Prepare, folder: Path) -> None:
    (folder / "auths.yaml").write_text(AUTHS)
    said = refused(lambda: prepared("h3 site=c", auths_file="auths.yaml"))
    assert "no security scheme is named 'bsic': did you mean 'basic'?" in said


def test_only_the_credentials_that_targets_get_are_judged(prepared: Prepare, folder: Path) -> None:
    (folder / "auths.yaml").write_text(AUTHS)
    scan = prepared("h1 site=a", "h2", auths_file="auths.yaml")
    assert scan.survey.auths == {"lab": 1}
    assert refused(lambda: prepared(auths_file="auths.yaml"))  # no target is named: any may come


def test_a_credential_of_the_spec_is_placed_there(folder: Path) -> None:
    text = (folder / "lamps.yaml").read_text()
    (folder / "lamps.yaml").write_text(text + "auths:\n  key:\n    token: env:WORD\n")
    line = text.count("\n") + 2
    said = refused(
        lambda: prepare(ScanOptions(sources=("h1",), spec="lamps.yaml"), prompt=lambda _prompt: "")
    )
    assert f"lamps.yaml:{line}:3: auths.key: a token satisfies no operation of this plan" in said


def test_the_flag_is_named_that_made_the_credential(folder: Path) -> None:
    text = (folder / "lamps-api.yaml").read_text()
    (folder / "lamps-api.yaml").write_text(
        text.replace("{type: http, scheme: basic}", "{type: apiKey, in: header, name: X-Key}")
    )
    options = ScanOptions(sources=("h1",), spec="lamps.yaml", user="root")
    said = refused(lambda: prepare(options, prompt=lambda _prompt: "c4nary"))
    assert said.startswith("--user root: a user and password satisfies no operation of this plan: they take")
    assert "basic (apiKey)" in said


def test_an_api_that_needs_nothing_uses_nothing(folder: Path) -> None:
    text = (folder / "lamps-api.yaml").read_text()
    (folder / "lamps-api.yaml").write_text(text.replace("security: [{basic: []}]\n", ""))
    (folder / "lamps.yaml").write_text((folder / "lamps.yaml").read_text().replace(", collection: true", ""))
    options = ScanOptions(sources=("h1",), spec="lamps.yaml", user="root")
    scan = prepare(options, prompt=lambda _prompt: "c4nary")
    assert "no operation of this plan takes a credential: command-line will not be used" in scan.notes


def test_one_alternative_is_enough_and_links_may_need_more(folder: Path) -> None:
    (folder / "lamps-api.yaml").write_text(
        """
openapi: 3.1.0
info: {title: Lamps, version: "2"}
components:
  securitySchemes:
    basic: {type: http, scheme: basic}
    key: {type: apiKey, in: header, name: X-Key}
    pass: {type: apiKey, in: header, name: X-Pass}
paths:
  /lamp: {get: {operationId: getLamp, responses: {}, security: [{key: [], pass: []}, {basic: []}]}}
  /rooms: {get: {operationId: getRooms, responses: {}, security: [{key: []}]}}
"""
    )
    (folder / "auths.yaml").write_text("auths: {half: {schemes: {pass: env:WORD}}}")

    def scanning(pipeline: str) -> PreparedScan:
        options = ScanOptions(sources=("h1",), spec="lamps.yaml", pipeline=pipeline, auths_file="auths.yaml")
        return prepare(options, prompt=lambda _prompt: "")

    assert "they take key (apiKey) and pass (apiKey), or basic (basic)" in refused(lambda: scanning("quick"))
    assert scanning("all"), "members are followed: an operation behind a link may take it"
    (folder / "auths.yaml").write_text("auths: {whole: {token: env:WORD}}")
    assert scanning("quick")


def test_a_call_is_judged_by_its_operation(folder: Path) -> None:
    text = (folder / "lamps-api.yaml").read_text()
    schemes = "{basic: {type: http, scheme: basic}, key: {type: apiKey, in: header, name: K}}"
    text = text.replace("{basic: {type: http, scheme: basic}}", schemes)
    text += "  /door: {get: {operationId: getDoor, security: [{key: []}], responses: {}}}\n"
    (folder / "lamps-api.yaml").write_text(text)
    (folder / "auths.yaml").write_text("auths: {key: {token: env:WORD}}")
    options = ScanOptions(sources=("h1",), spec="lamps.yaml", auths_file="auths.yaml")
    assert "auths.key" in refused(lambda: prepare(options, prompt=lambda _prompt: ""))
    assert prepare(options, prompt=lambda _prompt: "", called="getDoor").secrets


async def test_a_call_with_a_missing_parameter_says_so_once(folder: Path) -> None:
    text = (folder / "lamps-api.yaml").read_text() + (
        "  /room/{id}: {get: {operationId: getRoom, responses: {},"
        " parameters: [{name: id, in: path, required: true, schema: {type: string}}]}}\n"
    )
    (folder / "lamps-api.yaml").write_text(text)
    options = ScanOptions(sources=("127.0.0.1:1",), spec="lamps.yaml")
    scan = await anyio.to_thread.run_sync(
        lambda: prepare(options, prompt=lambda _prompt: "", called="getRoom")
    )
    with pytest.raises(UsageError) as caught:
        await call_operation(scan, "getRoom", {})
    assert str(caught.value) == "getRoom needs the parameter id"
