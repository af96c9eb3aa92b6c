"""What a configuration may say, and how it is told what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema_rs import validator_for

from fleet.errors import ConfigError, UsageError
from fleet.openapi import parse
from fleet.service import ServiceConfig, check, config_schema, load_config

ROOT = Path(__file__).parents[2]
JOB = "jobs:\n  one:\n    inventory: [127.9.9.9]\n    pipelines: [probe]\n"


def loaded(folder: Path, text: str) -> ServiceConfig:
    path = folder / "serve.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(folder, text)
    return str(caught.value)


def test_values_have_units(tmp_path: Path) -> None:
    text = JOB + "    every: 1m30s\n    rate: 100/m\n    retention: {age: 2d, bytes: 1.5gib}\n"
    job = loaded(tmp_path, text).jobs["one"]
    assert (job.every, job.rate) == (90.0, pytest.approx(100 / 60))
    assert (job.retention.age, job.retention.bytes) == (2 * 86400.0, int(1.5 * 1024**3))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("    evrey: 1m\n", "serve.yaml:5:5: jobs.one.evrey: unknown key 'evrey'\n  did you mean 'every'?"),
        ("    every: 60\n", "60 is not a duration"),
        ("    every: 1m\n    cron: '* * * * *'\n", "`every` or `cron`, not both"),
        ("    cron: 'a b c d e'\n", "is not a cron expression"),
        ("    cron: '0 15 3 * * *'\n", "has 6 fields: write minute hour day month weekday"),
        ("    every: 1ms\n", "a round begins every 100ms to"),
        ("    every: 99999999999d\n", "a round begins every"),
        ("notify: {url: 'http://[::1/'}\n", "not a URL that can be asked"),
        ("notify: {url: 'https://hook:99999/'}\n", "not a URL that can be asked"),
        ("notify: {url: 'https:///path'}\n", "not a URL that can be asked"),
        ("    cron: '0 0 * * *'\n    timezone: Mars/Base\n", "not a time zone"),
        ("    retention: {bytes: much}\n", "not a size"),
        ("    rate: fast\n", "not a rate"),
        ("    concurrency: 0\n", "0 is no number of targets: write 64, or auto"),
        ("    insecure: true\n    pins: p.txt\n", "contradict"),
        ("    outputs: ['-']\n", "outputs are files"),
        ("    concurrency: most\n", "jobs.one.concurrency: 'most' is no number of targets"),
        ("concurrency: 8\nprobe: {concurrency: 8}\n", "must leave rounds a part"),
        ("shard: 3/3\n", "shards count from 0"),
        ("listen: ['9815']\n", "not HOST:PORT"),
        ("notify: {url: 'ftp://x/'}\n", "notify.url"),
        ("notify: {url: 'https://x/', headers: {X: 'hunter2'}}\n", "must be env:NAME or file:PATH"),
    ],
)
def test_faults_are_placed_and_explained(tmp_path: Path, more: str, says: str) -> None:
    said = complaint(tmp_path, JOB + more)
    assert says in said and "serve.yaml:" in said
    assert "hunter2" not in said


def test_standard_input_is_no_inventory(tmp_path: Path) -> None:
    assert "not -" in complaint(tmp_path, JOB.replace("127.9.9.9", "'-'"))


def test_what_a_job_names_is_looked_for_and_the_job_is_named(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    for text, says in (
        (JOB.replace("probe", "prober"), "job 'one' of serve.yaml names it"),
        (JOB.replace("127.9.9.9", "gone.txt"), "gone.txt"),
        (JOB + "    auths: nowhere.yaml\n", "nowhere.yaml"),
        (JOB + "    caFile: nowhere.pem\n", "nowhere.pem"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            check(path)
        assert says in str(caught.value)


def test_a_secret_that_somebody_would_have_to_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "auths.yaml").write_text("auths: {a: {username: u, password: prompt}}\n")
    (tmp_path / "serve.yaml").write_text(
        JOB.replace("[probe]", "[health]") + "    auths: auths.yaml\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match="nobody to ask"):
        check(tmp_path / "serve.yaml")


def test_paths_start_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "hosts.txt").write_text("127.9.9.1\n127.9.9.2\n")
    (folder / "serve.yaml").write_text(JOB.replace("127.9.9.9", "hosts.txt"))
    monkeypatch.chdir(tmp_path)
    ready = check(Path("etc/serve.yaml"))
    assert len(ready.jobs["one"].members) == 2


def test_a_file_that_is_no_mapping_or_not_there(tmp_path: Path) -> None:
    assert "mapping of sections" in complaint(tmp_path, "- 1\n")
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "nowhere.yaml")


def test_the_published_schema_is_current_and_takes_the_example() -> None:
    published = json.loads((ROOT / "docs/reference/serve.schema.json").read_text(encoding="utf-8"))
    assert published == config_schema()
    example = parse((ROOT / "configs/serve.yaml").read_text(encoding="utf-8"))
    validator_for(published).validate(example)
    assert not validator_for(published).is_valid({**example, "jobz": {}})


def test_an_inventory_that_is_asked_is_found_from_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.sh").write_text("#!/bin/sh\necho 127.9.9.7 site=a\n")
    (tmp_path / "list.sh").chmod(0o700)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = tmp_path / "serve.yaml"
    path.write_text(JOB.replace("[127.9.9.9]", '["exec:./list.sh", 127.9.9.9]'), encoding="utf-8")
    ready = check(path)
    assert len(ready.jobs["one"].members) == 2
