"""The command itself: light to start, helpful when wrong, one status per sort of error."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import fleet
from fleet.cli.entry import COMMANDS, run
from fleet.cli.errors import report_error
from fleet.cli.shell import Shell, from_here
from fleet.errors import (
    ConfigError,
    RequestFailed,
    SecretError,
    SinkError,
    SpecError,
    TryAgain,
    UsageError,
)
from fleet.outcome import FailureKind

# Of other people's packages the help needs one; of the standard library not what only a scan needs.
HELP_IMPORTS = {"click", "fleet"}
SCAN_ONLY = {"asyncio", "concurrent", "ctypes", "multiprocessing", "sqlite3", "ssl", "unittest"}


def fleet_command(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **more,
    )


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from fleet.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    bare = "import sys; print(*sys.modules, file=sys.stderr)"  # what the interpreter itself brings along
    there, imported = (
        {
            name.partition(".")[0]
            for name in subprocess.run(
                [sys.executable, "-c", text], capture_output=True, text=True, check=True
            ).stderr.split()
        }
        for text in (bare, code)
    )
    new = imported - there
    assert new - sys.stdlib_module_names == HELP_IMPORTS
    assert sorted(new & SCAN_ONLY) == []


def test_a_scan_whose_spec_was_checked_before_imports_only_what_it_asks_with(tmp_path: Path) -> None:
    scan = ["scan", "127.0.0.1:1", "--quiet", "--workers", "1", "--run-dir", str(tmp_path / "run")]
    code = f"import sys; from fleet.cli import main; main({scan}); print(*sys.modules)"
    for _ in range(2):  # the first checks the spec, and keeps it
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        told = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        imported = {name.partition(".")[0] for name in told.stdout.split()}
    assert {"anyio", "jmespath", "orjson"} <= imported
    assert sorted(imported & {"httpx", "pydantic", "pydantic_core", "rich", "yaml"}) == []


def test_help_names_every_command_and_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in shown
    assert "Exit status:" in shown
    assert "fleet scan hosts.txt" in shown


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"sim", "inventory", "tls"}])
def test_every_command_has_help_in_sections_with_lines_that_fit(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert shown.startswith(f"Usage: fleet {name}")


def test_scan_help_is_grouped_and_ends_in_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "--help"]) == 0
    shown = capsys.readouterr().out
    titles = [line for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert " ".join(titles) == (
        "What to ask: Targets: Access: Pressure: Results: Watching: Other options: Examples:"
    )
    assert "--password" not in shown


def test_the_version_names_what_it_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"fleet {fleet.__version__}\n"
    assert run(["version"]) == 0
    assert "OpenSSL" in capsys.readouterr().out


def test_a_mistyped_command_gets_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scna"]) == 2
    assert "Did you mean 'scan'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--password", "hunter2"], ["--password=hunter2"], ["--password"]])
def test_there_is_no_password_flag(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "hosts.txt", *arguments]) == 2
    told = capsys.readouterr()
    assert "hunter2" not in told.out + told.err
    assert "--auths FILE" in told.err
    assert "--user NAME" in told.err


def test_a_password_in_user_is_refused_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "hosts.txt", "--user", "root:hunter2"]) == 2
    told = capsys.readouterr()
    assert "hunter2" not in told.out + told.err
    assert "asks for the password once" in told.err


def test_a_scan_without_targets_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan"]) == 2
    assert "no targets: name an inventory file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (UsageError("no such thing"), 2, "fleet: no such thing"),
        (
            SpecError("unknown step", file="a.yaml", line=3, column=5, hint="did you mean x?"),
            2,
            "a.yaml:3:5: unknown",
        ),
        (SecretError("env:X is not set"), 2, "env:X"),
        (SinkError("disk full"), 74, "disk full"),
        (TryAgain("locked"), 75, "locked"),
        (RequestFailed(FailureKind.CONNECT_REFUSED, "no"), 1, "connect.refused: no\n  check the port"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (click.UsageError("bad flag"), 2, "bad flag"),
        (KeyError("x"), 70, "internal error: KeyError: 'x'"),
        (FileNotFoundError(2, "gone"), 70, "internal error: FileNotFoundError"),
        (MemoryError(), 75, "there is no memory left"),
        (OSError(errno.EMFILE, "Too many open files", "x.py"), 75, "too many files are open"),
        (RuntimeError("can't start new thread"), 75, "no further thread may be started"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), 2, "cannot use a/b: Permission denied"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "\x1b[2Jx"), 2, "cannot use \\x1b[2Jx: File name"),
        (PermissionError(errno.EACCES, "Permission denied"), 70, "internal error: PermissionError"),
        (ExceptionGroup("g", [TryAgain("later"), SinkError("full")]), 74, "full"),
        (ExceptionGroup("g", [SinkError("full"), ExceptionGroup("h", [KeyError("bug")])]), 70, "bug"),
        (BaseExceptionGroup("g", [KeyboardInterrupt(), ConfigError("wrong")]), 2, "wrong"),
    ],
)
def test_errors_become_statuses(
    error: BaseException, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_error(error, Shell()) == status
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told


def test_a_home_that_nobody_has_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError) as caught:
        Path("~no such user/x").expanduser()
    assert report_error(caught.value, Shell()) == 2
    assert "a path begins with ~" in capsys.readouterr().err


def test_a_user_without_an_entry_or_a_home_has_runs(tmp_path: Path) -> None:
    """As in a container that is run under any number: there is no other place than this folder."""
    unshare = shutil.which("unshare")
    start = [unshare or "", "-U", "--map-user=54321"]
    if unshare is None or subprocess.run([*start, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces")
    command = [*start, sys.executable, "-c", "from fleet.cli import main; raise SystemExit(main())"]
    homeless = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME")}
    (tmp_path / "shut").mkdir(mode=0)
    for arguments, says in (
        (["report"], "there is no run"),
        (["runs"], "no runs"),
        (["report", "shut/run"], "cannot use shut/run: Permission denied"),
        (["inventory", "count", "shut/hosts.txt"], "cannot read shut/hosts.txt: permission denied"),
    ):
        ended = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=homeless, capture_output=True, text=True, check=False
        )
        assert says in ended.stderr
        assert "internal" not in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "x" * 256],
        ["scan", "127.0.0.1", "--run-dir", "x" * 256],
        ["scan", "127.0.0.1", "--spec", "x" * 256],
        ["scan", "127.0.0.1", "--cacert", "x" * 256],
        ["check", "x" * 256],
        ["tls", "learn", "127.0.0.1", "-o", "x" * 256],
    ],
)
def test_a_place_of_no_use_is_no_bug(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) in (2, 74)
    told = " ".join(capsys.readouterr().err.split())
    assert "File name too long" in told
    assert "internal" not in told


@pytest.mark.parametrize("command", [["runs"], ["report"], ["spec", "validate", "api.yaml"]])
def test_a_working_directory_that_is_gone_is_no_bug(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run(command) == 2
    assert "the working directory is there no more" in capsys.readouterr().err


def test_an_internal_error_shows_its_traceback_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fleet.secret import Secret

    monkeypatch.setenv("FLEET_DEBUG", "1")
    shell = Shell()
    shell.redactor.learn(Secret("hunter2!"))
    try:
        raise ValueError("login with hunter2! \x1b[2J failed")
    except ValueError as error:
        assert report_error(error, shell) == 70
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "hunter2!" not in told
    assert "\x1b" not in told


def test_hostile_text_in_an_error_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    report_error(UsageError("line \x1b]52;c;x\x07 [bold]b[/bold]"), Shell())
    assert capsys.readouterr().err == "fleet: line \\x1b]52;c;x\\x07 [bold]b[/bold]\n"


def test_whoever_reads_our_output_may_stop() -> None:
    code = "import sys; from fleet.cli import main; sys.exit(main(['scan', '--help']))"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_quiet_silences_what_is_said_and_not_what_is_wrong() -> None:
    class Heard(Shell):
        heard = io.StringIO()

        @property
        def errors(self) -> io.StringIO:
            return self.heard

    shell = Heard(quiet=True)
    shell.say("hello")
    shell.complain("broken")
    assert shell.heard.getvalue() == "broken\n"


def test_paths_below_the_working_directory_are_written_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_here(f"fleet: {tmp_path}/api.yaml:5:5: wrong") == "fleet: api.yaml:5:5: wrong"
    assert from_here(f"'{tmp_path}/a/b.yaml#/c' leads nowhere") == "'a/b.yaml#/c' leads nowhere"
    assert from_here(f"https://host{tmp_path}/api.yaml") == f"https://host{tmp_path}/api.yaml"
    assert from_here(f"{tmp_path}: not a regular file") == f"{tmp_path}: not a regular file"
    assert from_here(f"{tmp_path}more/api.yaml") == f"{tmp_path}more/api.yaml"


class Terminal(io.StringIO):
    """A standard error that a person reads."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_breaks_messages_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stderr", Terminal())
    Shell().complain("fleet: one two three four\n  hint: five six seven\n" + "x" * 25)
    assert sys.stderr.getvalue() == (
        "fleet: one two three\n  four\n  hint: five six\n  seven\n" + "x" * 25 + "\n"
    )
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    Shell().complain("fleet: one two three four")
    assert sys.stderr.getvalue() == "fleet: one two three four\n"


def test_what_there_is_one_of_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "api.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"
        "paths: {/a: {get: {operationId: a, responses: {'200': {description: d}}}}}\n"
    )
    (tmp_path / "spec.yaml").write_text(
        "fleet: '1'\ninfo: {title: T}\napi: api.yaml\nfixups:\n"
        "  - {at: /paths/*/get, add: {summary: s}}\n  - {at: /gone, drop: [x]}\n"
        "steps: {s: {operation: a, outputs: {b: b}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run(["check", "spec.yaml"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "1 place of the description repaired by 1 fixup",
        "spec.yaml:6:5: warning: fixup 2 (/gone) repaired nothing: in 1 document",
        "spec         T (spec.yaml): valid; pipeline all, 1 step",
    ]


def test_plugins_of_pydantic_see_no_files(tmp_path: Path) -> None:
    """One is installed that says so when it is loaded."""
    (tmp_path / "spy.py").write_text(
        "print('the plugin is here')\ndef new_schema_validator(*_, **__): return None, None, None\n"
    )
    installed = tmp_path / "spy-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: spy\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[pydantic]\nspy = spy\n")
    there = {**os.environ, "PYTHONPATH": str(tmp_path)}
    loaded = subprocess.run(
        [sys.executable, "-c", "import pydantic\nclass A(pydantic.BaseModel): a: int"],
        env=there, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "the plugin is here" in loaded.stdout
    ended = fleet_command("check", "redfish", env=there)
    assert ended.returncode == 0
    assert "the plugin is here" not in ended.stdout


def test_a_command_leaves_the_environment_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    assert run(["version"]) == 0
    assert dict(os.environ) == before


def test_ctrl_c_before_a_command_begins_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, "scan"], capture_output=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
