"""What hosts say is text in every form of a comparison: no markup, no escape, no formula, no mention."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import termios
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pairs import Record, target, write

from fleet.cli.entry import run

CANARY = "canary-fired"
TEXTS = (
    f"<script>document.title='{CANARY}'</script>",
    f"<img src=x onerror=\"document.title='{CANARY}'\">",
    f"</script><script>document.title='{CANARY}'</script>",
    f"'\" autofocus onfocus=document.title='{CANARY}' x='",
    "</title></style><!--",
    "\x1b]52;c;eA==\x07\x1b[31mred",
    "\u202egnp.exe\u2066\u200b\u2028",
    '=HYPERLINK("http://evil","x")',
    "+1+cmd|' /C calc'!A0",
    "[link](javascript:alert(1)) @everyone `code` | cell",
    "[link=http://evil]x[/link] [bold]",
    "A" * 1_000_000,
    "${env:HOME} {{7*7}} {0.__class__}",
)
UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069]")
FORMS = ("text", "json", "csv", "html", "md")


def hostile(at: int, turn: str) -> Record:
    """A target of which everything that a host or an inventory may say is a hostile text; `turn` makes its
    values of one run."""
    text = TEXTS[at % len(TEXTS)]
    row = {"@uri": text, "@key": text + turn, "serial": text + turn, text: text, "model": text}
    changed = {"@uri": text + "/1", "@key": "K", "model": text, "field": text + turn, text[:300]: turn + text}
    double = {"@uri": text + turn, "@key": text, "name": text}
    below = {"@uri": f"/{turn}", "@parent": [text, 0], "@key": text + turn + "!", "id": text + turn + "!"}
    status = ("ok", "partial", "failed")[at % 3] if turn == "b" else "ok"
    failure = {"kind": text, "message": text, "step": text, "uri": text, "attempts": 1}
    record = target(
        text + (turn if at % 5 == 0 else ""), status,
        [{"step": f"skipped {text}", "why": text, "uri": text}] if turn == "b" else [],
        **{
            text: {"complete": turn == "a", "rows": [row]},
            f"{text}.x": {"complete": True, "rows": [changed, double, double]},
            f"below {text}": {"complete": True, "rows": [below]},
            "all": {"complete": True, "rows": [{"@uri": "/", "mood": "calm"}, {"@uri": text, "mood": text}]},
            f"skipped {text}": {"complete": True, "rows": [row] if turn == "a" else []},
        },
    )  # fmt: skip
    errors = [failure] if status != "ok" else []
    return {**record, "failure": failure if status == "failed" else None, "errors": errors, "proxy": text,
            "labels": {"site": text, text[:200]: text}}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("hostile")
    made = [
        write(folder / f"{turn}.jsonl", (hostile(at, turn) for at in range(len(TEXTS))))
        for turn in ("a", "b")
    ]
    return [str(path) for path in made]


def command(files: list[str], within: bool) -> list[str]:
    if not within:
        return ["diff", *files, "--ignore", f"{TEXTS[5]}*.serial", "--where", "target != 'x'"]
    return ["diff", "--within", files[0], "--step", "all", "--by", "site", "--field", "mood"]


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_no_form_moves_the_cursor(
    files: list[str], form: str, within: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command(files, within), "--format", form]) == 1
    told = capsys.readouterr()
    assert not UNSAFE.search(told.out + told.err)
    if form not in ("json", "csv"):
        assert len(told.out) < 400_000


def test_csv_cells_are_no_formulas(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", *files, "--format", "csv"]) == 1
    csv.field_size_limit(2_000_000)
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    cells = {cell for row in rows for cell in row}
    assert [
        cell[:20] for cell in cells if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    ] == []
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert max(map(len, cells)) < 40_000


def test_markdown_holds_no_markup_of_others(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", *files, "--format", "md", "--limit", "100"]) == 1
    text = re.sub(r"`[^`\n]*`", "", capsys.readouterr().out)
    assert "<" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "@everyone" not in text


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("within", [False, True])
def test_a_terminal_gets_no_sequence_but_colours(files: list[str], width: int, within: bool) -> None:
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    with (
        subprocess.Popen(
            [sys.executable, "-c", code, *command(files, within)],
            stdout=theirs,
            env=environment | {"TERM": "xterm-256color"},
        ) as process,
        os.fdopen(ours, "rb", buffering=0) as screen,
    ):
        os.close(theirs)
        told = b""
        try:
            while block := screen.read(65_536):
                told += block
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        assert process.wait(timeout=60) == 1
    text = re.sub(r"\x1b\[[0-9;]*m", "", told.decode())
    assert "stray" in text or "differences = " in text
    assert not UNSAFE.search(text)


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


OURS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "svg", "g",
    "rect", "ul", "li", "b", "nav", "main", "section", "div", "article", "span", "dl", "dt", "dd", "code",
    "table", "thead", "tbody", "tr", "th", "td", "button", "footer", "script",
}  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["between", "within"])
def page(files: list[str], tmp_path_factory: pytest.TempPathFactory, request: Any) -> Path:
    place = tmp_path_factory.mktemp("page") / "page.html"
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", code, *command(files, request.param), "--format", "html"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    place.write_bytes(ended.stdout)
    return place


def test_the_page_holds_only_our_elements_and_lets_nothing_run(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parsed = Page()
    parsed.feed(text)
    assert {tag for tag, _ in parsed.elements} <= OURS
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "xlink:href")]
    hrefs = [attributes["href"] or "" for _, attributes in parsed.elements if "href" in attributes]
    assert all(href.startswith("#") for href in hrefs)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert not UNSAFE.search(text)


def test_a_browser_fires_no_canary(page: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no chromium here: that the page is inert is held by its parsing alone")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr"
    )
    ended = subprocess.run(
        [browser, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>([^<]*)</title>", ended.stdout)
    assert title is not None
    assert title[1] != CANARY
    shown = Page()
    shown.feed(ended.stdout)
    assert {tag for tag, _ in shown.elements} <= OURS
    assert ' class="n"' in ended.stdout  # the script ran: its digest is right
    assert "Content Security Policy" not in ended.stderr


def test_the_json_is_whole(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Values are cut, so that one host cannot make it as large as it likes; its bytes are ASCII."""
    assert run(["diff", *files, "--format", "json"]) == 1
    told = capsys.readouterr().out
    assert told.isascii()
    changes = [change for field in json.loads(told)["fields"] for change in field["changes"]]
    assert max(len(str(change["before"])) for change in changes) < 300
