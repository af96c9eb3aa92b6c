"""Tab, in real shells: what is offered, how little is imported for it, and that mistakes say nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.engine import RunDirectory
from fleet.observe import Tally
from fleet.outcome import Outcome, StepRows

FLEET = Path(sys.executable).parent / "fleet"
HEAVY = {
    "fleet.assembly", "fleet.client", "fleet.openapi", "fleet.pipeline", "httpx", "jmespath", "jsonschema_rs",
    "prometheus_client", "pydantic", "structlog", "yaml",
}  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one run, and the script for bash."""
    folder = tmp_path_factory.mktemp("here")
    run = RunDirectory.create(folder / "runs" / "20261122-1542-k7q", manifest={"options": {}})
    outcome = Outcome(
        run="r", id="h1", target="https://h1", status="ok", started="2026-11-22T15:42:00Z", seconds=1,
        labels={"site": "a", "rack": "7"},
        steps={"root": StepRows(True), "system": StepRows(True, ({"id": "1", "model": "R1"},))},
    )  # fmt: skip
    import orjson

    tally = Tally()
    tally.add(outcome)
    run.journal.write_bytes(orjson.dumps(outcome.to_json()) + b"\n")
    run.atomic_write("summary.json", orjson.dumps(tally.to_json()))
    run.close()
    (folder / "runs" / "latest").symlink_to(run.path.name, target_is_directory=True)
    with (folder / "completion.bash").open("wb") as script:
        subprocess.run([FLEET, "completion", "bash"], env=environment(folder), stdout=script, check=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    path = f"{FLEET.parent}:/usr/local/bin:/usr/bin:/bin"
    return {"HOME": str(folder), "PATH": path, "LANG": "C", "XDG_STATE_HOME": str(folder / "state")}


def bash(folder: Path, *words: str) -> tuple[list[str], str]:
    """What bash offers after these words, and what was said on standard error."""
    script = (
        'source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n'
        "compopt() { :; }; _fleet_completion fleet; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ended = subprocess.run(
        ["/bin/bash", "-c", script, "bash", "fleet", *words],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ended.stdout.split(), ended.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], ["resume", "report"]),
        (["report", "--htm"], ["--html"]),
        (["show", ""], ["latest", "previous", "20261122-1542-k7q"]),
        (["show", "20261122", "sy"], ["system"]),
        (["report", "20261122", "--by", "site,r"], ["site,rack"]),
        (["resume", "latest", "--kind", "tls.expired,timeout.c"], ["tls.expired,timeout.connect"]),
        (["scan", "--spec", "red"], ["redfish"]),
        (["scan", "--spec", "redfish", "--pipeline", "he"], ["health"]),
        (["scan", "--operation", "getServiceR"], ["getServiceRoot"]),
        (["scan", "--pace", ""], ["gentle", "normal", "fast"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
    ids=" ".join,
)
def test_bash_offers(here: Path, words: list[str], offered: list[str]) -> None:
    found, said = bash(here, *words)
    assert set(offered) <= set(found)
    assert said == ""


@pytest.mark.parametrize(
    "words",
    [
        ["nothing", ""],
        ["show", "no-such-run", "s"],
        ["scan", "--spec", "no/such.yaml", "-p", ""],
        ["report", "\x1b", ""],
    ],
    ids=repr,
)
def test_what_is_wrong_is_no_answer_and_says_nothing(here: Path, words: list[str]) -> None:
    found, said = bash(here, *words)
    assert said == ""
    assert "Traceback" not in " ".join(found)


@pytest.mark.parametrize(
    "words", ["fleet re", "fleet show ", "fleet resume latest --kind t", "fleet scan -p "]
)
def test_little_is_imported_for_an_answer(here: Path, words: str) -> None:
    code = (
        "import sys\nfrom fleet.cli import main\n"
        "try:\n main()\nfinally:\n print(*sys.modules, file=sys.stderr)"
    )
    asked = {
        "_FLEET_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here,
        env=environment(here) | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith("plain,")
    assert HEAVY & set(ended.stderr.split()) == set()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_the_script(here: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here: its script is only printed")
    line = (
        "fleet completion zsh | zsh -n"
        if shell == "zsh"
        else ("fleet completion fish | source; complete -C 'fleet resume latest --kind tls.exp'")
    )
    ended = subprocess.run(
        [shell, "-c", line],
        cwd=here,
        env=environment(here) | {"TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert shell == "zsh" or "tls.expired" in ended.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_says_where_it_goes(here: Path, shell: str) -> None:
    ended = subprocess.run(
        [FLEET, "completion", shell],
        env=os.environ | environment(here),
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"fleet completion {shell} >" in ended.stdout
    assert "_FLEET_COMPLETE" in ended.stdout
    assert shell != "zsh" or ended.stdout.startswith("#compdef fleet\n")


def test_conditions_and_columns_are_offered(here: Path) -> None:
    assert bash(here, "scan", "hosts.txt", "--select", "")[0][:3] == ["site=", "rack=", "id="]
    assert bash(here, "scan", "hosts.txt", "--select", "site=a,ra")[0] == ["site=a,rack="]
    assert bash(here, "show", "latest", "system", "--columns", "")[0] == ["id", "model"]
    assert bash(here, "show", "latest", "system", "--columns", "id,mo")[0] == ["id,model"]
    assert bash(here, "show", "latest", "root", "--columns", "")[0] == []
