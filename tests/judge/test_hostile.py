"""What hosts, inventories and specs say is text in every form: no markup, no escape, no formula."""

from __future__ import annotations

import csv
import fcntl
import io
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
from xml.etree import ElementTree

import pytest
from planted import plant
from test_checks import held_by_sarif, held_by_the_schemas

from fleet.cli.entry import run

CANARY = "canary-fired"
TEXTS = (
    f"<script>document.title='{CANARY}'</script>",
    f"<img src=x onerror=\"document.title='{CANARY}'\">",
    f"</script><script>document.title='{CANARY}'</script>",
    f"'\" autofocus onfocus=document.title='{CANARY}' x='",
    "</title></style><!-- ]]> &amp; &#0; ]]",
    "\x1b]52;c;eA==\x07\x1b[31mred\x00\x08\ufffe\uffff",
    "\u202egnp.exe\u2066\u200b\u2028\x85",
    '=HYPERLINK("http://evil","x")',
    "[link](javascript:alert(1)) @everyone `code` | cell",
    "[link=http://evil]x[/link] [bold]",
    "A" * 100_000,
    "${env:HOME} {{7*7}} {0.__class__}",
    "   ",
)
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def poisoned(record: dict[str, Any]) -> dict[str, Any]:
    """Everything that may have been said by others is a hostile text."""
    number = int(record["labels"]["serial"][2:])
    text = TEXTS[number % len(TEXTS)]
    result = ("fail", "unknown", "waived", "pass", text)[number % 5]
    row = {
        "@uri": text,
        "@key": text,
        text: text,
        "model": text,
        "bios": text,
        "maker": text,
        "firmware": text,
    }
    check = {
        "check": text, "result": result, "severity": text, "row": ["system", 0], "message": text,
        "lookup": {text: text}, "waiver": {"reason": text, "until": text},
    }  # fmt: skip
    violation = {
        "pointer": text, "rule": text, "uri": text, "operation": text, "expected": text, "actual": text,
    }  # fmt: skip
    return {
        **record, "id": text + str(number), "labels": {"site": text, text[:200]: "x"},
        "steps": {"system": {"complete": True, "rows": [row]}, text: {"complete": False, "rows": [row]}},
        "checks": [check, {**check, "row": text}, {**check, "row": [text, 10**9]}],
        "violations": [violation, {"pointer": text, "rule": text, "uri": text}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "r"
    plant(path, hosts=5 * len(TEXTS), edit=poisoned)
    manifest = json.loads((path / "manifest.json").read_text())
    rule = {
        "step": TEXTS[0], "severity": TEXTS[1], "message": TEXTS[2], "assert": TEXTS[3],
        "by": list(TEXTS[:7]), "reads": ["bios", *TEXTS],
        "waivers": [{"reason": text, "until": text} for text in TEXTS],
    }  # fmt: skip
    manifest["checks"] = dict.fromkeys(TEXTS, rule)
    manifest["description"] |= {"title": TEXTS[0], "version": TEXTS[5]}
    (path / "manifest.json").write_text(json.dumps(manifest))
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    caught = capsys.readouterr()
    assert not UNSEEN.search(caught.err)
    return caught.out


@pytest.mark.parametrize("command", ["checks", "conformance"])
@pytest.mark.parametrize("form", ["", "json", "csv", "md"])
def test_no_form_acts_on_who_reads_it(
    hostile: Path, command: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, command, str(hostile), *(["--format", form] if form else []))
    assert not UNSEEN.search(out.replace("\r\n", "\n"))
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
        assert not [cell for cell in cells if cell.lstrip(" ").startswith(("=", "+", "-", "@"))]
        assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    if form == "md":
        text = re.sub(r"`[^`\n]*`", "", out)
        assert "<" not in text
        assert not re.search(r"(?<!\\)\]\(", text)
        assert "@everyone" not in text
    if form in ("", "md"):
        assert max(map(len, out.splitlines())) < 40_000


@pytest.mark.parametrize("command", ["checks", "conformance"])
@pytest.mark.parametrize("width", [40, 200])
def test_a_terminal_gets_no_sequence_but_colours(hostile: Path, command: str, width: int) -> None:
    """The real thing: a pseudo-terminal, where rich writes escapes of its own."""
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    with (
        subprocess.Popen(
            [sys.executable, "-c", code, command, str(hostile)],
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
        assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", told.decode()).replace("\r\n", "\n")
    assert "targets" in text
    assert not UNSEEN.search(text)


def test_xml_is_well_formed_and_holds_no_element_of_others(
    hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, "checks", str(hostile), "--format", "junit")
    held_by_the_schemas(ElementTree.fromstring(out))
    assert not UNSEEN.search(out)
    assert "<script" not in out
    assert "<!" not in out.partition("?>")[2]


def test_sarif_is_what_its_schema_says(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "checks", str(hostile), "--format", "sarif")
    held_by_sarif(json.loads(out))
    assert len(out) < 5_000_000


class Page(HTMLParser):
    """What a browser would make of a page: its elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


OURS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "svg", "g",
    "rect", "nav", "main", "section", "div", "article", "span", "dl", "dt", "dd", "code", "table", "thead",
    "tbody", "tr", "th", "td", "button", "footer", "script", "b",
}  # fmt: skip


@pytest.fixture(scope="module")
def page(hostile: Path) -> Path:
    place = hostile.parent / "page.html"
    assert run(["conformance", str(hostile), "--html", str(place)]) == 0
    return place


def test_the_page_holds_only_our_elements_and_loads_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parsed = Page()
    parsed.feed(text)
    assert {tag for tag, _ in parsed.elements} <= OURS
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "xlink:href")]
    links = [attributes["href"] or "" for _, attributes in parsed.elements if "href" in attributes]
    assert all(link.startswith("#") for link in links)
    assert not UNSEEN.search(text)
    assert "default-src &#x27;none&#x27;" in text
    assert len(text) < 1_000_000


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
    assert title[1].startswith("Deviations from")
    parsed = Page()
    parsed.feed(ended.stdout)
    assert {tag for tag, _ in parsed.elements} <= OURS
    assert "Content Security Policy" not in ended.stderr
