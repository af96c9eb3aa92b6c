"""What hosts say is text in every form of a report: it is no markup, no escape, no formula, no mention."""

from __future__ import annotations

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
from recorded import Recorded, record_run

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
    "[link](javascript:alert(1)) @everyone `code` | cell",
    "[link=http://evil]x[/link] [bold]",
    "A" * 1_000_000,
    "${env:HOME} {{7*7}} {0.__class__}",
)


def poisoned(record: dict[str, Any]) -> dict[str, Any]:
    """Everything that a host, an inventory or a description may have said is a hostile text."""
    number = int(record["labels"]["serial"][2:])
    text = TEXTS[number % len(TEXTS)]
    failure = {"kind": "http.status", "message": text, "step": text, "uri": text, "attempts": 1}
    status = ("failed", "partial", "ok")[number // len(TEXTS) % 3]
    return {
        **record, "id": text + str(number), "labels": {"site": text, text[:200]: "x"}, "proxy": text,
        "status": status,
        "failure": failure if status == "failed" else None, "errors": [failure] if status != "ok" else [],
        "steps": {text: {"complete": False, "rows": [{"@uri": text, text: text}]}},
        "checks": [{"check": text, "result": "fail", "severity": text, "row": [text, 0], "message": text}],
        "violations": [{"pointer": text, "rule": text, "uri": text}],
        "skipped": [{"step": text, "why": text}],
        "tls": {"notAfter": text, "version": text, "subject": text, "selfSigned": True}, "notes": {text: 1},
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "r"
    return record_run(path, hosts=3 * len(TEXTS), troubles=(), edit=poisoned).path


class Page(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)
            self.inside = ""


@pytest.fixture(scope="module")
def page(hostile: Path) -> Path:
    place = hostile.parent / "page.html"
    assert run(["report", str(hostile), "--html", str(place)]) == 0
    return place


OURS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "svg", "g",
    "rect", "text", "line", "ul", "li", "b", "nav", "main", "section", "div", "article", "span", "dl", "dt",
    "dd", "code", "table", "thead", "tbody", "tr", "th", "td", "button", "label", "input", "output",
    "noscript", "footer", "script",
}  # fmt: skip


def test_the_page_holds_only_our_elements(page: Path) -> None:
    parsed = Page()
    parsed.feed(page.read_text(encoding="utf-8"))
    assert {tag for tag, _ in parsed.elements} <= OURS
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "xlink:href")]
    assert all(
        (attributes["href"] or "").startswith("#")
        for _, attributes in parsed.elements
        if "href" in attributes
    )
    scripts = [attributes for tag, attributes in parsed.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert len(json.loads(parsed.scripts[0])) == 3 * len(TEXTS)


def test_the_page_lets_nothing_run_but_its_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1].replace("https:", "")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069]", text)
    assert len(text) < 500_000


@pytest.mark.parametrize("form", [[], ["--md"], ["--json"], ["--by", "site"]])
def test_no_form_moves_the_cursor(hostile: Path, form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(hostile), *form]) == 0
    told = capsys.readouterr()
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069]", told.out + told.err
    )
    if form != ["--json"]:
        assert max(map(len, told.out.splitlines())) < 40_000


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_no_sequence_but_colours(hostile: Path, width: int, plain: bool) -> None:
    """The real thing: a pseudo-terminal, where rich writes escapes of its own."""
    code = "import sys; from fleet.cli import main; sys.exit(main())"
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    environment |= {"TERM": "xterm-256color", **({"NO_COLOR": "1"} if plain else {})}
    with (
        subprocess.Popen(
            [sys.executable, "-c", code, "report", str(hostile), "--by", "site"],
            stdout=theirs,
            env=environment,
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
    text = re.sub(r"\x1b\[[0-9;]*m", "", told.decode())
    assert "3 targets" in text or "targets = " in text
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069]", text)
    if plain:
        assert b"\x1b[3" not in told.replace(b"\x1b[3m", b"")  # italic is no colour


def test_markdown_holds_no_markup_of_others(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(hostile), "--md"]) == 0
    text = re.sub(r"`[^`\n]*`", "", capsys.readouterr().out)
    assert "<" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "@everyone" not in text


@pytest.mark.parametrize("at", range(len(TEXTS)))
def test_the_story_of_a_hostile_target_is_inert(
    hostile: Path, at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    record = [json.loads(line) for line in (hostile / "outcomes.jsonl").read_bytes().splitlines()][at]
    assert run(["explain", record["id"], str(hostile)]) == 0
    told = capsys.readouterr().out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e\u2066-\u2069]", told)
    assert len(told) < 20_000


ACT = """<script>
const said = [], search = document.getElementById("search");
const note = () => said.push(document.getElementById("shown").textContent);
const first = (id) => document.querySelector(id + " tbody tr").cells[0].textContent;
search.value = "TLS.expired bmc-03-02"; search.dispatchEvent(new Event("input")); note();
for (const turn of [1, 2]) { document.querySelector("#list th button").click(); said.push(first("#list")); }
search.value = ""; search.dispatchEvent(new Event("input"));
document.querySelector(".chip[data-status=partial]").click(); note();
for (const turn of [1, 2]) document.querySelectorAll("#steps th button")[1].click();
said.push(first("#steps"));
document.title = said.join("; ");
</script></body>"""


def test_the_list_is_searched_and_sorted(recorded: Recorded, tmp_path: Path) -> None:
    """With the page's policy taken away, for it would not let a test's script run."""
    place = tmp_path / "page.html"
    assert run(["report", str(recorded.path), "--html", str(place)]) == 0
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", place.read_text(encoding="utf-8"))
    place.write_text(text.replace("</body>", ACT), encoding="utf-8")
    title = re.search(r"<title>([^<]*)</title>", browsed(place, tmp_path).stdout)
    assert title is not None
    assert title[1] == "10 of 5,000 targets; bmc-03-020; bmc-03-029; 41 of 5,000 targets; drive"


def browsed(page: Path, profile: Path) -> subprocess.CompletedProcess[str]:
    """What a browser made of a page; skips where there is none."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no chromium here: that the page is inert is held by its parsing alone")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr"
    )
    return subprocess.run(
        [browser, *flags.split(), f"--user-data-dir={profile / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip


def test_a_browser_fires_no_canary_and_fills_the_list(page: Path, tmp_path: Path) -> None:
    ended = browsed(page, tmp_path)
    title = re.search(r"<title>([^<]*)</title>", ended.stdout)
    assert title is not None
    assert CANARY not in title[1]
    shown = Page()
    shown.feed(ended.stdout)
    assert {tag for tag, _ in shown.elements} <= OURS
    assert (
        f"{3 * len(TEXTS)} of {3 * len(TEXTS)} targets" in ended.stdout
    )  # the script ran: its digest is right
    assert "Content Security Policy" not in ended.stderr
