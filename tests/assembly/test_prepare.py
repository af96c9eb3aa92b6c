"""From options to a scan that is ready: numbers, names and targets are settled, and nothing is connected."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet.assembly import PreparedScan, ScanOptions, dry_run_of, prepare
from fleet.assembly.manifest import manifest_of, options_of
from fleet.errors import InventoryError, UsageError
from fleet.inventory import Shard
from fleet.policy import Policy, Rate, Timeouts
from fleet.target import Target

Prepare = Callable[..., PreparedScan]


def targets(scan: PreparedScan) -> list[Target]:
    def refuse(error: InventoryError) -> None:
        raise error

    return list(scan.targets(refuse))


def test_the_command_line_outranks_the_spec_which_outranks_the_defaults(prepared: Prepare) -> None:
    policy = prepared("h1").policy
    assert (policy.rate.per_target, policy.timeouts.connect, policy.timeouts.request) == (3, 2.0, 7.0)
    assert policy.timeouts.target == 90.0, "the pipeline's deadline"
    assert policy.timeouts.tls == Timeouts().tls
    given = Policy(timeouts=Timeouts(request=1.5, target=11.0), rate=Rate(per_target=1))
    policy = prepared("h1", policy=given, given=frozenset({"timeouts.request", "rate.per_target"})).policy
    assert (policy.rate.per_target, policy.timeouts.request) == (1, 1.5)
    assert policy.timeouts.target == 90.0, "a number that nobody gave is none"
    assert prepared("h1", pipeline="quick").policy.timeouts.target == 50.0


def test_plaintext_credentials_need_saying_so(prepared: Prepare) -> None:
    assert not prepared("h1").policy.tls.allow_plaintext_credentials
    assert prepared("h1", allow_plaintext_credentials=True).policy.tls.allow_plaintext_credentials


def test_file_secrets_start_at_the_file_that_names_them(prepared: Prepare, folder: Path) -> None:
    for place in ("here", "there"):
        (folder / place).mkdir()
        (folder / place / "word").write_text(f"from {place}\n")
        (folder / place / "word").chmod(0o600)
    (folder / "here" / "auths.yaml").write_text("auths: {lab: {username: u, password: file:word}}")
    (folder / "there" / "proxies.yaml").write_text(
        "proxies: {jump: {url: 'socks5h://j:1080', username: u, password: file:word, match: 'site=a'}}\n"
        "auths: {key: {schemes: {api: file:word}, match: 'site=b'}}"
    )
    scan = prepared("h1 site=a", auths_file="here/auths.yaml", proxies_file="there/proxies.yaml")
    (target,) = targets(scan)
    proxy = scan.bindings.proxy(target)
    assert proxy is not None
    assert proxy.password is not None
    assert proxy.password.reveal() == "from there"
    assert scan.bindings.credentials.resolve("lab").password.reveal() == "from here"
    assert scan.bindings.credentials.resolve("key").schemes["api"].reveal() == "from there"


def test_names_become_values_once(prepared: Prepare, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "s3cret")
    (folder / "auths.yaml").write_text(
        "auths: {lab: {username: u, password: env:WORD}}\nproxies: {jump: {url: 'http://j:3128'}}"
    )
    scan = prepared("h1 proxy=jump", "h2", "h3 proxy=direct", auths_file="auths.yaml", proxy="socks5://s:1")
    monkeypatch.delenv("WORD")
    found = targets(scan)
    assert [target.auth for target in found] == ["lab"] * 3
    assert [target.proxy for target in found] == ["jump", "socks5://s:1", None]
    assert scan.bindings.credential(found[0]) is scan.bindings.credential(found[1])
    assert [secret.reveal() for secret in scan.secrets] == ["s3cret"]
    assert "s3cret" not in repr(scan)


def test_a_path_of_the_api_behind_an_address_is_told(prepared: Prepare, folder: Path) -> None:
    (folder / "hosts.txt").write_text("h1\nhttps://h2/lamp\nhttps://h3/lamp\nhttps://h4/gateway/lamp\n")
    (note,) = prepared("hosts.txt").notes
    assert note == (
        "hosts.txt:2: https://h2/lamp: the path comes before the API's own: asked is /lamp/lamp; "
        "1 more have it too\n  pasted from a browser? write https://h2"
    )


def test_an_unknown_name_is_told_with_its_line(prepared: Prepare, folder: Path) -> None:
    (folder / "hosts.txt").write_text("h1\nh2 auth=nobody\n")
    scan = prepared("hosts.txt")
    assert scan.survey.total == 1
    assert any("hosts.txt:2" in note and "nobody" in note for note in scan.notes)
    with pytest.raises(InventoryError, match="nobody"):
        prepared("hosts.txt", strict_inventory=True)


def test_the_survey_counts_labels_proxies_and_credentials(prepared: Prepare) -> None:
    scan = prepared(
        "h[1-3] site=a", "h4 site=b proxy=socks5h://p:1", "h5 site=b", select=("site=*", "site!=c")
    )
    told = dry_run_of(scan)
    assert told["targets"] == scan.survey.total == 5
    assert told["labels"] == {"site=a": 3, "site=b": 2}
    assert told["proxies"] == {"direct": 4, "socks5h://p:1": 1}
    assert told["requests"] == 5 * scan.plan.minimum_requests == 10
    assert [(step["name"], step["fans_out"]) for step in told["steps"]] == [("lamp", False), ("rooms", True)]


def test_a_scan_that_follows_at_once_reads_its_few_targets_once(prepared: Prepare, folder: Path) -> None:
    (folder / "hosts.txt").write_text("h1 site=a\nh2\nh3 proxy=direct\n")
    again, once = prepared("hosts.txt"), prepared("hosts.txt", at_once=True)
    assert targets(once) == targets(again)
    (folder / "hosts.txt").write_text("h4\n")
    assert [target.id for target in targets(again)] == ["https://h4"]
    assert [target.id for target in targets(once)] == ["https://h1", "https://h2", "https://h3"]


@pytest.mark.parametrize(
    ("line", "options"),
    [("h2 auth=nobody", {}), ("h[1-10001]", {}), ("h2", {"shuffle": True})],
    ids=["a rejected line", "many", "shuffled"],
)
def test_targets_are_read_again_where_that_tells_more(
    prepared: Prepare, folder: Path, line: str, options: dict[str, Any]
) -> None:
    (folder / "hosts.txt").write_text(f"h1\n{line}\n")
    assert prepared("hosts.txt", at_once=True, **options).survey.targets is None


def test_every_selection_must_hold(prepared: Prepare) -> None:
    scan = prepared("h1 site=a rack=1", "h2 site=a rack=2", "h3 site=b rack=1", select=("site=a", "rack=1"))
    assert [target.url for target in targets(scan)] == ["https://h1"]


@pytest.fixture
def pipe() -> Callable[[str], str]:
    """A path that gives a text once, as `<(command)` does."""

    def piped(text: str) -> str:
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        return f"/dev/fd/{reading}"

    return piped


@pytest.mark.parametrize("option", ["sources", "exclude_files"])
def test_a_pipe_is_read_by_the_scan_alone(prepared: Prepare, pipe: Callable[[str], str], option: str) -> None:
    sources, options = ((pipe("h1\nh2\n"),), {}) if option == "sources" else (("h1", "h2", "h3"), {})
    more: dict[str, Any] = {"exclude_files": (pipe("h3\n"),)} if option == "exclude_files" else options
    scan = prepared(*sources, **more)
    assert scan.survey.total is None
    assert [target.url for target in targets(scan)] == ["https://h1", "https://h2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": ("h1",)}, "no targets in h1 that --exclude leaves"),
        ({"pins_file": "absent"}, "cannot read the pin file"),
        ({"auths_file": "absent"}, "absent: the file of credentials and proxies cannot be read"),
        ({"proxy": "nowhere"}, "no proxy is named 'nowhere'"),
        ({"pipeline": "al"}, "al"),
        ({"operation": "getLamp"}, "operations are chosen only for an API description"),
    ],
)
def test_what_cannot_be_resolved_is_refused(prepared: Prepare, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepared("h1", **options)


def test_a_missing_authority_is_refused(prepared: Prepare) -> None:
    policy = replace(Policy(), tls=replace(Policy().tls, ca_file="absent.pem"))
    with pytest.raises(UsageError, match=r"--cacert: there is no file absent\.pem"):
        prepared("h1", policy=policy)


def test_an_operation_is_chosen_from_a_description(folder: Path) -> None:
    assert (folder / "lamps-api.yaml").exists()
    options = ScanOptions(sources=("h1",), spec="lamps-api.yaml", operation="getRooms")
    plan = prepare(options, prompt=str).plan
    assert [operation.name for operation in plan.operations] == ["getRooms"]


def test_numbers_of_a_resume_replace_those_of_the_run(prepared: Prepare) -> None:
    first = ScanOptions(
        policy=Policy(rate=Rate(concurrency=9, per_target=1)), given=frozenset({"rate.per_target"})
    )
    again = first.tuned(Policy(rate=Rate(concurrency=4)), {"rate.concurrency"})
    assert again.policy.rate == Rate(concurrency=4, per_target=1)
    scan = prepared("h1", policy=again.policy, given=again.given)
    assert (scan.policy.rate.concurrency, scan.policy.rate.per_target) == (4, 1)


def test_a_dry_run_of_a_stream_counts_for_one_target(prepared: Prepare, pipe: Callable[[str], str]) -> None:
    told = dry_run_of(prepared(pipe("h1\nh2\n")))
    assert told["targets"] is None
    assert told["requests"] == 2


def test_a_dry_run_names_a_built_in_spec_and_not_its_place(prepared: Prepare, folder: Path) -> None:
    assert dry_run_of(prepared("h1"))["spec"] == f"Lamps ({folder / 'lamps.yaml'})"
    scan = prepare(ScanOptions(sources=("h1",), spec="redfish"), prompt=lambda _prompt: "")
    assert dry_run_of(scan)["spec"].endswith("(built-in 'redfish')")


def test_a_shard_is_a_part_of_the_targets_and_may_be_empty(prepared: Prepare) -> None:
    parts = [prepared("h[1-9]", shard=Shard(index, 3)) for index in range(3)]
    assert sum(part.survey.total or 0 for part in parts) == 9
    seen = [target.id for part in parts for target in targets(part)]
    assert sorted(seen) == [f"https://h{number}" for number in range(1, 10)]
    assert [prepared("h1", shard=Shard(index, 2)).survey.total for index in range(2)].count(0) == 1


def test_a_run_of_a_shard_goes_on_with_that_shard(prepared: Prepare) -> None:
    scan = prepared("h[1-9]", shard=Shard(2, 3))
    assert options_of(json.loads(json.dumps(manifest_of(scan)))).shard == Shard(2, 3)
