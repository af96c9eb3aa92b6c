"""Pages that fleet makes, in a parser and in a real browser: closed, and no text of others does anything."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.rig.browser import find_chromium

from .texts import CANARY, acting

OURS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "svg", "g",
    "rect", "text", "line", "ul", "li", "b", "nav", "main", "section", "div", "article", "span", "dl", "dt",
    "dd", "code", "table", "thead", "tbody", "tr", "th", "td", "button", "label", "input", "output",
    "noscript", "footer", "script",
}  # fmt: skip
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr"
)
PATIENCE = 120  # seconds for what takes three


class Parsed(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
            self._inside = ""

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def assert_closed(page: Path) -> Parsed:
    """A page has no elements but ours, loads nothing, leads nowhere, and lets nothing run but its own."""
    text = page.read_text(encoding="utf-8")
    parsed = Parsed(text)
    assert parsed.tags <= OURS
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "xlink:href")]
    links = [attributes["href"] or "" for _, attributes in parsed.elements if "href" in attributes]
    assert [link for link in links if not link.startswith("#")] == []
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1].replace("https:", "")
    assert acting(text) == []
    return parsed


@dataclass(frozen=True)
class Browsed:
    """What a browser made of a page once its scripts had run, and what it complained of."""

    title: str
    text: str
    complaints: str


def browsed(page: Path, profile: Path) -> Browsed:
    """A page in a browser with an empty profile in a directory; skips the test where there is none."""
    browser = find_chromium()
    if browser is None:
        pytest.skip("there is no chromium here: that the page is inert is held by its parsing alone")
    command = [browser, *FLAGS.split(), f"--user-data-dir={profile / 'profile'}", "--dump-dom", page.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    title = re.search(r"<title>([^<]*)</title>", ended.stdout)
    assert title is not None
    return Browsed(title[1], ended.stdout, ended.stderr)


def assert_inert(page: Path, profile: Path) -> Browsed:
    """In a browser no canary fires, nothing but ours comes to be, and the policy has nothing to refuse."""
    found = browsed(page, profile)
    assert found.title != CANARY
    assert Parsed(found.text).tags <= OURS
    assert "Content Security Policy" not in found.complaints
    return found
